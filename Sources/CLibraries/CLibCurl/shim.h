#pragma once
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

// Swift cannot call variadic C: each use of curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt gets a typed
// door here. The type must be the one that the option's page in libcurl's manual names.

static inline CURLcode operadora_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode operadora_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

// libcurl copies the text.
static inline CURLcode operadora_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

// libcurl copies as many bytes as CURLOPT_POSTFIELDSIZE_LARGE said before.
static inline CURLcode operadora_curl_copy_body(CURL *easy, const void *bytes) {
    return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

// The list must live as long as the handle uses it.
static inline CURLcode operadora_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *list) {
    return curl_easy_setopt(easy, option, list);
}

static inline CURLcode operadora_curl_set_pointer(CURL *easy, CURLoption option, void *pointer) {
    return curl_easy_setopt(easy, option, pointer);
}

// For CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION.
typedef size_t (*operadora_curl_data_function)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode operadora_curl_set_data_function(
    CURL *easy, CURLoption option, operadora_curl_data_function function) {
    return curl_easy_setopt(easy, option, function);
}

static inline CURLcode operadora_curl_set_prerequest_function(CURL *easy, curl_prereq_callback function) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
}

static inline CURLcode operadora_curl_set_socket_function(CURL *easy, curl_sockopt_callback function) {
    return curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, function);
}

static inline CURLcode operadora_curl_set_open_socket_function(CURL *easy, curl_opensocket_callback function) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
}

static inline CURLcode operadora_curl_set_close_function(CURL *easy, curl_closesocket_callback function) {
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, function);
}

static inline CURLcode operadora_curl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

// What was set as CURLOPT_PRIVATE.
static inline void *operadora_curl_private(CURL *easy) {
    char *pointer = NULL;
    return curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer) == CURLE_OK ? pointer : NULL;
}

static inline CURLMcode operadora_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// The result lies in a union, which Swift sees only through its first member.
static inline CURLcode operadora_curl_result(const CURLMsg *message) { return message->data.result; }

// Declared as if it were longer than it is, which Swift does not read.
static inline const void *operadora_curl_address(const struct curl_sockaddr *address) { return &address->addr; }

// Macros with casts do not reach Swift.
static const long operadora_curl_use_ssl_none = CURLUSESSL_NONE;
static const long operadora_curl_use_ssl_try = CURLUSESSL_TRY;
static const long operadora_curl_use_ssl_all = CURLUSESSL_ALL;

#pragma once
#include <curl/curl.h>
// Swift cannot call variadic C: each use of curl_easy_setopt gets a typed door here.

#pragma once
#include <microhttpd.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// Swift cannot call variadic C: MHD_start_daemon and MHD_get_connection_info get typed doors here.

// A daemon with one epoll thread and no listening socket: connections come through MHD_add_connection. MHD_USE_ITC is
// what MHD_resume_connection and MHD_add_connection wake that thread with.
static inline struct MHD_Daemon *operadora_mhd_start(
    MHD_AccessHandlerCallback handle, void *(*begin)(void *context, const char *uri, struct MHD_Connection *connection),
    MHD_RequestCompletedCallback complete, MHD_NotifyConnectionCallback notify, void *context,
    unsigned int connection_limit, unsigned int idle_timeout_seconds, size_t memory_per_connection) {
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
        handle, context, MHD_OPTION_URI_LOG_CALLBACK, begin, context, MHD_OPTION_NOTIFY_COMPLETED, complete, context,
        MHD_OPTION_NOTIFY_CONNECTION, notify, context, MHD_OPTION_CONNECTION_LIMIT, connection_limit,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_timeout_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory_per_connection,
        MHD_OPTION_END);
}

static inline int operadora_mhd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static inline const struct sockaddr *operadora_mhd_address(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

static inline void *operadora_mhd_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// Macros with casts do not reach Swift.
static const uint64_t operadora_mhd_size_unknown = MHD_SIZE_UNKNOWN;
static const ssize_t operadora_mhd_end_of_stream = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t operadora_mhd_end_with_error = MHD_CONTENT_READER_END_WITH_ERROR;

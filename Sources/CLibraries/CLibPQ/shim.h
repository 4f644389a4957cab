#pragma once
#include <postgresql/libpq-fe.h>
// What the thread that waits for libpq's sockets needs; Swift's Glibc module leaves these headers out.
#include <sys/epoll.h>
#include <sys/eventfd.h>

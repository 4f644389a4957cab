#pragma once
#include <microhttpd.h>
// Swift cannot call variadic C: MHD_start_daemon and its options get typed doors here.

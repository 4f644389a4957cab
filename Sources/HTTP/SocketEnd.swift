import Glibc

/// Ends a socket's traffic in both directions, from any thread; whoever waits for it is woken. It stays open.
func endTraffic(of socket: Int32) {
    // SHUT_RDWR. By name it belongs to whichever C module is imported first, and other files do not see it.
    shutdown(socket, 2)
}

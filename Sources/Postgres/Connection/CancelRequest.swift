import CLibPQ

/// Asks the server to stop what a connection runs. PQcancel opens a connection of its own and blocks until the server has
/// passed the request on, so it needs a thread.
// Sendable because PQgetCancel copies what PQcancel needs, for use in any thread, and only `send` uses it.
final class CancelRequest: @unchecked Sendable {
    /// The command that it is meant for.
    let command: UInt64
    /// From 1.
    let attempt: Int
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer, command: UInt64, attempt: Int) {
        self.handle = handle
        self.command = command
        self.attempt = attempt
    }

    deinit { PQfreeCancel(handle) }

    /// Blocks. False when the server could not be reached.
    func send() -> Bool {
        var message = [CChar](repeating: 0, count: 256)
        return PQcancel(handle, &message, Int32(message.count)) == 1
    }
}

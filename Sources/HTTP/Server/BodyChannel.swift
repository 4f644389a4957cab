import CMicroHTTPD
import Synchronization

/// A streamed body on its way from a task to libmicrohttpd's thread, with at most one chunk and 64 KiB in between.
// Sendable because everything is inside `state`, but the connection's handle: it is only used while `state.isSuspended` is
// set or being set, and a suspended connection cannot go.
final class BodyChannel: @unchecked Sendable {
    private enum End { case normal, broken }
    private struct State {
        var buffer: [UInt8] = []
        var readOffset = 0
        var end: End?
        /// libmicrohttpd waits for bytes.
        var isSuspended = false
        /// The writer waits for room.
        var writer: CheckedContinuation<Void, Never>?

        var waiting: Int { buffer.count - readOffset }
    }
    private static let maximumBuffered = 64 << 10

    private let connection: OpaquePointer
    private let state: Mutex<State>
    private let pump = Mutex<Task<Void, Never>?>(nil)

    init(_ connection: OpaquePointer) {
        self.connection = connection
        state = Mutex(State())
    }

    /// A body that breaks off after these bytes.
    init(_ connection: OpaquePointer, breakingOffAfter bytes: [UInt8]) {
        self.connection = connection
        state = Mutex(State(buffer: bytes, end: .broken))
    }

    /// Passes the stream on until it ends or the channel is aborted.
    func start(_ stream: AsyncThrowingStream<[UInt8], any Error>) {
        let task = Task {
            do {
                for try await chunk in stream { await write(chunk) }
                end(Task.isCancelled ? .broken : .normal)
            } catch {
                end(.broken)
            }
        }
        pump.withLock { $0 = task }
    }

    /// Nobody will read any more. May be called at any time, more than once.
    func abort() {
        end(.broken)
        pump.withLock { $0.take() }?.cancel()
    }

    /// For libmicrohttpd: bytes, or its marks for the end. Zero means that the connection was suspended.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let (count, writer) = state.withLock { state in
            guard state.waiting > 0 else { return (endOrSuspend(&state), state.writer.take()) }
            let count = min(buffer.count, state.waiting)
            state.buffer.withUnsafeBytes {
                buffer.copyMemory(from: .init(rebasing: $0[state.readOffset...].prefix(count)))
            }
            state.readOffset += count
            if state.waiting == 0 {
                state.buffer.removeAll(keepingCapacity: true)
                state.readOffset = 0
            }
            return (count, state.waiting < Self.maximumBuffered ? state.writer.take() : nil)
        }
        writer?.resume()
        return count
    }

    private func endOrSuspend(_ state: inout State) -> Int {
        switch state.end {
        case .normal: return operadora_mhd_end_of_stream
        case .broken: return operadora_mhd_end_with_error
        case nil:
            MHD_suspend_connection(connection)
            state.isSuspended = true
            return 0
        }
    }

    /// Returns when there is room again.
    private func write(_ chunk: [UInt8]) async {
        await withCheckedContinuation { continuation in
            let isFull = state.withLock { state in
                guard state.end == nil else { return false }
                state.buffer += chunk
                resume(&state)
                guard state.waiting >= Self.maximumBuffered else { return false }
                state.writer = continuation
                return true
            }
            if !isFull { continuation.resume() }
        }
    }

    private func end(_ end: End) {
        let writer = state.withLock { state in
            if state.end == nil { state.end = end }
            resume(&state)
            return state.writer.take()
        }
        writer?.resume()
    }

    /// Inside the lock: after it nothing of this channel is suspended, which stopping the daemon requires.
    private func resume(_ state: inout State) {
        guard state.isSuspended else { return }
        state.isSuspended = false
        MHD_resume_connection(connection)
    }
}

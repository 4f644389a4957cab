import Synchronization

/// Collects a whole answer and resumes the caller who waits for it.
final class PendingResponse: TransferReceiver {
    private struct State {
        var response = HTTPClientResponse(status: 0)
        var continuation: CheckedContinuation<HTTPClientResponse, any Error>?
    }
    private let state = Mutex(State())

    /// Before the transfer is started.
    func wait(_ continuation: CheckedContinuation<HTTPClientResponse, any Error>) {
        state.withLock { $0.continuation = continuation }
    }

    func receive(status: Int, headers: HTTPHeaders) {
        state.withLock { state in
            state.response.status = status
            state.response.headers = headers
            if let length = headers["Content-Length"].flatMap({ Int($0) }) {
                state.response.body.reserveCapacity(min(max(0, length), 1 << 20))
            }
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> ReceivedBytes {
        state.withLock { $0.response.body.append(contentsOf: bytes) }
        return .taken
    }

    func end(_ failure: HTTPError?) {
        let (continuation, response) = state.withLock { state in
            (state.continuation.take(), state.response)
        }
        if let failure { continuation?.resume(throwing: failure) } else { continuation?.resume(returning: response) }
    }
}

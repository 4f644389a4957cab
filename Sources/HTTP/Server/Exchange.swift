import CMicroHTTPD
import Glibc
import Synchronization

/// One request and its answer. Made when the request line is read, released when libmicrohttpd is done with it.
///
/// libmicrohttpd calls from its one thread; the handler's task, the server's thread and the body's task call from theirs.
// Sendable because everything is inside `state`, but the connection's handle: it is valid until `finish`, and used under
// the same lock only in phases before that.
final class Exchange: @unchecked Sendable {
    struct Head {
        var method = ""
        var headers = HTTPHeaders()
    }
    private struct State {
        var way: ExchangeState
        var head: Head?
        var body: [UInt8] = []
        var request: HTTPServerRequest?
        var handler: Task<Void, Never>?
        var channel: BodyChannel?
        var isAbandoned = false
    }
    let connectionID: UInt64
    let deadline: ContinuousClock.Instant
    private let target: String
    private let remoteAddress: String
    private let connection: OpaquePointer
    private let state: Mutex<State>

    init(
        connectionID: UInt64, target: String, remoteAddress: String, deadline: ContinuousClock.Instant,
        connection: OpaquePointer, maximumBodyBytes: Int
    ) {
        self.connectionID = connectionID
        self.target = target
        self.remoteAddress = remoteAddress
        self.deadline = deadline
        self.connection = connection
        state = Mutex(State(way: ExchangeState(maximumBodyBytes: maximumBodyBytes)))
    }
}

/// From libmicrohttpd's callbacks.
extension Exchange {
    var hasHead: Bool { state.withLock { $0.head != nil } }

    /// False when the body is declared larger than what would even be thrown away.
    func begin(_ head: Head) -> Bool {
        let length = head.headers["Content-Length"].flatMap { Int($0) } ?? 0
        return state.withLock { state in
            state.head = head
            guard length <= state.way.maximumDiscardedBytes else { return false }
            if length <= state.way.maximumBodyBytes { state.body.reserveCapacity(length) }
            return true
        }
    }

    /// False when the connection should end: the body goes on and on.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            switch state.way.receive(bytes.count) {
            case .keep: state.body.append(contentsOf: bytes)
            case .discard: state.body = []
            case .refuse: return false
            }
            return true
        }
    }

    var isBodyTooLarge: Bool { state.withLock { $0.way.isBodyTooLarge } }

    /// The request is whole, or the connection was resumed. With `.handle` the connection is suspended and `handle` runs as
    /// a task, whose answer resumes it. `admit` is asked before that, once.
    func next(
        admit: () -> Bool, handle: @escaping @Sendable (HTTPServerRequest) async -> HTTPServerResponse
    ) -> ExchangeState.Turn {
        state.withLock { state in
            let turn = state.way.next(admit: admit)
            guard case .handle = turn, let head = state.head else { return turn }
            let request = HTTPServerRequest(
                method: head.method, target: target, headers: head.headers, body: state.body,
                remoteAddress: remoteAddress)
            state.request = request
            state.body = []
            // Before the task: a resume that came before the suspension would be lost.
            MHD_suspend_connection(connection)
            state.handler = Task { self.answer(await handle(request)) }
            return turn
        }
    }

    func refused() { state.withLock { $0.way.refused() } }

    /// The answer's body comes through this channel, which ends with the exchange.
    func send(through channel: BodyChannel) {
        let isAbandoned = state.withLock { state in
            state.channel = channel
            return state.isAbandoned
        }
        if isAbandoned { channel.abort() }
    }

    func finish() { change { $0.way.finish() } }
}

/// From everywhere else.
extension Exchange {
    func deadlineReached(_ answer: @Sendable (HTTPServerRequest) -> HTTPServerResponse) {
        let response = state.withLock(\.request).map(answer) ?? HTTPServerResponse(status: 408)
        change { $0.way.deadlineReached(response) }
    }

    /// The client has left, or the server stops hard.
    func abandon() {
        change { state in
            state.isAbandoned = true
            return state.way.abandon()
        }
    }

    private func answer(_ response: HTTPServerResponse) { change { $0.way.answer(response) } }

    /// The connection is resumed inside the lock: whoever has held the lock after a change can be sure that nothing of
    /// this exchange is suspended any more, which stopping the daemon requires.
    private func change(_ change: (inout State) -> ExchangeState.Actions) {
        let (handler, channel) = state.withLock { state in
            let actions = change(&state)
            if actions.closesSocket { endTraffic(of: operadora_mhd_socket(connection)) }
            if actions.resumes { MHD_resume_connection(connection) }
            if case .handling = state.way.phase {} else { state.request = nil }
            return (
                actions.cancelsHandler ? state.handler.take() : nil, actions.abortsBody ? state.channel.take() : nil
            )
        }
        handler?.cancel()
        channel?.abort()
    }
}

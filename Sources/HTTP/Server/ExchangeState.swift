/// The way of one request through the server, without its effects.
///
/// `receiving` → `handling` → `answered` → `sending` → `finished`. A refusal before the handler goes from `receiving` to
/// `sending`; a client that leaves, or a hard stop, takes `handling` to `dropped`. Only `handling` is suspended, and every
/// way out of it resumes the connection, so that happens exactly once.
struct ExchangeState {
    enum Phase {
        case receiving
        case handling
        case answered(HTTPServerResponse)
        case dropped
        case sending
        case finished
    }

    /// What the caller must do, in this order, before it leaves the lock.
    struct Actions: Equatable {
        var cancelsHandler = false
        var resumes = false
        /// The answer's body is abandoned.
        var abortsBody = false
        /// The rest of the request is not waited for.
        var closesSocket = false
    }

    /// What to do with a piece of the body.
    enum Upload: Equatable { case keep, discard, refuse }

    /// What libmicrohttpd's callback does once the request is whole, or when it comes back after a resume.
    enum Turn {
        case handle
        /// Too many are being handled.
        case refuse
        case send(HTTPServerResponse)
        case drop
    }

    private(set) var phase = Phase.receiving
    private(set) var receivedBytes = 0
    let maximumBodyBytes: Int

    /// A body over the limit is read on and thrown away up to here, so that the client reads its 413 instead of a reset.
    var maximumDiscardedBytes: Int { max(maximumBodyBytes, 1 << 20) * 8 }

    init(maximumBodyBytes: Int) { self.maximumBodyBytes = maximumBodyBytes }

    var isBodyTooLarge: Bool { receivedBytes > maximumBodyBytes }

    mutating func receive(_ count: Int) -> Upload {
        receivedBytes += count
        if !isBodyTooLarge { return .keep }
        return receivedBytes <= maximumDiscardedBytes ? .discard : .refuse
    }

    /// The callback's turn. `handle` is only said once: the connection is suspended then.
    mutating func next(admit: () -> Bool) -> Turn {
        switch phase {
        case .receiving:
            let isAdmitted = admit()
            phase = isAdmitted ? .handling : .sending
            return isAdmitted ? .handle : .refuse
        case .answered(let response):
            phase = .sending
            return .send(response)
        case .handling, .dropped, .sending, .finished: return .drop
        }
    }

    /// An answer that needs no handler is being sent.
    mutating func refused() { phase = .sending }

    /// The handler's answer, or one for it. False when nobody waits for it any more.
    mutating func answer(_ response: HTTPServerResponse) -> Actions {
        guard case .handling = phase else { return Actions() }
        phase = .answered(response)
        return Actions(resumes: true)
    }

    mutating func deadlineReached(_ response: HTTPServerResponse) -> Actions {
        if case .receiving = phase { return Actions(closesSocket: true) }
        var actions = answer(response)
        actions.cancelsHandler = actions.resumes
        return actions
    }

    /// The client has left, or the server stops hard.
    mutating func abandon() -> Actions {
        switch phase {
        case .handling:
            phase = .dropped
            return Actions(cancelsHandler: true, resumes: true)
        case .receiving, .answered:
            phase = .dropped
            return Actions()
        case .sending: return Actions(abortsBody: true)
        case .dropped, .finished: return Actions()
        }
    }

    /// libmicrohttpd is done with the request, in whatever way.
    mutating func finish() -> Actions {
        phase = .finished
        return Actions(abortsBody: true)
    }
}

/// The order of things on one connection, without any I/O: what may be sent, whose answer comes next, and when the server may
/// be asked to cancel.
///
/// A command goes from `waiting` to `inFlight` when it is sent, and leaves when it is answered. A cancel request stops
/// whatever the server happens to run when it arrives. So it is only made while every command in flight is to be
/// cancelled; nothing else is sent, and nobody hears of an answer, until the request has ended.
struct Pipeline<Item> {
    struct Command {
        let id: UInt64
        /// Runs with nothing else in flight: COPY and scripts, which libpq cannot do in pipeline mode.
        let isExclusive: Bool
        var isCancelled = false
        var item: Item
    }

    /// More than this wait on our side: the server's socket and ours need not hold them.
    static var maximumInFlight: Int { 1_000 }

    private(set) var waiting = FIFO<Command>()
    private(set) var inFlight = FIFO<Command>()
    private(set) var isRequestingCancel = false
    /// Answered while a cancel request was on its way.
    private var answered: [Command] = []

    var isEmpty: Bool { waiting.isEmpty && inFlight.isEmpty && answered.isEmpty }

    /// The command whose answer comes next.
    var current: Item? { inFlight.first?.item }

    mutating func updateCurrent(_ change: (inout Item) -> Void) {
        inFlight.updateFirst { change(&$0.item) }
    }

    mutating func add(_ id: UInt64, _ item: Item, isExclusive: Bool = false) {
        waiting.append(Command(id: id, isExclusive: isExclusive, item: item))
    }

    /// The next command that may be sent now. Call `sent` with it.
    mutating func takeNext() -> Command? {
        guard let next = waiting.first, !isRequestingCancel, inFlight.count < Self.maximumInFlight else { return nil }
        if let last = inFlight.last {
            // Behind one that is to be cancelled, another one would keep the cancel from being made.
            guard !last.isCancelled, !last.isExclusive, !next.isExclusive else { return nil }
        }
        return waiting.popFirst()
    }

    mutating func sent(_ command: Command) { inFlight.append(command) }

    /// The current command is over. Returns who may be told now: nobody while a cancel request is on its way.
    mutating func finishCurrent() -> [Command] {
        guard let command = inFlight.popFirst() else { return [] }
        answered.append(command)
        return isRequestingCancel ? [] : takeAnswered()
    }

    /// The current command failed without any effect and goes first again. Nil, or what `finishCurrent` does when it was cancelled.
    mutating func sendCurrentAgain(_ change: (inout Item) -> Void) -> [Command]? {
        guard let current = inFlight.first, !current.isCancelled else { return finishCurrent() }
        guard var command = inFlight.popFirst() else { return nil }
        change(&command.item)
        waiting.prepend(command)
        return nil
    }

    /// Nobody wants the command any more. Returns it when it was not sent yet.
    mutating func cancel(_ id: UInt64) -> Command? {
        if let command = waiting.remove(where: { $0.id == id }) { return command }
        inFlight.updateFirst(where: { $0.id == id }, change: { $0.isCancelled = true })
        return nil
    }

    /// Whether the server is to be asked to cancel: all that it works on is unwanted.
    var wantsCancelRequest: Bool {
        !isRequestingCancel && !inFlight.isEmpty && inFlight.allSatisfy(\.isCancelled)
    }

    /// True when the server is to be asked now; then call `cancelRequestEnded` later.
    mutating func startCancelRequest() -> Bool {
        guard wantsCancelRequest else { return false }
        isRequestingCancel = true
        return true
    }

    /// The server has passed the request on, or never will. Returns who was answered meanwhile.
    mutating func cancelRequestEnded() -> [Command] {
        isRequestingCancel = false
        return takeAnswered()
    }

    /// Everybody who still waits, when the connection is over.
    mutating func removeAll() -> [Command] {
        isRequestingCancel = false
        return takeAnswered() + inFlight.removeAll() + waiting.removeAll()
    }

    private mutating func takeAnswered() -> [Command] {
        defer { answered = [] }
        return answered
    }
}

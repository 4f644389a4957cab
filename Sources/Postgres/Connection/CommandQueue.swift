/// What libpq will answer, in order: the pipeline's bookkeeping, without any I/O.
///
/// A command is what one caller waits for: some steps (prepare, execute) and the sync that ends them. Commands are sent as
/// they come and answered in the same order.
struct CommandQueue<Waiter, Result> {
    enum Step: Equatable {
        /// Prepares a statement under this name, with this text.
        case prepare(String, String)
        /// Executes the statement with this text.
        case execute(String)
        /// A statement of our own, whose result nobody waits for.
        case discard

        var sql: String? {
            switch self {
            case .prepare(_, let sql), .execute(let sql): sql
            case .discard: nil
            }
        }
    }

    struct Command {
        let id: UInt64
        var steps: ArraySlice<Step>
        var results: [Result] = []
        var error: PostgresError?
        var waiter: Waiter
    }

    private var commands: [Command] = []
    private var head = 0
    private(set) var lastID: UInt64 = 0

    var isEmpty: Bool { head == commands.count }
    var count: Int { commands.count - head }
    /// What the server is working on, or nil.
    var first: Command? { isEmpty ? nil : commands[head] }
    var currentStep: Step? { isEmpty ? nil : commands[head].steps.first }

    mutating func add(_ steps: [Step], _ waiter: Waiter) -> UInt64 {
        lastID += 1
        commands.append(Command(id: lastID, steps: steps[...], waiter: waiter))
        return lastID
    }

    /// The current step succeeded.
    mutating func succeed(with result: Result) {
        guard !isEmpty else { return }
        if case .execute = commands[head].steps.popFirst() { commands[head].results.append(result) }
    }

    /// The current step failed: the steps after it will be reported as aborted, up to the sync.
    mutating func fail(_ error: PostgresError) {
        guard !isEmpty else { return }
        _ = commands[head].steps.popFirst()
        if commands[head].error == nil { commands[head].error = error }
    }

    /// The server reached the sync: the command is over.
    mutating func finish() -> Command? {
        guard !isEmpty else { return nil }
        let command = commands[head]
        head += 1
        if head == commands.count || head > 256 {
            commands.removeFirst(head)
            head = 0
        }
        return command
    }

    /// Everybody who still waits, when the connection is over.
    mutating func removeAll() -> [Command] {
        defer {
            commands = []
            head = 0
        }
        return Array(commands[head...])
    }
}

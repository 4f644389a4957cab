/// The command line of the benchmarks.
struct BenchmarkOptions {
    struct UsageError: Error, CustomStringConvertible { let description: String }

    var subjects: [Subject]
    var wantsJSON = false
    var wantsHelp = false
    /// A libpq connection string of a server to measure on instead of a private one.
    var database: String?
    /// What `WorkerProcess` starts: the connection string of its database.
    var workerProcess: String?

    init(_ arguments: [String], subjects all: [Subject]) throws {
        subjects = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--json": wantsJSON = true
            case "--help", "-h": wantsHelp = true
            case "--database": database = try Self.value(of: argument, in: &rest)
            case "--worker-process": workerProcess = try Self.value(of: argument, in: &rest)
            default:
                guard let subject = all.first(where: { $0.name == argument }) else {
                    throw UsageError(
                        description: "unknown subject \(argument); there are \(all.map(\.name).joined(separator: ", "))"
                    )
                }
                guard !subjects.contains(where: { $0.name == argument }) else {
                    throw UsageError(description: "\(argument) is named twice")
                }
                subjects.append(subject)
            }
        }
        if subjects.isEmpty { subjects = all }
    }

    private static func value(of option: String, in rest: inout ArraySlice<String>) throws -> String {
        guard let value = rest.popFirst() else { throw UsageError(description: "\(option) needs a value") }
        return value
    }

    static func help(_ subjects: [Subject]) -> String {
        """
        Measures this machine against the bars. Build for release first.

        USAGE: benchmarks [--json] [--database <connection string>] [<subject> ...]

        Without --database, on a private PostgreSQL that is durable as installed. Each subject gets an empty database.

        SUBJECTS
        \(subjects.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

        EXAMPLE: benchmarks drain latency --json
        """
    }
}

import FoundationEssentials

/// The environment variables of this process over those of a `.env` file. An empty variable counts as not set.
public struct Environment: Sendable {
    private let values: [String: String]
    /// One for each line of the file that could not be read.
    let problems: [String]

    public init(_ values: [String: String]) { self.init(values, problems: []) }

    private init(_ values: [String: String], problems: [String]) {
        self.values = values.filter { !$0.value.isEmpty }
        self.problems = problems
    }

    /// Reads the process's variables and, where they are silent, the file's. A missing file is no error.
    ///
    /// - Parameter process: the process's variables; nil takes those of this one.
    ///
    /// Throws `ConfigurationError` with every line of the file that cannot be read.
    public static func load(
        process: [String: String]? = nil, file: String = ".env"
    ) throws -> Environment {
        let environment = read(process: process, file: file)
        if !environment.problems.isEmpty { throw ConfigurationError(problems: environment.problems) }
        return environment
    }

    /// The same for an `EnvironmentReader`, which says what is wrong with the file together with all else that is wrong.
    public static func read(process: [String: String]? = nil, file: String = ".env") -> Environment {
        let process = process ?? ProcessInfo.processInfo.environment
        guard let data = FileManager.default.contents(atPath: file) else { return Environment(process) }
        let (fileValues, problems) = EnvironmentFile.parse(String(decoding: data, as: UTF8.self))
        let set = process.filter { !$0.value.isEmpty }
        return Environment(
            fileValues.merging(set) { _, real in real },
            problems: problems.map { "\(file) line \($0.line) \($0.reason)" })
    }

    public subscript(name: String) -> String? { values[name] }
}

/// Everything that is wrong with the configuration, one line each: the variable, what is wrong, what would be right.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    public let problems: [String]
    public init(problems: [String]) { self.problems = problems }
    public var description: String { problems.joined(separator: "\n") }
}

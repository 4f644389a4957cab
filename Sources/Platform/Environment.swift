import FoundationEssentials

/// The environment variables of this process over those of a `.env` file. An empty variable counts as not set.
public struct Environment: Sendable {
    private let values: [String: String]

    public init(_ values: [String: String]) {
        self.values = values.filter { !$0.value.isEmpty }
    }

    /// Reads the process's variables and, where they are silent, the file's. A missing file is no error.
    ///
    /// - Parameter process: the process's variables; nil takes those of this one.
    ///
    /// Throws `ConfigurationError` with every line of the file that cannot be read.
    public static func load(
        process: [String: String]? = nil, file: String = ".env"
    ) throws -> Environment {
        let process = process ?? ProcessInfo.processInfo.environment
        guard let data = FileManager.default.contents(atPath: file) else { return Environment(process) }
        let (fileValues, problems) = EnvironmentFile.parse(String(decoding: data, as: UTF8.self))
        guard problems.isEmpty else {
            throw ConfigurationError(problems: problems.map { "\(file) line \($0.line) \($0.reason)" })
        }
        let set = process.filter { !$0.value.isEmpty }
        return Environment(fileValues.merging(set) { _, real in real })
    }

    public subscript(name: String) -> String? { values[name] }
}

/// Everything that is wrong with the configuration, one line each: the variable, what is wrong, what would be right.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    public let problems: [String]
    public init(problems: [String]) { self.problems = problems }
    public var description: String { problems.joined(separator: "\n") }
}

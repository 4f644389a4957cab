/// One thing that is wrong with a tools file. Holds no value of the file: it may be a secret.
public struct ToolsFileProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// JSON path, such as `$.tools[0].url`.
    public var path: String
    /// Completes the path to a sentence: what is wrong, and what would be right.
    public var problem: String
    public var description: String { "\(path) \(problem)" }
}

/// Everything that is wrong with a tools file, in the order of the file.
public struct ToolsFileError: Error, Sendable, Hashable, CustomStringConvertible {
    public var problems: [ToolsFileProblem]
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

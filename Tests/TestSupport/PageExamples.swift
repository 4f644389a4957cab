import FoundationEssentials

/// The examples in a test's source that a page of docs/ shows word for word: what stands between a line `// page: …` and the
/// next `// end`, without the indentation that it has there.
public enum PageExamples {
    /// - Parameter path: of a Swift file.
    public static func regions(in path: String) throws -> [String] {
        let source = try String(contentsOf: URL(filePath: path), encoding: .utf8)
        return source.components(separatedBy: "// page: ").dropFirst().map { part in
            let lines = part.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
            let region = lines.prefix { !$0.hasSuffix("// end") }
            let indentation = region.first?.prefix { $0 == " " }.count ?? 0
            return region.map { "\($0.dropFirst(indentation))\n" }.joined()
        }
    }
}

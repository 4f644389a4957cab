import FoundationEssentials

/// A page of docs/ and what of it can be run.
public struct DocumentationPage: Sendable {
    /// A block of SQL, and what the page says that psql prints.
    public struct Example: Sendable {
        public let sql: String
        /// Nil where the page does not say.
        public let output: String?
    }

    public let text: String

    /// - Parameter name: such as "jobs.md".
    public init(_ name: String) throws {
        let page = URL(filePath: TestDatabase.migrations).deletingLastPathComponent().appending(path: "docs/\(name)")
        text = try String(contentsOf: page, encoding: .utf8)
    }

    /// What is under a heading of the second level; empty when there is none.
    public func section(_ title: String) -> String {
        text.components(separatedBy: "\n## ").first { $0.hasPrefix("\(title)\n") } ?? ""
    }

    /// The blocks of SQL in their order, each with the block of text that follows it at once.
    public var examples: [Example] {
        text.components(separatedBy: "```sql\n").dropFirst().map { part in
            let blocks = part.components(separatedBy: "```")
            let isShown = blocks.count > 2 && blocks[1] == "\n" && blocks[2].hasPrefix("text\n")
            return Example(sql: blocks[0], output: isShown ? String(blocks[2].dropFirst(5)) : nil)
        }
    }

    /// The blocks of code in a language, in their order.
    public func blocks(of language: String) -> [String] {
        text.components(separatedBy: "```\(language)\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    }

    /// The rows of the tables in a section: of each cell the first piece of code, nil where it has none.
    public func codeCells(inTablesOf title: String) -> [[String?]] {
        section(title).split(separator: "\n").filter { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map {
                $0.split(separator: "`", omittingEmptySubsequences: false).dropFirst().first
            }
            .map { $0.map(String.init) }
        }
    }
}

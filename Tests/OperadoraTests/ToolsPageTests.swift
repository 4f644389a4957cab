import FoundationEssentials
import TestSupport
import Testing

@Suite struct ToolsPageTests {
    @Test("Every test that docs/tools.md names is there")
    func namesTests() throws {
        let root = URL(filePath: TestDatabase.migrations).deletingLastPathComponent()
        let sources = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "Tests").path)
            .filter { $0.hasSuffix(".swift") }
            .map { try String(contentsOf: root.appending(path: "Tests/\($0)"), encoding: .utf8) }
        let named = try DocumentationPage("tools.md").text.matches(of: /`(\w+Tests)(?:\.(\w+))?`/)
        #expect(named.count > 40)
        for match in named {
            let (suite, test) = (match.1, match.2)
            let isThere = sources.contains { source in
                source.contains("struct \(suite) ") && (test.map { source.contains("func \($0)(") } ?? true)
            }
            #expect(isThere, "\(match.0)")
        }
    }
}

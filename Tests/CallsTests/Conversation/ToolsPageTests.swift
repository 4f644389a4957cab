import FoundationEssentials
import TestSupport
import Testing

/// docs/tools.md says which test proves what: here it is held to that.
@Suite("The page of the tools")
struct ToolsPageTests {
    @Test("Every test that is named for calendar and mail exists, under that name")
    func claims() throws {
        let section = try DocumentationPage("tools.md").section("Calendar and mail")
        let sources = try Self.testSources()
        var count = 0
        for match in section.matches(of: #/`(\w+Tests)`: (.+?)(?=<br>| \|)/#) {
            let (suite, claim) = (String(match.1), String(match.2))
            #expect(sources[suite]?.contains("\"\(claim)\"") == true, "\(suite): \(claim)")
            count += 1
        }
        #expect(count > 50)
    }

    /// The files that hold a suite, by its name.
    private static func testSources() throws -> [String: String] {
        let tests = URL(filePath: TestDatabase.migrations).deletingLastPathComponent().appending(path: "Tests")
        var sources: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: tests.path) where path.hasSuffix(".swift") {
            let text = try String(contentsOf: tests.appending(path: path), encoding: .utf8)
            for match in text.matches(of: #/struct (\w+Tests)\b/#) { sources[String(match.1), default: ""] += text }
        }
        return sources
    }
}

import FoundationEssentials
import TestSupport
import Testing

/// docs/tools.md says which test proves what: here it is held to that.
@Suite("The page of the tools")
struct ToolsPageTests {
    @Test("Every test that it names is there")
    func namesTests() throws {
        let sources = try Self.suites()
        let named = try DocumentationPage("tools.md").text.matches(of: /`(\w+Tests)(?:\.(\w+))?`/)
        #expect(named.count > 40)
        for match in named {
            let source = sources[String(match.1)]
            let isThere = match.2.map { source?.contains("func \($0)(") == true } ?? (source != nil)
            #expect(isThere, "\(match.0)")
        }
    }

    @Test(
        "Every claim about an agent, and about calendar and mail, is the name of a test",
        arguments: [("An agent", 30), ("Calendar and mail", 50)])
    func claims(_ title: String, _ least: Int) throws {
        let sources = try Self.suites()
        let section = try DocumentationPage("tools.md").section(title)
        let claims = section.matches(of: #/`(\w+Tests)`: (.+?)(?=<br>| \|)/#)
        #expect(claims.count > least)
        for match in claims {
            let isThere = sources[String(match.1)]?.contains("\"\(match.2)\"") == true
            #expect(isThere, "\(match.1): \(match.2)")
        }
    }

    @Test("What the page shows of operadora tools list is what it prints, with the page's own file")
    func listsTools() async throws {
        let page = try DocumentationPage("tools.md")
        let text = try #require(page.blocks(of: "json").first)
        let file = FileManager.default.temporaryDirectory.appending(path: "tools-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        let run = try await Executable.run(
            "tools", "list",
            environment: [
                "TOOLS_FILE": file.path, "CRM_TOKEN": "t", "MIKROTIK_API_URL": "http://192.168.1.100:5050",
                "TRANSFER_NUMBER": "+525598765432", "SMTP_SERVER": "mail.example.com",
                "FROM_EMAIL": "calls@example.com", "MEETING_LINK_ES": "https://meetings.example.com/es",
            ])
        #expect(run.output == page.blocks(of: "text").first, "\(run.error)")
    }

    /// The text of the files that hold a suite, by its name.
    private static func suites() throws -> [String: String] {
        let tests = URL(filePath: TestDatabase.migrations).deletingLastPathComponent().appending(path: "Tests")
        var sources: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: tests.path) where path.hasSuffix(".swift") {
            let text = try String(contentsOf: tests.appending(path: path), encoding: .utf8)
            for match in text.matches(of: #/struct (\w+Tests)\b/#) { sources[String(match.1), default: ""] += text }
        }
        return sources
    }
}

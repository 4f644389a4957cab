import FoundationEssentials
import Platform
import TestSupport
import Testing

@testable import Agents

@Suite("The page on agents")
struct AgentsPageTests {
    private let page: DocumentationPage
    private let examples: [String]

    init() throws {
        page = try DocumentationPage("agents.md")
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "AgentsPageExamples.swift")
        examples = Self.regions(of: try String(contentsOf: file, encoding: .utf8))
    }

    /// What stands between the marks, without the indentation that it has there.
    private static func regions(of source: String) -> [String] {
        source.components(separatedBy: "// page: ").dropFirst().map { part in
            let lines = part.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
            let region = lines.prefix { !$0.hasSuffix("// end") }
            let indentation = region.first?.prefix { $0 == " " }.count ?? 0
            return region.map { "\($0.dropFirst(indentation))\n" }.joined()
        }
    }

    @Test("Every example of the page is one that is compiled and run, and every one of those is on the page")
    func examplesAreRun() {
        let blocks = page.blocks(of: "swift")
        #expect(blocks.count >= 10)
        for block in blocks { #expect(examples.contains(block), "not run: \(block)") }
        for example in examples { #expect(blocks.contains(example), "not on the page: \(example)") }
    }

    @Test(
        "An agent and a tool take some ten lines each",
        arguments: ["let agent = try ChatAgent(model: model, AgentConf", "taking: Question.self"])
    func areShort(_ mark: String) throws {
        let block = try #require(page.blocks(of: "swift").first { $0.contains(mark) })
        #expect(block.split(separator: "\n").count <= 11)
    }

    @Test("Every option of an agent, a tool and the executor is on the page")
    func optionsAreNamed() throws {
        let tool = FunctionTool("act", "Acts.") { _ in ToolResult(success: true, value: [:]) }
        let values: [Any] = [
            AgentConfiguration(), AgentLimits(), AgentOverrides(), ToolExecutor.Limits(), tool,
            ModelRequest(messages: []),
            ModelRetryConfiguration(), AgentRun(stop: .answered), AgentAccount(), Memory(), ModelUsage(),
            ToolExecution(call: ToolCall(id: "", name: "", arguments: ""), arguments: nil, result: .failure("")),
        ]
        for value in values {
            for name in Mirror(reflecting: value).children.compactMap(\.label) where name != "body" {
                #expect(page.text.contains("`\(name)`"), "\(type(of: value)).\(name) is not on the page")
            }
        }
        for origin in ToolExecution.Origin.allCases { #expect(page.text.contains("`\(origin.rawValue)`")) }
        for code in ModelError.Code.allCases { #expect(page.text.contains("`\(code.rawValue)`")) }
    }

    @Test("Every test that the page names is there")
    func testsAreThere() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let sources = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".swift") }
            .map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }.joined()
        let rows = page.section("What is promised, and the test that proves it").split(separator: "\n")
            .filter { $0.hasPrefix("|") }.compactMap { $0.split(separator: "|").last }
        let names = rows.flatMap { $0.split(separator: "`").map(String.init) }.filter {
            $0.contains(where: \.isLetter) && $0.count > 20
        }
        #expect(names.count > 40)
        for name in names {
            let isThere = sources.contains("\"\(name)\"")
            #expect(isThere, "there is no test “\(name)”")
        }
    }
}

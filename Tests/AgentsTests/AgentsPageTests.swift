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
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        examples = try PageExamples.regions(in: folder.appending(path: "AgentsPageExamples.swift").path)
    }

    @Test("Every example of the page is one that is compiled and run, and every one of those is on the page")
    func examplesAreRun() {
        // `AgentsProgramTests` has the manifest and the program that begin it.
        let blocks = page.blocks(of: "swift").dropFirst(2)
        #expect(blocks.count >= 10)
        for block in blocks { #expect(examples.contains(block), "not run: \(block)") }
        for example in examples { #expect(blocks.contains(example), "not on the page: \(example)") }
    }

    @Test(
        "An agent and a tool take some ten lines each",
        arguments: ["let agent = try ChatAgent(model: model, AgentConf", "taking: Question.self"])
    func areShort(_ mark: String) throws {
        let block = try #require(page.blocks(of: "swift").dropFirst(2).first { $0.contains(mark) })
        #expect(block.split(separator: "\n").count <= 11)
    }

    @Test("Every option of an agent, a tool, the executor, the loop and the models is on the page")
    func optionsAreNamed() throws {
        let tool = FunctionTool("act", "Acts.") { _ in ToolResult(success: true, value: [:]) }
        let logger = Logger(label: "test", level: .critical)
        let executor = ToolExecutor(registry: ToolRegistry(), logger: logger)
        let values: [Any] = [
            AgentConfiguration(), AgentLimits(), AgentOverrides(), ToolExecutor.Limits(), tool,
            ModelRequest(messages: []),
            ModelRetryConfiguration(), AgentRun(stop: .answered), AgentAccount(), Memory(), ModelUsage(),
            ToolExecution(call: ToolCall(id: "", name: "", arguments: ""), arguments: nil, result: .failure("")),
            AgentLoop(model: ScriptedModel([]), executor: executor, logger: logger),
            OpenAIModel.Configuration(model: "", apiKey: nil), BAMLModel.Configuration(), ToolError(""),
            ModelPrice(prompt: 0, completion: 0), ModelPrices(), ToolResult(success: true, value: [:]),
            ModelResponse(text: nil), ToolDescription(name: "", description: "", parameters: [:]),
        ]
        for value in values {
            for name in Mirror(reflecting: value).children.compactMap(\.label)
            where name != "body" && name != "logger" {
                #expect(page.text.contains("`\(name)`"), "\(type(of: value)).\(name) is not on the page")
            }
        }
        // What its cache holds is private, so it is named here as its initializer has it.
        _ = ToolResultCache(maximumEntries: 1, maximumBytes: 1)
        for name in ["maximumEntries", "maximumBytes"] { #expect(page.text.contains("`\(name)`")) }
        for origin in ToolExecution.Origin.allCases { #expect(page.text.contains("`\(origin.rawValue)`")) }
        for code in ModelError.Code.allCases { #expect(page.text.contains("`\(code.rawValue)`")) }
    }

    @Test("Every way in which a run stops, and every strategy of a memory, is on the page")
    func casesAreNamed() {
        // These switches do not compile when a case is added: it belongs into the lists below them, and on the page.
        func name(_ stop: AgentStop) -> String {
            switch stop {
            case .answered: "answered"
            case .ended: "ended"
            case .roundLimit: "roundLimit"
            case .repeatedCalls: "repeatedCalls"
            case .emptyAnswer: "emptyAnswer"
            case .outOfTime: "outOfTime"
            case .modelFailed: "modelFailed(error)"
            }
        }
        func name(_ strategy: MemoryStrategy) -> String {
            switch strategy {
            case .all: "all"
            case .lastMessages: "lastMessages(n)"
            case .tokens: "tokens(n)"
            case .summary: "summary(n)"
            }
        }
        let stops: [AgentStop] = [
            .answered, .ended, .roundLimit, .repeatedCalls, .emptyAnswer, .outOfTime,
            .modelFailed(ModelError(.timeout, "")),
        ]
        let strategies: [MemoryStrategy] = [.all, .lastMessages(1), .tokens(1), .summary(1)]
        for name in stops.map(name) + strategies.map(name) {
            #expect(page.text.contains("`.\(name)`"), "\(name) is not on the page")
        }
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

import Agents
import Platform
import TestSupport
import Testing

/// The Swift of docs/tools.md: what stands between the marks is on the page, word for word.
@Suite("The tool of the page on tools")
struct ToolsPageExampleTests {
    private let logger = Logger(label: "test", level: .critical)

    @Test("It is run as the model would run it: by its schema, and with a result that the model can act on")
    func isRun() async throws {
        // page: a tool in ten lines
        struct Order: Decodable, DescribedProperties {
            var number: String
            static let properties: [String: JSON] = ["number": ["pattern": "^[0-9]{6}$"]]
        }

        let orderStatus = try FunctionTool(
            "order_status", "Says where an order is.", taking: Order.self, isRetrySafe: true
        ) { order in
            ["number": order.number, "status": "on its way"]
        }
        // end
        let agent = try ChatAgent(model: ScriptedModel([]), logger: logger)
        try await agent.registerTool(orderStatus)
        let found = try await agent.executeTool("order_status", ["number": "123456"])
        #expect(found.success && found.value == ["number": "123456", "status": "on its way"])
        let refused = try await agent.executeTool("order_status", ["number": "twelve"])
        #expect(!refused.success && refused.value["error"]?.string?.contains("number") == true)
    }

    @Test("It is the page's, and takes ten lines")
    func isOnThePage() throws {
        let blocks = try DocumentationPage("tools.md").blocks(of: "swift")
        #expect(blocks == (try PageExamples.regions(in: #filePath)))
        let lines = try #require(blocks.first).split(separator: "\n")
        #expect(lines.count <= 10)
    }
}

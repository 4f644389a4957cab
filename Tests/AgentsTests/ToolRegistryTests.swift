import Platform
import Testing

@testable import Agents

@Suite("Tool registry")
struct ToolRegistryTests {
    private func tool(_ name: String, parameters: JSON = ["type": "object"]) -> FunctionTool {
        FunctionTool(name, "Does \(name).", parameters: parameters) { _ in ToolResult(success: true, value: [:]) }
    }

    @Test("Tools are listed in the order of their registration")
    func listsInOrder() throws {
        let registry = try ToolRegistry([tool("zeta"), tool("alpha"), tool("mid")])
        #expect(registry.list().map(\.description.name) == ["zeta", "alpha", "mid"])
        #expect(registry.get("alpha")?.description.description == "Does alpha.")
    }

    @Test("A name is taken once")
    func refusesClash() throws {
        let registry = try ToolRegistry([tool("alpha")])
        #expect(throws: ToolRegistryError.nameTaken("alpha")) { try registry.register(tool("alpha")) }
    }

    @Test("A tool that was unregistered is gone, and its name is free")
    func unregisters() throws {
        let registry = try ToolRegistry([tool("alpha"), tool("beta")])
        #expect(registry.unregister("alpha"))
        #expect(!registry.unregister("alpha"))
        #expect(registry.get("alpha") == nil)
        try registry.register(tool("alpha"))
        #expect(registry.list().map(\.description.name) == ["beta", "alpha"])
    }

    @Test(
        "A name that models refuse is refused",
        arguments: ["", "with space", "ação", String(repeating: "a", count: 65)])
    func refusesNames(_ name: String) {
        #expect(throws: ToolRegistryError.invalidName(name)) { try ToolRegistry([tool(name)]) }
    }

    @Test(
        "Parameters that are not the schema of an object are refused",
        arguments: [["type": "string"], ["type": "object", "required": 1], [:]] as [JSON])
    func refusesParameters(_ parameters: JSON) {
        #expect(throws: ToolRegistryError.self) { try ToolRegistry([tool("alpha", parameters: parameters)]) }
    }
}

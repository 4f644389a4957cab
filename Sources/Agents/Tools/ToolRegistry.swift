import Platform
import Synchronization

/// The tools of an agent, by name, in the order of their registration. Safe to use from any task.
public final class ToolRegistry: Sendable {
    struct Entry: Sendable {
        let tool: any Tool
        let schema: JSONSchema
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var order: [String] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// Throws as `register` does.
    public convenience init(_ tools: [any Tool]) throws(ToolRegistryError) {
        self.init()
        for tool in tools { try register(tool) }
    }

    /// Throws when the name is taken or not one that models accept, or when the parameters are not a JSON Schema of an
    /// object.
    public func register(_ tool: any Tool) throws(ToolRegistryError) {
        let description = tool.description
        let (name, parameters) = (description.name, description.parameters)
        guard Self.isName(name) else { throw .invalidName(name) }
        let schema: JSONSchema
        do {
            schema = try JSONSchema(parameters)
        } catch {
            throw .invalidParameters(name, error.description)
        }
        guard parameters["type"] == "object" else {
            throw .invalidParameters(name, "JSON Schema: #/type must be object")
        }
        let isNew = state.withLock { state in
            guard state.entries[name] == nil else { return false }
            state.entries[name] = Entry(tool: tool, schema: schema)
            state.order.append(name)
            return true
        }
        if !isNew { throw .nameTaken(name) }
    }

    public func get(_ name: String) -> (any Tool)? { entry(name)?.tool }

    public func list() -> [any Tool] {
        state.withLock { state in state.order.compactMap { state.entries[$0]?.tool } }
    }

    /// False when there was no tool of that name. Calls under way end as they would have.
    @discardableResult
    public func unregister(_ name: String) -> Bool {
        state.withLock { state in
            state.order.removeAll { $0 == name }
            return state.entries.removeValue(forKey: name) != nil
        }
    }

    /// What a model is told.
    public var descriptions: [ToolDescription] { list().map(\.description) }

    /// Those of these names; all for nil. Throws `AgentError.invalidConfiguration` for names that no tool has.
    func only(_ names: Set<String>?) throws(AgentError) -> ToolRegistry {
        guard let names else { return self }
        let registry = ToolRegistry()
        let all = state.withLock { $0 }
        let unknown = names.filter { all.entries[$0] == nil }.sorted()
        guard unknown.isEmpty else {
            throw .invalidConfiguration(unknown.map { "tools: there is no tool named \($0)" })
        }
        registry.state.withLock { state in
            state.entries = all.entries.filter { names.contains($0.key) }
            state.order = all.order.filter(names.contains)
        }
        return registry
    }

    func entry(_ name: String) -> Entry? { state.withLock { $0.entries[name] } }

    /// The names that Chat Completions accepts.
    private static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.unicodeScalars.allSatisfy(isNameCharacter)
    }

    static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }
}

public enum ToolRegistryError: Error, Sendable, Hashable, CustomStringConvertible {
    case nameTaken(String)
    case invalidName(String)
    case invalidParameters(String, String)

    public var description: String {
        switch self {
        case .nameTaken(let name): "a tool named \(name) is already registered: unregister it first"
        case .invalidName(let name):
            "\(name.prefix(80)) is not a tool's name: use 1 to 64 letters, digits, underscores and hyphens"
        case .invalidParameters(let name, let problem): "the parameters of tool \(name) cannot be used: \(problem)"
        }
    }
}

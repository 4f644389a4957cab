public import Platform

/// A tool that is part of the program. The tools file may give it another name and description and switch it off.
public struct SystemToolDefinition: Sendable, Hashable {
    /// What it does: `type` in the tools file, and the `system_action` of its result.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case disconnect
        case openURL = "open_url"

        public var id: String { "system_\(rawValue)" }

        public var parameters: JSON {
            switch self {
            case .disconnect: ["type": "object", "properties": [:], "required": [], "additionalProperties": false]
            case .openURL:
                [
                    "type": "object",
                    "properties": [
                        "url": ["type": "string", "description": "The whole address, such as https://example.com/page"]
                    ],
                    "required": ["url"], "additionalProperties": false,
                ]
            }
        }

        var usual: SystemToolDefinition {
            switch self {
            case .disconnect:
                SystemToolDefinition(
                    kind: self, name: "terminarLlamada",
                    description:
                        "Ends the call after your goodbye has been spoken. Use it when the caller says goodbye, or when "
                        + "everything is settled and they want nothing more. Say the goodbye in the same answer.")
            case .openURL:
                SystemToolDefinition(
                    kind: self, name: "abrirEnlace",
                    description:
                        "Shows a web page to the person: in a browser it opens, on a telephone the link is sent by "
                        + "e-mail or text message. Use it when they ask for a page or a link. Never read an address out."
                )
            }
        }
    }

    public var kind: Kind
    /// What the model calls it.
    public var name: String
    public var description: String
    public var isEnabled = true
}

/// Everything that a tools file says.
public struct ToolDefinitions: Sendable {
    public var systemTools = SystemToolDefinition.Kind.allCases.map(\.usual)
    public var customTools: [CustomToolDefinition] = []

    /// What holds without a file.
    public static let standard = ToolDefinitions()

    /// The tool of that kind, unless it is switched off.
    func enabled(_ kind: SystemToolDefinition.Kind) -> SystemToolDefinition? {
        systemTools.first { $0.kind == kind && $0.isEnabled }
    }
}

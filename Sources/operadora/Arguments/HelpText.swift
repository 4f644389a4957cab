import Platform

/// What `--help` prints for a command, in the form of swift-argument-parser.
struct HelpText {
    private static let column = 30
    private static let width = 100

    private let path: [any ParsableCommand.Type]
    private let configuration: CommandConfiguration
    private let arguments: [NamedArgument]

    init(_ path: [any ParsableCommand.Type]) {
        self.path = path
        configuration = path.last?.configuration ?? CommandConfiguration(commandName: "", abstract: "")
        arguments = path.last.map { NamedArgument.all(of: $0.init()) } ?? []
    }

    private var name: String { path.map { $0.configuration.commandName }.joined(separator: " ") }

    var usage: String {
        guard configuration.subcommands.isEmpty else {
            return configuration.defaultSubcommand == nil ? "\(name) <subcommand>" : "\(name) [<subcommand>]"
        }
        let required = arguments.filter(\.definition.isRequired).map(\.synopsis)
        let optional = arguments.filter { !$0.definition.isRequired }.map { "[\($0.synopsis)]" }
        // More than a handful is read in the list below.
        return ([name] + required + (optional.count > 5 ? ["[options]"] : optional)).joined(separator: " ")
    }

    var full: String {
        var sections = ["OVERVIEW: \(configuration.abstract)", "USAGE: \(usage)"]
        sections += section("ARGUMENTS", arguments.filter { $0.definition.kind == .positional })
        sections += section("OPTIONS", arguments.filter { $0.definition.kind != .positional })
        if !configuration.subcommands.isEmpty {
            let rows = configuration.subcommands.map { type in
                let isDefault = type == configuration.defaultSubcommand
                return row(
                    type.configuration.commandName + (isDefault ? " (default)" : ""), type.configuration.abstract)
            }
            sections.append("SUBCOMMANDS:\n" + rows.joined(separator: "\n"))
        }
        if !configuration.discussion.isEmpty { sections.append(configuration.discussion) }
        if !configuration.subcommands.isEmpty {
            sections.append("See '\(name) <subcommand> --help' for what a subcommand does.")
        }
        return sections.joined(separator: "\n\n")
    }

    /// The message that goes with exit status 2.
    func complaint(_ message: String) -> String {
        "Error: \(message)\nUsage: \(usage)\n  See '\(name) --help' for more information."
    }

    private func section(_ title: String, _ arguments: [NamedArgument]) -> [String] {
        var rows = arguments.map { argument in row(argument.synopsis, explanation(argument.definition)) }
        if title == "OPTIONS" {
            if configuration.version != nil { rows.append(row("--version", "Show the version.")) }
            rows.append(row("-h, --help", "Show this help."))
        }
        return rows.isEmpty ? [] : ["\(title):\n" + rows.joined(separator: "\n")]
    }

    private func explanation(_ definition: ArgumentDefinition) -> String {
        let choices = definition.choices.isEmpty ? "" : " (\(definition.choices.alternatives))"
        let fallback = definition.defaultValue.map { " (default: \($0))" } ?? ""
        return definition.help + choices + fallback
    }

    private func row(_ left: String, _ right: String) -> String {
        let indent = String(repeating: " ", count: Self.column)
        let lines = wrapped(right, to: Self.width - Self.column)
        let text = lines.joined(separator: "\n" + indent)
        if left.count + 4 > Self.column { return "  \(left)\n\(indent)\(text)" }
        return "  \(left)" + String(repeating: " ", count: Self.column - left.count - 2) + text
    }

    private func wrapped(_ text: String, to width: Int) -> [String] {
        text.split(separator: " ").reduce(into: [String]()) { lines, word in
            if let last = lines.last, last.count + word.count < width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
    }
}

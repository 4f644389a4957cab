import Platform

/// Turns the words of a command line into a command, or into what to say instead.
struct CommandParser {
    enum Result {
        case run(any ParsableCommand, path: [any ParsableCommand.Type])
        /// Asked for: to standard output, exit status 0.
        case help(String)
        /// The arguments are wrong: to standard error, exit status 2.
        case usage(String)
    }

    let root: any ParsableCommand.Type

    func parse(_ words: [String]) -> Result {
        var words = words[...]
        var path = [root]
        if words.first == "help" { words = words.dropFirst() + ["--help"] }
        while let command = path.last, !command.configuration.subcommands.isEmpty {
            guard let word = words.first, !word.hasPrefix("-") else {
                if isHelp(words.first) { return .help(HelpText(path).full) }
                if words.first == "--version", let version = command.configuration.version { return .help(version()) }
                guard let next = command.configuration.defaultSubcommand else {
                    return words.isEmpty
                        ? .usage(HelpText(path).full) : usage(unknownOption(words[words.startIndex], []), path)
                }
                path.append(next)
                continue
            }
            guard let next = command.configuration.subcommands.first(where: { $0.configuration.commandName == word })
            else { return usage(unknownCommand(word, in: command), path) }
            path.append(next)
            words = words.dropFirst()
        }
        return parse(Array(words), path)
    }

    private func parse(_ words: [String], _ path: [any ParsableCommand.Type]) -> Result {
        guard let type = path.last else { return .usage("") }
        // A word after "--" is never an option.
        if words.prefix(while: { $0 != "--" }).contains(where: isHelp) { return .help(HelpText(path).full) }
        var command = type.init()
        do throws(ValidationError) {
            try fill(NamedArgument.all(of: command), words)
            do {
                try command.validate()
            } catch let error as ValidationError {
                throw error
            } catch {
                throw ValidationError("\(error)")
            }
        } catch {
            return usage(error.message, path)
        }
        return .run(command, path: path)
    }

    private func isHelp(_ word: String?) -> Bool { word == "--help" || word == "-h" }

    private func fill(_ arguments: [NamedArgument], _ words: [String]) throws(ValidationError) {
        var rest = words[...]
        var given: Set<String> = []
        var positionals = arguments.filter { $0.definition.kind == .positional }[...]
        var optionsEnded = false
        while let word = rest.popFirst() {
            if word == "--" && !optionsEnded {
                optionsEnded = true
            } else if word.hasPrefix("-") && word.count > 1 && !optionsEnded && Double(word) == nil {
                given.insert(try fillOption(word, arguments, &rest))
            } else if let positional = positionals.first {
                if !positional.definition.isRepeating { positionals.removeFirst() }
                try assign(word, to: positional)
                given.insert(positional.name)
            } else {
                throw ValidationError("Unexpected argument '\(word)'")
            }
        }
        for argument in arguments where argument.definition.isRequired && !given.contains(argument.name) {
            throw ValidationError(
                argument.definition.kind == .positional
                    ? "Missing expected argument '\(argument.synopsis)'"
                    : "Missing expected option '\(argument.synopsis)'")
        }
    }

    /// Returns the name of the option that was filled.
    private func fillOption(
        _ word: String, _ arguments: [NamedArgument], _ rest: inout ArraySlice<String>
    ) throws(ValidationError) -> String {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let option = arguments.first(where: { $0.definition.kind != .positional && "--\($0.name)" == parts[0] })
        else { throw ValidationError(unknownOption(parts[0], arguments)) }
        if option.definition.kind == .flag {
            guard parts.count == 1 else { throw ValidationError("'--\(option.name)' takes no value") }
            _ = option.definition.assign(nil)
        } else if parts.count == 2 {
            try assign(parts[1], to: option)
        } else if let value = rest.first, !value.hasPrefix("--") {
            rest.removeFirst()
            try assign(value, to: option)
        } else {
            throw ValidationError("Missing value for '\(option.synopsis)'")
        }
        return option.name
    }

    private func assign(_ text: String, to argument: NamedArgument) throws(ValidationError) {
        guard !argument.definition.assign(text) else { return }
        let choices = argument.definition.choices
        let wanted = choices.isEmpty ? "" : ": it must be \(choices.alternatives)"
        throw ValidationError("The value '\(text)' is invalid for '\(argument.synopsis)'\(wanted)")
    }

    private func unknownOption(_ word: String, _ arguments: [NamedArgument]) -> String {
        let names = arguments.filter { $0.definition.kind != .positional }.map { "--\($0.name)" } + ["--help"]
        return "Unknown option '\(word)'" + Suggestion.text(for: word, among: names)
    }

    private func unknownCommand(_ word: String, in command: any ParsableCommand.Type) -> String {
        let names = command.configuration.subcommands.map { $0.configuration.commandName }
        return "Unknown command '\(word)'" + Suggestion.text(for: word, among: names)
    }

    private func usage(_ message: String, _ path: [any ParsableCommand.Type]) -> Result {
        .usage(HelpText(path).complaint(message))
    }
}

/// A property of a command, under the name that it has on the command line.
struct NamedArgument {
    let name: String
    let definition: ArgumentDefinition

    /// `<file>`, `<id> ...`, `--campaign <name>`, `--json`.
    var synopsis: String {
        let value = "<\(definition.valueName ?? name)>\(definition.isRepeating ? " ..." : "")"
        return switch definition.kind {
        case .positional: value
        case .option: "--\(name) \(value)"
        case .flag: "--\(name)"
        }
    }

    /// In the order of their declaration; those of a group where the group is declared.
    static func all(of arguments: any ParsableArguments) -> [NamedArgument] {
        Mirror(reflecting: arguments).children.flatMap { child -> [NamedArgument] in
            if let group = child.value as? any ArgumentGroup { return all(of: group.group) }
            guard let property = child.value as? any ArgumentProperty, let label = child.label else { return [] }
            return [NamedArgument(name: kebabCase(label.dropFirst()), definition: property.definition)]
        }
    }

    /// `callsPerSecond` as `calls-per-second`.
    private static func kebabCase(_ name: Substring) -> String {
        name.reduce(into: "") { result, character in
            result += character.isUppercase ? "-\(character.lowercased())" : String(character)
        }
    }
}

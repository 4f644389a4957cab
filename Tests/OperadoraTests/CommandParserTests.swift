import Testing

@testable import operadora

private struct Tool: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "tool", abstract: "A tool.", subcommands: [Send.self, Group.self, Stop.self])
    }

    struct Send: AsyncParsableCommand {
        enum Speed: String, CaseIterable, ExpressibleByArgument { case slow, fast }
        static var configuration: CommandConfiguration {
            CommandConfiguration(commandName: "send", abstract: "Send it.", discussion: "EXAMPLE:\n  tool send x")
        }
        @Argument(help: "What to send.") var file: String
        @Argument(help: "And where.") var place: String?
        @Option(help: "How fast.") var speed = Speed.slow
        @Option(help: "How many.", valueName: "number") var maxCount: Int?
        @Option(help: "To whom.") var to: String
        @Flag(help: "Loudly.") var loud: Bool
        @OptionGroup var output: OutputOptions
        func validate() throws {
            if let maxCount, maxCount < 1 { throw ValidationError("too few") }
        }
        func run() async throws {}
    }

    struct Stop: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(commandName: "stop", abstract: "Stop them.")
        }
        @Argument(help: "Which.", valueName: "id") var ids: [Int64]
        @Flag(help: "Now.") var now: Bool
        func run() async throws {}
    }

    struct Group: ParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "group", abstract: "A group.", subcommands: [List.self], defaultSubcommand: List.self)
        }
        struct List: AsyncParsableCommand {
            static var configuration: CommandConfiguration {
                CommandConfiguration(commandName: "list", abstract: "List them.")
            }
            @Flag(help: "All.") var all: Bool
            func run() async throws {}
        }
    }
}

@Suite struct CommandParserTests {
    private func parse(_ line: String) -> CommandParser.Result {
        CommandParser(root: Tool.self).parse(line.split(separator: " ").map(String.init))
    }

    private func send(_ line: String) throws -> Tool.Send {
        guard case .run(let command, _) = parse(line) else {
            Issue.record("not parsed: \(line)")
            throw ExitCode.usage
        }
        return try #require(command as? Tool.Send)
    }

    private func complaint(_ line: String) -> String? {
        guard case .usage(let text) = parse(line) else { return nil }
        return text.split(separator: "\n").first.map(String.init)
    }

    @Test("Options, flags and arguments are read in any order, with or without an equals sign")
    func reading() throws {
        let command = try send("send --to=me a.csv --max-count 3 --loud --speed fast there --json")
        #expect(command.file == "a.csv" && command.place == "there" && command.to == "me")
        #expect(command.maxCount == 3 && command.loud && command.speed == .fast && command.output.json)
    }

    @Test("What is not given has its default")
    func defaults() throws {
        let command = try send("send a.csv --to me")
        #expect(command.place == nil && command.maxCount == nil && !command.loud && command.speed == .slow)
    }

    @Test("After -- every word is an argument, and a negative number is a value")
    func literalWords() throws {
        #expect(try send("send --to me -- --loud").file == "--loud")
        #expect(complaint("send a --to me --max-count -3") == "Error: too few")
    }

    @Test("An argument that repeats takes all words that are left, or none", arguments: [[], [7], [7, 8, 9]])
    func repeating(ids: [Int64]) throws {
        let words = ids.map { " \($0)" }.joined()
        guard case .run(let command, _) = parse("stop\(words) --now") else {
            Issue.record("not parsed")
            return
        }
        let stop = try #require(command as? Tool.Stop)
        #expect(stop.ids == ids && stop.now)
        #expect(complaint("stop 7 all") == "Error: The value 'all' is invalid for '<id> ...'")
    }

    @Test(
        "A wrong command line is told what is wrong, and what was probably meant",
        arguments: [
            ("snd a", "Error: Unknown command 'snd'. Did you mean 'send'?"),
            ("xyzzy", "Error: Unknown command 'xyzzy'"),
            ("--bogus", "Error: Unknown option '--bogus'"),
            ("--version", "Error: Unknown option '--version'"),
            ("send a --tp me", "Error: Unknown option '--tp'. Did you mean '--to'?"),
            ("send", "Error: Missing expected argument '<file>'"),
            ("send a", "Error: Missing expected option '--to <to>'"),
            ("send a --to", "Error: Missing value for '--to <to>'"),
            ("send a --to --loud", "Error: Missing value for '--to <to>'"),
            ("send a b c --to me", "Error: Unexpected argument 'c'"),
            ("send a --to me --loud=1", "Error: '--loud' takes no value"),
            ("send a --to me --max-count many", "Error: The value 'many' is invalid for '--max-count <number>'"),
            (
                "send a --to me --speed warp",
                "Error: The value 'warp' is invalid for '--speed <speed>': it must be slow or fast"
            ),
        ])
    func complaints(line: String, expected: String) {
        #expect(complaint(line) == expected)
    }

    @Test(
        "Help is asked for at any level, before or after the other words",
        arguments: ["send --help", "help send", "send a -h"])
    func help(line: String) {
        guard case .help(let text) = parse(line) else {
            Issue.record("no help: \(line)")
            return
        }
        #expect(text.hasPrefix("OVERVIEW: Send it.\n\nUSAGE: tool send <file> --to <to>"))
        #expect(text.contains("EXAMPLE:\n  tool send x"))
        #expect(text.contains("--speed <speed>") && text.contains("(slow or fast) (default: slow)"))
    }

    @Test("A group without a subcommand runs its default, options included; one without a default shows its help")
    func groups() throws {
        guard case .run(let command, _) = parse("group --all") else {
            Issue.record("not parsed")
            return
        }
        #expect(try #require(command as? Tool.Group.List).all)
        guard case .usage(let text) = parse("") else {
            Issue.record("no usage")
            return
        }
        #expect(text.contains("SUBCOMMANDS:"))
    }

    @Test("Every command of the product has help with an example")
    func examples() {
        func check(_ path: [any ParsableCommand.Type]) {
            let text = HelpText(path).full
            let name = path.map { $0.configuration.commandName }.joined(separator: " ")
            #expect(text.contains("EXAMPLE"), "\(name) has no example")
            #expect(path.last?.configuration.abstract.isEmpty == false, "\(name) says nothing of itself")
            for subcommand in path.last?.configuration.subcommands ?? [] { check(path + [subcommand]) }
        }
        check([Operadora.self])
    }
}

import Agents
import Calls
import Platform

struct ToolsCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "tools", abstract: "Look at the tools that the agent has, and check the tools file.",
            discussion: """
                EXAMPLE:
                  operadora tools list
                  operadora tools check data/tools.json
                """,
            subcommands: [List.self, Check.self])
    }

    struct List: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "list", abstract: "List every tool, and whether the agent is offered it.",
                discussion: "EXAMPLE:\n  operadora tools list --json")
        }
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let configuration = try Configuration.load(needs: [])
            output.print(
                try ToolInventory.rows(configuration).map(\.json),
                [.init("name"), .init("kind"), .init("enabled"), .init("about")])
        }
    }

    struct Check: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "check", abstract: "Check a tools file, and name everything that is wrong with it.",
                discussion: "EXAMPLE:\n  operadora tools check data/tools.json --json")
        }
        @Argument(help: "The file; TOOLS_FILE, or data/tools.json, when not given.") var file: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var settings = try Configuration.load(needs: []).tools
            settings.file = file ?? settings.file
            do {
                let tools = try settings.toolsFile(logger: Logger(label: "operadora", level: .critical))
                guard tools.isThere else { throw CommandFailure("there is no file \(settings.file)") }
                let count = tools.definitions.customTools.count
                if output.json { return Console.print(report([], of: settings.file)) }
                Console.print("\(settings.file) is right: \(count) custom \(count == 1 ? "tool" : "tools").")
            } catch let error as ToolsFileError {
                if output.json { Console.print(report(error.problems, of: settings.file)) }
                if !output.json { for problem in error.problems { Console.printError("\(settings.file): \(problem)") } }
                throw ExitCode.failure
            }
        }

        private func report(_ problems: [ToolsFileProblem], of file: String) -> String {
            let list = problems.map { JSON.object(["path": .string($0.path), "problem": .string($0.problem)]) }
            return JSON.object([
                "file": .string(file), "valid": .bool(problems.isEmpty), "problems": .array(list),
            ]).text
        }
    }
}

/// Every tool that there is by the configuration.
struct ToolInventory {
    var name: String
    /// `program`, `system` or `custom`.
    var kind: String
    var isEnabled: Bool
    var about: String

    var json: JSON {
        ["name": .string(name), "kind": .string(kind), "enabled": .bool(isEnabled), "about": .string(about)]
    }

    /// Throws `ConfigurationError` with each mistake of the tools file.
    static func rows(_ configuration: Configuration) throws -> [ToolInventory] {
        let settings = configuration.tools
        let definitions: ToolDefinitions
        do {
            definitions = try settings.toolsFile(logger: Logger(label: "operadora", level: .critical)).definitions
        } catch {
            throw ConfigurationError(problems: error.problems.map { "\(settings.file): \($0)" })
        }
        let system = definitions.systemTools.map {
            ToolInventory(name: $0.name, kind: "system", isEnabled: $0.isEnabled, about: $0.kind.rawValue)
        }
        let custom = definitions.customTools.map {
            ToolInventory(
                name: $0.tool.name, kind: "custom", isEnabled: $0.isEnabled, about: "\($0.method) \($0.origin)")
        }
        return program(configuration) + system + custom
    }

    private static func program(_ configuration: Configuration) -> [ToolInventory] {
        let settings = configuration.tools
        return ToolNames.own.map { name in
            switch name {
            case ToolNames.mikrotik:
                ToolInventory(
                    name: name, kind: "program", isEnabled: settings.mikrotikURL != nil,
                    about: settings.mikrotikURL ?? "set MIKROTIK_API_URL to offer it")
            case ToolNames.transfer:
                ToolInventory(
                    name: name, kind: "program", isEnabled: true,
                    about: settings.transferNumber ?? "nobody to put callers through to: set TRANSFER_NUMBER")
            case ToolNames.bookingLink:
                ToolInventory(
                    name: name, kind: "program",
                    isEnabled: !configuration.calls.bookingLinks.isEmpty && configuration.mail != nil,
                    about: "mails MEETING_LINK_… through SMTP_SERVER")
            default: ToolInventory(name: name, kind: "program", isEnabled: true, about: "")
            }
        }
    }
}

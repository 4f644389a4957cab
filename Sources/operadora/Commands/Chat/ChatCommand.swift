import Calls
import FoundationEssentials
import Platform

/// A language that calls are held in.
enum ChatLanguage: String, CaseIterable, ExpressibleByArgument { case en, es, pt }

struct ChatCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "chat", abstract: "Talk to the agent in the terminal.",
            discussion: """
                Every line is what a caller says, an empty one is silence; Ctrl-D or Ctrl-C hangs up. The prompt, the
                tools and what is kept are those of a call: a meeting that is booked here is booked. Lines may also be
                piped in. With --json: an object for each turn, a line each. See docs/chat.md.

                EXAMPLE:
                  operadora chat --campaign "Spring" --record spring.jsonl
                  operadora chat --replay spring.jsonl --instructions new-task.txt
                  operadora chat --language es --tool check_calendar_availability '{"preferred_date":"mañana"}'
                """)
    }

    @Argument(help: "With --tool: its arguments, a JSON object.", valueName: "json") var toolArguments: String?
    @Option(help: "The language to talk in (default: the campaign's).") var language: ChatLanguage?
    @Option(help: "Whose agent to talk to, by name or number.", valueName: "name or number") var campaign: String?
    @Option(help: "A file with a task in place of the campaign's instructions.", valueName: "file")
    var instructions: String?
    @Option(help: "Run this one tool and print what it answers.", valueName: "name") var tool: String?
    @Option(help: "Keep the conversation in this new file, to be replayed.", valueName: "file") var record: String?
    @Option(help: "Hold a recorded conversation again and show what differs; nothing is booked.", valueName: "file")
    var replay: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if toolArguments != nil, tool == nil { throw ValidationError("'<json>' goes with '--tool <name>'") }
        let ways = [("--tool", tool), ("--record", record), ("--replay", replay)].filter { $0.1 != nil }.map(\.0)
        if ways.count > 1 { throw ValidationError("'\(ways[0])' and '\(ways[1])' exclude each other") }
        if replay != nil, language != nil {
            throw ValidationError("'--language' cannot be given with '--replay': the record has its language")
        }
    }

    func run() async throws {
        let configuration = try Configuration.load(needs: [.database, .model, .calendar])
        let assembly = try Assembly(configuration, process: "chat", maximumConnections: 4, logLevel: .error)
        do {
            let chat = Chat(
                services: try assembly.callServices(), model: configuration.model, isJSON: output.json)
            try await assembly.database.reached { try await run(chat) }
            await assembly.close()
        } catch {
            await assembly.close()
            throw error
        }
    }

    private func run(_ chat: Chat) async throws {
        // What can be wrong with a file is known before anything is asked or written.
        let stored = try replay.map { try ChatFile.record($0) }
        let task = try instructions.map { try ChatFile.text($0, limit: ChatFile.maximumTaskBytes) }
        let name = campaign ?? stored?.head.campaign
        let client = chat.services.postgres
        let reference: CampaignReference? =
            if let name { try await CampaignReference.find(name, client) } else { nil }
        let brief = try await ChatBrief.load(
            campaignID: reference?.id, language: stored?.head.language ?? language?.rawValue, instructions: task,
            chat.services)
        if let stored {
            try await ReplayRun(chat: chat, record: stored, brief: brief).run()
        } else if let tool {
            try await ToolRun(chat: chat, brief: brief, tool: tool, arguments: toolArguments ?? "{}").run()
        } else {
            let file = try record.map { try ChatRecordFile($0) }
            try await Conversation(chat: chat, brief: brief, file: file).run()
        }
    }
}

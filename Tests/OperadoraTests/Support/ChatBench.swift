import FoundationEssentials
import Platform
import Postgres
import Simulators
import Testing

/// `operadora chat` on a database of its own, with a simulated model.
struct ChatBench: Sendable {
    let commands: CommandBench
    let openAI: SimulatedOpenAI
    let environment: [String: String]
    private let directory: URL

    /// - Parameter answer: what the model answers; the simulated sales agent unless given.
    init(
        thinkTime: Duration = .zero, _ answer: (@Sendable (ChatPrompt) -> ChatAnswer)? = nil
    ) async throws {
        commands = try await CommandBench()
        var configuration = SimulatedOpenAI.Configuration()
        if let answer { configuration.answer = answer }
        configuration.thinkTime = thinkTime
        openAI = SimulatedOpenAI(
            configuration: configuration, logger: Logger(label: "test", level: .critical))
        environment = [
            "OPENAI_BASE_URL": try openAI.start(), "OPENAI_API_KEY": openAI.apiKey, "OPENAI_MODEL": "gpt-4o-mini",
            "CALENDAR_PROVIDER": "local", "BUSINESS_TIMEZONE": "America/Mexico_City",
        ]
        directory = FileManager.default.temporaryDirectory.appending(path: "chat-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// The path of a file of this bench; with `text` it is there.
    func file(_ name: String, _ text: String? = nil) throws -> String {
        let url = directory.appending(path: name)
        if let text { try Data(text.utf8).write(to: url) }
        return url.path
    }

    func close() async {
        await openAI.stop()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Says these lines, then ends the input.
    func chat(
        _ options: [String] = [], _ lines: String..., environment: [String: String] = [:]
    ) async throws -> CommandBench.Run {
        try await commands.run(
            ["chat"] + options, environment: self.environment.merging(environment) { $1 },
            input: lines.map { $0 + "\n" }.joined())
    }

    /// A campaign named Spring.
    @discardableResult
    func campaign(_ instructions: String = "Offer a demo.") async throws -> Int64 {
        try await commands.value(
            """
            INSERT INTO campaigns (name, status, language, instructions, timezone)
            VALUES ('Spring', 'running', 'en', \(instructions), 'America/Mexico_City') RETURNING id
            """)
    }

    /// The system message of the latest request.
    func systemMessage() throws -> String {
        let prompt = try #require(openAI.exchanges.last).prompt
        return try #require(prompt.messages.first { $0.role == "system" }?.text)
    }
}

extension CommandBench.Run {
    var lines: [JSON] {
        get throws { try output.split(separator: "\n").map { try JSON(parsing: String($0)) } }
    }
}

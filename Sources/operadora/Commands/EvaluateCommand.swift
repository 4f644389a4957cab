import Agents
import Calls
import FoundationEssentials
import Platform
import Postgres

/// `operadora evaluate`: whether the agent does what callers and it agree on, and whether other instructions do it better.
struct EvaluateCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "evaluate", abstract: "Let scripted callers talk with the agent, and grade what comes of it.",
            discussion: """
                Each .json file of the folder is a caller (docs/evaluation.md). Their calls are held with the
                configured language model, on a PostgreSQL of their own, without telephone, calendar or mail.
                Exit status 1 when a caller fails.

                EXAMPLE:
                  operadora evaluate data/callers --instructions data/callers/instructions.txt
                  operadora evaluate data/callers --instructions new.txt --against old.txt --runs 5
                  operadora evaluate callers --campaign "Spring"
                """)
    }

    @Argument(help: "Folder of callers.") var folder: String
    @Option(
        help: "Whose agent it is: its instructions, greeting, tools and language, read from DATABASE_URL.",
        valueName: "name or number")
    var campaign: String?
    @Option(
        help: "What the agent is told to do, in place of the campaign's instructions.", valueName: "file")
    var instructions: String?
    @Option(help: "Other instructions, which the same callers hear for comparison.", valueName: "file")
    var against: String?
    @Option(help: "How often each caller is called; a model does not always answer alike.", valueName: "number")
    var runs = 1
    @Option(help: "How many calls may be under way at once.", valueName: "number") var parallel = 4
    @Flag(help: "Hold the calls in the database of DATABASE_URL, one of the evaluation's own, and leave them there.")
    var keep: Bool
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100).contains(runs) else {
            throw ValidationError("'--runs \(runs)' is invalid: it must be 1 to 100")
        }
        guard (1...64).contains(parallel) else {
            throw ValidationError("'--parallel \(parallel)' is invalid: it must be 1 to 64")
        }
    }

    func run() async throws {
        let scripts = try CallerScript.folder(folder)
        var prompts = [try Self.read(instructions)]
        if let against { prompts.append(try Self.read(against)) }
        let configuration = try Configuration.load(needs: keep || campaign != nil ? [.model, .database] : .model)
        // The campaign is in the database of DATABASE_URL, whichever the calls are held in.
        let found: [ChatBrief]? =
            if let campaign {
                try await with(configuration, isPrivate: false) { [prompts] in
                    try await briefs(campaign, prompts, $0)
                }
            } else {
                nil
            }
        let results = try await withDatabase(configuration) { [prompts] services in
            let briefs = if let found { found } else { try await briefs(nil, prompts, services) }
            let evaluations = briefs.map { Evaluation(services, $0) }
            try evaluations.first?.check(scripts)
            return try await hold(scripts, evaluations, configuration.model)
        }
        let report = EvaluationReport(
            campaign: campaign, instructions: instructions, against: against, callers: scripts.map(\.name),
            calls: results)
        Console.print(output.json ? report.json.text : report.text(width: Console.width))
        if report.failedCallers > 0 { throw ExitCode.failure }
    }

    /// The agent with each of the prompts; nil is the campaign's own.
    private func briefs(
        _ campaign: String?, _ prompts: [String?], _ services: CallServices
    ) async throws -> [ChatBrief] {
        let reference: CampaignReference? =
            if let campaign { try await CampaignReference.find(campaign, services.postgres) } else { nil }
        var briefs: [ChatBrief] = []
        for prompt in prompts {
            briefs.append(
                try await ChatBrief.load(
                    campaignID: reference?.id, language: nil, instructions: prompt, services))
        }
        return briefs
    }

    private static func read(_ path: String?) throws -> String? {
        guard let path else { return nil }
        guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= 64 * 1_024,
            let text = String(validating: data, as: UTF8.self)
        else { throw CommandFailure("\(path) cannot be read as UTF-8 text of at most 64 KB") }
        return text
    }

    private func withDatabase<Result: Sendable>(
        _ configuration: Configuration, _ body: (CallServices) async throws -> Result
    ) async throws -> Result {
        guard !keep else { return try await with(configuration, isPrivate: false, body) }
        let server = try await PrivateServer.start(
            logger: configuration.log.logger("operadora.evaluate", level: .error))
        do {
            var configuration = configuration
            configuration.databaseURL = Secret(try await server.createDatabase(named: "operadora"))
            let result = try await with(configuration, isPrivate: true, body)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    private func with<Result: Sendable>(
        _ configuration: Configuration, isPrivate: Bool, _ body: (CallServices) async throws -> Result
    ) async throws -> Result {
        let assembly = try Assembly(
            configuration, process: "evaluate", maximumConnections: parallel + 2, logLevel: .error)
        do {
            if isPrivate { _ = try await assembly.database.migrator.up(assembly.database.client) }
            try await assembly.database.requireCurrentSchema()
            let result = try await body(assembly.evaluationServices())
            await assembly.close()
            return result
        } catch {
            await assembly.close()
            throw error
        }
    }

    /// By the number of the prompt; each caller's calls stand together, in the callers' order.
    private func hold(
        _ scripts: [CallerScript], _ evaluations: [Evaluation], _ model: ModelConfiguration
    ) async throws -> [[EvaluatedCall]] {
        let planned = evaluations.indices.flatMap { prompt in
            scripts.flatMap { script in (0..<runs).map { _ in (prompt: prompt, script: script) } }
        }
        var held: [Int: EvaluatedCall] = [:]
        try await withThrowingTaskGroup(of: (Int, EvaluatedCall).self) { group in
            for (number, plan) in planned.enumerated() {
                if number >= parallel, let (number, call) = try await group.next() { held[number] = call }
                group.addTask {
                    var call = try await evaluations[plan.prompt].run(plan.script)
                    // A model that is not there is so for every caller.
                    if number == 0, let advice = call.silence?.advice(model) {
                        throw CommandFailure(
                            "the model gave no answer at all to the first caller, \(call.name): \(advice)")
                    }
                    if let advice = call.stops.last(where: \.isFailure)?.advice(model) { call.problems.append(advice) }
                    return (number, call)
                }
            }
            for try await (number, call) in group { held[number] = call }
        }
        return evaluations.indices.map { prompt in
            planned.indices.filter { planned[$0].prompt == prompt }.compactMap { held[$0] }
        }
    }
}

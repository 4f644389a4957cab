import FoundationEssentials
import Platform
import Postgres
import Simulators
import TestSupport
import Testing

@Suite struct EvaluateCommandTests {
    private static let callers = URL(filePath: TestDatabase.migrations).deletingLastPathComponent()
        .appending(path: "data/callers").path

    /// A model that is as good as ever, unless it is told to sell by mail alone.
    private static func model() -> SimulatedOpenAI {
        var configuration = SimulatedOpenAI.Configuration()
        let usual = configuration.answer
        configuration.answer = { prompt in
            let isMisled = prompt.messages.first?.text?.contains("by mail alone") == true
            return isMisled && prompt.responseSchema == nil
                ? ChatAnswer(text: "We will write to you. Goodbye.", calls: [.init("terminarLlamada", [:])])
                : usual(prompt)
        }
        return SimulatedOpenAI(configuration: configuration, logger: Logger(label: "test", level: .critical))
    }

    private static func environment(_ model: SimulatedOpenAI) throws -> [String: String] {
        [
            "OPENAI_BASE_URL": try model.start(), "OPENAI_API_KEY": model.apiKey, "LOG_LEVEL": "critical",
            "OPENAI_MODEL": "gpt-4o-mini",
        ]
    }

    @Test("The example callers pass, on a database that is there for them alone, with nothing else configured")
    func examples() async throws {
        let model = Self.model()
        let run = try await Executable.run(
            "evaluate", Self.callers, "--instructions", "\(Self.callers)/instructions.txt", "--json",
            environment: try Self.environment(model))
        let report = try JSON(parsing: run.output)
        #expect(run.exit == .status(0), "\(run.error) \(run.output)")
        #expect(report["failed"] == 0 && report["passed"]?.integer == Int64(report["callers"]?.array?.count ?? 0))
        #expect((report["callers"]?.array?.count ?? 0) >= 8)
        let first = report["callers"]?.array?.first { $0["caller"] == "takes-the-first" }
        #expect(first?["calls"]?[0]?["meetings"]?.array?.count == 1)
        #expect(first?["calls"]?[0]?["turns"]?[0]?["role"] == "agent")
        let told = model.exchanges.filter { $0.prompt.messages.first?.text?.contains("left in peace") == true }
        #expect(!told.isEmpty, "the instructions reach the model")
        await model.stop()
    }

    @Test("Instructions that do worse fail, and a comparison says which callers they do better with")
    func comparison() async throws {
        let (model, database) = (Self.model(), try await TestDatabase.make())
        var environment = try Self.environment(model)
        environment["DATABASE_URL"] = database.connectionString
        let folder = FileManager.default.temporaryDirectory.appending(path: "callers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["takes-the-first.json", "never-again.json"] {
            try FileManager.default.copyItem(
                atPath: "\(Self.callers)/\(name)", toPath: folder.appending(path: name).path)
        }
        let (good, bad) = (folder.appending(path: "good.txt").path, folder.appending(path: "bad.txt").path)
        try Data("Offer a demo.".utf8).write(to: URL(filePath: good))
        try Data("Sell by mail alone.".utf8).write(to: URL(filePath: bad))

        let worse = try await Executable.run(
            "evaluate", folder.path, "--instructions", bad, "--runs", "2", "--keep", environment: environment)
        #expect(worse.exit == .status(1))
        #expect(worse.output.contains("no meeting was booked") && worse.output.contains("0/2"))
        #expect(worse.output.contains("1 of 2 callers passed"))
        let kept = try await database.client.query("SELECT count(*) FROM calls WHERE finalized_at IS NOT NULL")[0]
        #expect(try kept.decode(Int.self) == 4)

        let better = try await Executable.run(
            "evaluate", folder.path, "--instructions", good, "--against", bad, "--keep", environment: environment)
        #expect(better.exit == .status(0), "\(better.output)")
        #expect(better.output.contains("2 of 2 callers passed; with \(bad) 1 did: 1 better, 0 worse"))
        let json = try await Executable.run(
            "evaluate", folder.path, "--instructions", bad, "--against", good, "--keep", "--json",
            environment: environment)
        let report = try JSON(parsing: json.output)
        #expect(json.exit == .status(1) && report["worse"] == 1 && report["better"] == 0)
        #expect(report["against"]?["passed"] == 2 && report["passed"] == 1)
        await model.stop()
    }

    @Test("A campaign's own agent is evaluated, against other instructions too; its database is only read")
    func campaign() async throws {
        let (model, database) = (Self.model(), try await TestDatabase.make())
        var environment = try Self.environment(model)
        environment["DATABASE_URL"] = database.connectionString
        try await database.client.query(
            """
            INSERT INTO campaigns (name, status, language, instructions, greeting)
            VALUES ('Spring', 'draft', 'en', 'Sell by mail alone.', 'Spring here, hello!')
            """)
        let folder = FileManager.default.temporaryDirectory.appending(path: "callers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            atPath: "\(Self.callers)/takes-the-first.json", toPath: folder.appending(path: "ana.json").path)
        let good = folder.appending(path: "good.txt").path
        try Data("Offer a demo.".utf8).write(to: URL(filePath: good))

        let run = try await Executable.run(
            "evaluate", folder.path, "--campaign", "Spring", "--against", good, "--json", environment: environment)
        let report = try JSON(parsing: run.output)
        #expect(run.exit == .status(1) && report["worse"] == 1, "\(run.error) \(run.output)")
        #expect(report["campaign"] == "Spring" && report["instructions"] == .null)
        let greeting = report["callers"]?[0]?["calls"]?[0]?["turns"]?[0]?["content"]
        #expect(greeting == "Spring here, hello!")
        let written = try await database.client.query("SELECT (SELECT count(*) FROM calls), count(*) FROM campaigns")[0]
        #expect(try written.decode(Int.self, Int.self) == (0, 1))

        let unknown = try await Executable.run(
            "evaluate", folder.path, "--campaign", "Sprin", environment: environment)
        #expect(unknown.exit == .status(1) && unknown.error.contains("there is no campaign \"Sprin\""))
        let answered = model.answeredRequests
        let wrong = folder.appending(path: "wrong.json")
        try Data(#"{"says": [], "expects": {"meeting": "none"}, "answers": {"find": {}}}"#.utf8).write(to: wrong)
        let refused = try await Executable.run("evaluate", folder.path, environment: environment)
        #expect(refused.exit == .status(1) && refused.error.contains("wrong.answers.find is no tool"), "\(refused)")
        #expect(model.answeredRequests == answered, "nobody was called")
        await model.stop()
    }

    @Test("A model that is not there passes nobody: the evaluation stops with what to set", arguments: [false, true])
    func silentModel(_ isWrongPath: Bool) async throws {
        let model = Self.model()
        var environment = try Self.environment(model)
        if isWrongPath {
            environment["OPENAI_BASE_URL"] = environment["OPENAI_BASE_URL"]?.replacing("/v1", with: "")
        } else {
            environment["OPENAI_API_KEY"] = "wrong"
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "callers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["a", "b"] {
            try Data(#"{"says": ["No, thank you."], "expects": {"meeting": "none"}}"#.utf8)
                .write(to: folder.appending(path: "\(name).json"))
        }
        let run = try await Executable.run("evaluate", folder.path, environment: environment)
        #expect(run.exit == .status(1) && run.output.isEmpty, "\(run.output)")
        #expect(run.error.contains("the model gave no answer at all to the first caller, a: "))
        #expect(run.error.contains(isWrongPath ? "at OPENAI_BASE_URL: does its path end in /v1" : "set OPENAI_API_KEY"))
        await model.stop()
    }

    @Test("What cannot be evaluated is said before anybody is called")
    func refusals() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "callers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let empty = try await Executable.run("evaluate", folder.path)
        #expect(empty.exit == .status(1) && empty.error.contains("holds 0 .json files"))
        try Data(#"{"says": [], "expects": {"meeting": "maybe"}}"#.utf8).write(to: folder.appending(path: "x.json"))
        let wrong = try await Executable.run("evaluate", folder.path)
        #expect(wrong.exit == .status(1) && wrong.error.contains("x.expects.meeting"))
        let missing = try await Executable.run("evaluate", Self.callers, "--instructions", "/nowhere")
        #expect(missing.exit == .status(1) && missing.error.contains("/nowhere cannot be read"))
        let keyless = try await Executable.run("evaluate", Self.callers)
        #expect(keyless.exit == .status(1) && keyless.error.contains("OPENAI_API_KEY"))
        #expect(try await Executable.run("evaluate", Self.callers, "--runs", "0").exit == .status(2))
    }
}

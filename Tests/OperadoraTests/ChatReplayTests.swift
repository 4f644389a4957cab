import Glibc
import Platform
import Postgres
import Simulators
import Testing

@Suite("operadora chat --record and --replay")
struct ChatReplayTests {
    /// What must not change when a conversation is replayed.
    private func rows(_ bench: ChatBench) async throws -> [Int] {
        try await bench.commands.column(
            """
            SELECT count(*)::integer FROM calls UNION ALL SELECT count(*)::integer FROM turns
            UNION ALL SELECT count(*)::integer FROM tool_calls UNION ALL SELECT count(*)::integer FROM meetings
            UNION ALL SELECT count(*)::integer FROM jobs
            """)
    }

    /// The messages of each request to the model.
    private func said(_ bench: ChatBench) -> [[String]] {
        bench.openAI.exchanges.map { $0.prompt.messages.map { "\($0.role): \($0.text ?? "")" } }
    }

    @Test("A recorded booking replays turn for turn: the tools answer from the record, and nothing is booked")
    func same() async throws {
        let bench = try await ChatBench()
        try await bench.campaign()
        let file = try bench.file("spring.jsonl")
        let chat = try await bench.chat(
            ["--campaign", "Spring", "--record", file], "tomorrow please", "the first one", "ana@example.com", "",
            "no thank you, goodbye")
        #expect(chat.exit == .status(0), "\(chat.error)")
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600, "others may not read it")
        let before = try await rows(bench)
        let asked = said(bench)
        #expect(asked.last?.contains { $0.contains("booked_in_this_call") } == true)

        let replay = try await bench.chat(["--replay", file])
        // The model was told the very same, the clock and the booked meeting included.
        #expect(Array(said(bench).dropFirst(asked.count)) == asked)
        #expect(replay.exit == .status(0), "\(replay.error)")
        #expect(
            replay.output.hasSuffix("\n6 turns: 6 the same, 0 different (0 in tools, 0 in words, 0 in end)\n"),
            "\(replay.output)")
        #expect(replay.output.contains("you> the first one\n"))
        #expect(try await rows(bench) == before)
        await bench.close()
    }

    @Test("A new task, other words, other arguments and another end are shown beside the old, each in its turn")
    func different() async throws {
        let bench = try await ChatBench { prompt in
            let isNew = prompt.messages.contains { $0.role == "system" && $0.text?.contains("Be formal.") == true }
            let said = prompt.messages.last { $0.role == "user" }?.text
            switch (said, prompt.messages.last?.role) {
            case ("when?", "user"):
                return ChatAnswer(calls: [
                    .init("check_calendar_availability", ["preferred_date": isNew ? "next week" : "tomorrow"])
                ])
            case ("bye", _):
                return ChatAnswer(text: "Goodbye.", calls: isNew ? [.init("terminarLlamada", [:])] : [])
            case ("hello", _): return ChatAnswer(text: isNew ? "Good day." : "Hi!")
            default: return ChatAnswer(text: "Is the first one good for you?")
            }
        }
        let file = try bench.file("chat.jsonl")
        _ = try await bench.chat(["--record", file], "hello", "when?", "bye")
        let before = try await rows(bench)
        let task = try bench.file("task.txt", "Be formal.")

        let text = try await bench.chat(["--replay", file, "--instructions", task])
        #expect(text.exit == .status(0))
        #expect(text.output.contains("you> hello\n- agent> Hi!\n+ agent> Good day.\n"), "\(text.output)")
        #expect(
            text.output.contains(
                """
                you> when?
                - check_calendar_availability({"preferred_date":"tomorrow"})
                + check_calendar_availability({"preferred_date":"next week"})
                  agent> Is the first one good for you?
                """), "\(text.output)")
        #expect(text.output.contains("  agent> Goodbye.\n+ (the agent hangs up)\n"))

        let report = try await bench.chat(["--json", "--replay", file, "--instructions", task]).json
        #expect(report["same"] == 1 && report["different"] == 3 && report["failed"] == 0)
        #expect(report["turns"]?.array?.map { $0["differences"] } == [[], ["words"], ["tools"], ["tools", "end"]])
        // The model was told what the record's tool had answered, though it asked otherwise.
        #expect(
            report["turns"]?[2]?["replayed"]?["tools"]?[0]?["result"]
                == report["turns"]?[2]?["recorded"]?["tools"]?[0]?["result"])
        #expect(try await rows(bench) == before)
        await bench.close()
    }

    @Test("A booking that the record does not have is not answered by another's")
    func unrecorded() async throws {
        let bench = try await ChatBench { prompt in
            guard prompt.messages.last?.role == "user" else {
                return ChatAnswer(
                    text: prompt.messages.last?.text?.contains("is a replay") == true ? "Sorry." : "Done.")
            }
            let isNew = prompt.messages.contains { $0.role == "system" && $0.text?.contains("Be formal.") == true }
            return ChatAnswer(calls: [
                .init(
                    "book_meeting",
                    [
                        "datetime": "2026-02-30T10:00:00-06:00", "guest_name": isNew ? "Mrs Ana" : "Ana",
                        "guest_email": "ana@example.com",
                    ])
            ])
        }
        let file = try bench.file("chat.jsonl")
        _ = try await bench.chat(["--record", file], "book")
        let run = try await bench.chat(["--replay", file, "--instructions", try bench.file("t", "Be formal.")])
        await bench.close()
        #expect(run.output.contains("- agent> Done.\n") && run.output.contains("+ agent> Sorry.\n"), "\(run.output)")
    }

    @Test("The clock of a replay is that of the recorded turn")
    func clock() async throws {
        let bench = try await ChatBench()
        let file = try bench.file(
            "old.jsonl",
            """
            {"operadora_chat":1,"language":"es","timezone":"Europe/Madrid"}
            {"turn":1,"at":"2024-03-01T10:00:00Z","tools":[],"agent":"Hola.","ends_call":false}
            {"turn":2,"at":"2024-03-01T10:00:09Z","caller":"hola","tools":[],"agent":"Dígame.","ends_call":false}

            """)
        let run = try await bench.chat(["--replay", file])
        #expect(run.exit == .status(0), "\(run.error)")
        let system = try bench.systemMessage()
        #expect(system.contains("It is Friday, 2024-03-01T11:00:09+01:00") && system.contains("Speak Spanish."))
        await bench.close()
    }

    @Test("A model that fails in a replay is said, and is status 1")
    func failing() async throws {
        let bench = try await ChatBench()
        let file = try bench.file("chat.jsonl")
        _ = try await bench.chat(["--record", file], "tomorrow")
        let run = try await bench.chat(["--replay", file], environment: ["OPENAI_API_KEY": "sk-other"])
        await bench.close()
        #expect(run.exit == .status(1) && run.error.contains("set OPENAI_API_KEY"))
    }

    @Test(
        "A file that is no record is refused with the line and what is wrong",
        arguments: [
            ("", "line 1: the record is empty"),
            ("hello\n", "line 1: it is not a line of JSON"),
            ("{\"language\":\"en\",\"timezone\":\"UTC\"}\n", "line 1: operadora_chat is missing"),
            ("{\"operadora_chat\":9,\"language\":\"en\",\"timezone\":\"UTC\"}\n", "line 1: version 9 is not known"),
            (
                "{\"operadora_chat\":1,\"language\":\"fr\",\"timezone\":\"UTC\"}\n",
                "line 1: language must be en, es or pt"
            ),
            ("{\"operadora_chat\":1,\"language\":\"en\",\"timezone\":\"Mars\"}\n", "line 1: timezone is none"),
            (Self.head + "{\"turn\":1}\n", "line 2: at is missing"),
            (Self.head + Self.turn(1) + Self.turn(1), "line 3: turn must be greater"),
            (Self.head + Self.turn(.max), "line 2: turn must be from 1 to"),
            (Self.head + "{\"turn\":\"one\"}\n", "line 2: turn is not what it must be"),
            (Self.head + (1...201).map(Self.turn).joined(), "line 202: more than 200 turns"),
        ])
    func badRecord(_ text: String, _ problem: String) async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat(["--replay", try bench.file("bad.jsonl", text)])
        await bench.close()
        #expect(run.exit == .status(1) && run.error.contains("bad.jsonl, \(problem)"), "\(run.error)")
        #expect(bench.openAI.answeredRequests == 0)
    }

    private static let head = "{\"operadora_chat\":1,\"language\":\"en\",\"timezone\":\"UTC\"}\n"
    private static func turn(_ number: Int) -> String {
        "{\"turn\":\(number),\"at\":\"2026-01-07T10:00:00Z\",\"tools\":[],\"agent\":\"Hi.\",\"ends_call\":false}\n"
    }
}

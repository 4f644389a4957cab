import Platform
import Postgres
import Simulators
import Testing

@Suite("operadora chat --tool")
struct ChatToolTests {
    @Test("A tool is run as the model would run it, and its answer is what is printed")
    func lookUp() async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat(
            [
                "--language", "es", "--tool", "check_calendar_availability",
                #"{"preferred_date":"mañana","num_slots":2}"#,
            ])
        await bench.close()
        #expect(run.exit == .status(0) && run.error.isEmpty, "\(run.error)")
        let result = try run.json
        #expect(result["success"] == true && result["available_slots"]?.array?.count == 2)
        #expect(result["available_slots"]?[0]?["display"]?.string?.contains(" de ") == true, "in Spanish")
        let kept = try await bench.commands.value("SELECT to_jsonb(tool_calls) FROM tool_calls", JSON.self)
        #expect(kept["success"] == true && kept["arguments"]?["num_slots"] == 2)
        #expect(try await bench.commands.column("SELECT status FROM calls") == ["ended"])
        #expect(bench.openAI.answeredRequests == 0)
    }

    @Test("The routers can be asked by hand, with the answer that the model would get and the time that it took")
    func routers() async throws {
        let bench = try await ChatBench()
        let routers = SimulatedMikroTik(logger: Logger(label: "test", level: .critical))
        let run = try await bench.chat(
            ["--json", "--tool", "consultar_mikrotik", #"{"pregunta":"¿Qué routers están configurados?"}"#],
            environment: ["MIKROTIK_API_URL": try routers.start()])
        await bench.close()
        await routers.stop()
        #expect(run.exit == .status(0), "\(run.error)")
        #expect(
            try run.json["result"]?["response"] == "Hay 3 routers configurados: FIBRA OPTICA, ROUTER 2 y ROUTER 3.")
        #expect(try run.json["duration_ms"]?.number != nil)
    }

    @Test("A refused booking is a result with its reason, and status 1; a good one is a meeting")
    func booking() async throws {
        let bench = try await ChatBench()
        let slots = try await bench.chat(
            ["--tool", "check_calendar_availability", #"{"preferred_date":"next week"}"#]
        ).json
        let start = try #require(slots["available_slots"]?[0]?["datetime"]?.string)
        func book(_ email: String) async throws -> CommandBench.Run {
            try await bench.chat([
                "--json", "--tool", "book_meeting",
                #"{"datetime":"\#(start)","guest_name":"Ana","guest_email":"\#(email)"}"#,
            ])
        }
        let refused = try await book("ana")
        #expect(refused.exit == .status(1))
        #expect(try refused.json["result"]?["reason"] == "invalid_email")
        let booked = try await book("ana at example dot com")
        #expect(booked.exit == .status(0))
        #expect(try booked.json["success"] == true && booked.json["duration_ms"]?.number != nil)
        await bench.close()
        #expect(try await bench.commands.column("SELECT guest_email FROM meetings") == ["ana@example.com"])
    }

    @Test(
        "What cannot be run is answered as the model would be answered",
        arguments: [
            (["nothing"], "there is no tool named nothing; there are: check_calendar_availability"),
            (["check_calendar_availability", "{"], "the arguments are not valid JSON"),
            (["check_calendar_availability"], "arguments.preferred_date is required"),
            (["check_calendar_availability", #"{"preferred_date":"2026-02-30"}"#], "There is no February 30"),
        ])
    func refused(_ arguments: [String], _ problem: String) async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat(["--tool"] + arguments)
        await bench.close()
        #expect(run.exit == .status(1) && run.output.contains(problem), "\(run.output) \(run.error)")
    }

    @Test("A link is shown, since there is a screen and no telephone, and nothing is sent")
    func showsLinks() async throws {
        let bench = try await ChatBench { prompt in
            prompt.messages.last?.role == "user"
                ? ChatAnswer(calls: [.init("abrirEnlace", ["url": "example.com/prices"])])
                : ChatAnswer(text: "There it is.")
        }
        let talked = try await bench.chat([], "show me the prices")
        let byHand = try await bench.chat(["--tool", "abrirEnlace", #"{"url":"example.com/prices"}"#])
        let refused = try await bench.chat(["--tool", "abrirEnlace", #"{"url":"http://10.0.0.1"}"#])
        await bench.close()
        #expect(
            talked.output.contains("(the agent shows https://example.com/prices)\nagent> There it is."),
            "\(talked.output)")
        #expect(byHand.exit == .status(0))
        #expect(try byHand.json["system_action"] == "open_url")
        #expect(try byHand.json["url"] == "https://example.com/prices")
        #expect(refused.exit == .status(1) && refused.output.contains("not_allowed"))
        let sent: Int = try await bench.commands.value(
            "SELECT count(*)::integer FROM jobs WHERE kind IN ('send_email', 'send_text_message')")
        #expect(sent == 0)
    }

    @Test("Only the tools of the campaign are there")
    func campaignTools() async throws {
        let bench = try await ChatBench()
        try await bench.campaign()
        try await bench.commands.sql("UPDATE campaigns SET tools = '{terminarLlamada}'")
        let run = try await bench.chat(["--campaign", "Spring", "--tool", "check_calendar_availability"])
        await bench.close()
        #expect(run.output.contains("there are: terminarLlamada"))
    }
}

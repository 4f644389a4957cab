import Platform
import Postgres
import Simulators
import TestSupport
import Testing

@testable import Calls

@Suite("operadora chat")
struct ChatCommandTests {
    @Test(
        "A piped conversation books a meeting, shows each tool call, and stands in the tables as a call of no campaign")
    func booking() async throws {
        let bench = try await ChatBench()
        let campaign = try await bench.campaign()
        let run = try await bench.chat(
            ["--campaign", "Spring"], "tomorrow please", "the first one", "ana@example.com", "no thank you, goodbye")
        await bench.close()
        #expect(run.exit == .status(0), "\(run.error)")
        #expect(run.output.contains("you> tomorrow please\n"))
        #expect(run.output.contains(#"  check_calendar_availability({"preferred_date":"tomorrow"})"#))
        #expect(run.output.contains(#"  book_meeting → {"calendar_link""#))
        #expect(run.output.hasSuffix("(the agent hangs up)\n"))
        #expect(run.error.hasPrefix("Call 1 with the agent of \"Spring\", en."))

        let call = try await bench.commands.value("SELECT to_jsonb(calls) FROM calls", JSON.self)
        #expect(call["direction"] == "inbound" && call["provider"] == "chat" && call["status"] == "ended")
        #expect(call["campaign_id"] == .null && call["lead_id"] == .null && call["agent_ended"] == true)
        let meetings: [String] = try await bench.commands.column(
            "SELECT guest_email FROM meetings WHERE call_id = 1 AND status = 'confirmed'")
        #expect(meetings == ["ana@example.com"])
        let tools: [String] = try await bench.commands.column("SELECT name FROM tool_calls ORDER BY id")
        #expect(tools == ["check_calendar_availability", "book_meeting", "terminarLlamada"])
        let roles: [String] = try await bench.commands.column("SELECT role FROM turns ORDER BY number")
        #expect(roles.first == "agent" && roles.count == 9)
        #expect(try await bench.commands.value("SELECT count(*) FROM jobs WHERE kind = 'finalize_call'", Int.self) == 1)
        // The funnel counts what was dialled.
        let counted: Int = try await bench.commands.value(
            "SELECT calls::integer FROM report_campaigns WHERE campaign_id = \(campaign)")
        #expect(counted == 0)
    }

    @Test("The agent is told what a call's would be: task, language, tools, and whether people call it")
    func prompt() async throws {
        let bench = try await ChatBench()
        try await bench.campaign("Sell the blue one.")
        _ = try await bench.chat(["--campaign", "spring", "--language", "es"], "hola")
        #expect(bench.openAI.answeredRequests == 0, "another name is another campaign")
        _ = try await bench.chat(["--campaign", "Spring", "--language", "es"], "hola")
        let outbound = try bench.systemMessage()
        #expect(outbound.contains("Your task in this call (Spring):\nSell the blue one."))
        #expect(outbound.contains("Speak Spanish.") && !outbound.contains("somebody made to us"))
        #expect(outbound.contains("Before book_meeting you need"))
        #expect(bench.openAI.exchanges.last?.isStreaming == true)
        #expect(
            bench.openAI.exchanges.last?.prompt.tools.map(\.name).contains("terminarLlamada") == true)

        try await bench.commands.sql("UPDATE campaigns SET inbound_number = '+525550001111', tools = '{}'")
        let task = try bench.file("task.txt", "Sell the red one.")
        _ = try await bench.chat(["--campaign", "Spring", "--instructions", task], "hello")
        let inbound = try bench.systemMessage()
        #expect(inbound.contains("somebody made to us") && inbound.contains("You have no tools"))
        #expect(inbound.contains("Sell the red one.") && !inbound.contains("blue"))
        await bench.close()
    }

    @Test("With --json each turn is an object on a line of its own")
    func json() async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat(["--json", "--language", "pt"], "amanhã", "não, obrigado, tchau")
        await bench.close()
        #expect(run.exit == .status(0) && run.error.isEmpty, "\(run.error)")
        let turns = try run.lines
        #expect(turns.count == 3)
        #expect(
            turns.allSatisfy { $0["call"] == 1 && $0["at"]?.string != nil && $0["agent"]?.string?.isEmpty == false })
        #expect(turns[0]["turn"] == 1 && turns[0]["caller"] == nil && turns[0]["ends_call"] == false)
        #expect(turns[1]["turn"] == 2 && turns[1]["caller"] == "amanhã")
        #expect(turns[1]["tools"]?[0]?["name"] == "check_calendar_availability")
        #expect(turns[1]["tools"]?[0]?["result"]?["available_slots"]?.array?.isEmpty == false)
        #expect(turns[2]["ends_call"] == true)
    }

    @Test("Words that were written and must not be spoken are marked, and what is spoken follows")
    func unspoken() async throws {
        let bench = try await ChatBench { _ in ChatAnswer(text: "I've booked it for you.") }
        let run = try await bench.chat([], "book me in")
        await bench.close()
        let spoken = Phrase.nothingBookedYet.text(in: .english)
        let claim = "agent> I've booked it for you.  (not spoken)\n"
        #expect(run.output.contains("you> book me in\n\(claim)\(claim)agent> \(spoken)\n"), "\(run.output)")
    }

    @Test("An empty line is silence, which the agent asks about, and which ends the call in the end")
    func silence() async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat([], "", "", "", "are you there?")
        await bench.close()
        #expect(run.exit == .status(0))
        for phrase in [Phrase.notHeard, .stillThere, .goodbyeToSilence] {
            #expect(run.output.contains("agent> \(phrase.text(in: .english))\n"))
        }
        #expect(!run.output.contains("are you there?") && bench.openAI.answeredRequests == 0)
    }

    @Test("A line that is too long is not said and not cut; what follows is")
    func longLine() async throws {
        let bench = try await ChatBench()
        let long = String(repeating: "ñandú ", count: 400)
        let endless = String(repeating: "a", count: 3 << 20)
        let run = try await bench.chat([], long, endless, "tomorrow")
        await bench.close()
        #expect(run.exit == .status(1))
        #expect(run.error.split(separator: "\n").count { $0.contains("longer than 2000 characters") } == 2)
        let said: [String] = try await bench.commands.column("SELECT content FROM turns WHERE role = 'caller'")
        #expect(said == ["tomorrow"])
    }

    @Test("The page has every option that the help has, and its query finds the chats")
    func page() async throws {
        let page = try DocumentationPage("chat.md")
        let bench = try await ChatBench()
        let help = try await bench.commands.run("chat", "--help").output
        let options = help.split(separator: "\n").compactMap { line in
            line.hasPrefix("  --") ? line.split(separator: " ").first.map(String.init) : nil
        }
        #expect(options.count == 7)
        for option in options { #expect(page.text.contains("| `\(option)"), "\(option)") }
        _ = try await bench.chat([], "hello")
        await bench.close()
        let query = try #require(page.examples.first).sql
        let chats = try await bench.commands.sql(PostgresQuery(unsafe: query))
        #expect(chats.count == 1)
    }

    @Test("What a model or a tool writes cannot steer the terminal")
    func controlCharacters() async throws {
        let bench = try await ChatBench { _ in ChatAnswer(text: "Hi\u{1B}[2J there\u{9B}31m") }
        let run = try await bench.chat([], "hello")
        await bench.close()
        #expect(run.output.contains("agent> Hi [2J there 31m\n"))
        #expect(!run.output.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{9B}" })
    }
}

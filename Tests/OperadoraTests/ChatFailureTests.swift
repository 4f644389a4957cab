import FoundationEssentials
import Glibc
import Platform
import Postgres
import Simulators
import Testing

@testable import Calls

@Suite("operadora chat when something is wrong")
struct ChatFailureTests {
    @Test("A wrong key is named with what to set; the caller would hear an apology, and the key is nowhere")
    func wrongKey() async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat([], "hello", environment: ["OPENAI_API_KEY": "sk-of-somebody-else"])
        await bench.close()
        #expect(run.exit == .status(1))
        #expect(run.output.contains("agent> \(Phrase.apology.text(in: .english))\n"))
        #expect(run.error.contains("set OPENAI_API_KEY to a key that may use gpt-4o-mini at http://127.0.0.1"))
        #expect(!(run.output + run.error).contains("sk-of-somebody-else"))
        #expect(try await bench.commands.column("SELECT status FROM calls") == ["ended"])
    }

    @Test("A model that does not exist is named with the server's own words")
    func wrongModel() async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat(["--json"], "hello", environment: ["OPENAI_MODEL": "gpt-none"])
        await bench.close()
        #expect(run.exit == .status(1))
        let error = try #require(try run.lines.last?["error"]?.string)
        #expect(error.contains("OPENAI_MODEL (gpt-none)"))
    }

    @Test("A base URL without its path is asked after beside the model: both are answered with 404")
    func wrongPath() async throws {
        let bench = try await ChatBench()
        let url = bench.environment["OPENAI_BASE_URL"]?.replacing("/v1", with: "") ?? ""
        let run = try await bench.chat([], "hello", environment: ["OPENAI_BASE_URL": url])
        await bench.close()
        #expect(run.exit == .status(1))
        #expect(run.error.contains("OPENAI_MODEL (gpt-4o-mini)"), "\(run.error)")
        #expect(run.error.contains("at OPENAI_BASE_URL: does its path end in /v1"))
    }

    @Test("Without a key, or a database, one line says what to set")
    func configuration() async throws {
        let bench = try await ChatBench()
        let noKey = try await bench.commands.run(["chat"], environment: ["CALENDAR_PROVIDER": "local"])
        #expect(noKey.exit == .status(1) && noKey.error.hasPrefix("operadora: OPENAI_API_KEY"))
        #expect(noKey.error.split(separator: "\n").count == 1, "neither telephone nor webhooks are asked for")
        let away = try await bench.chat(
            [], environment: ["DATABASE_URL": "host=/nonexistent dbname=x connect_timeout=1"])
        await bench.close()
        #expect(away.exit == .status(1) && away.error.contains("look at DATABASE_URL"))
    }

    @Test(
        "What does not go together, and what is not there, is refused before anything is asked",
        arguments: [
            (["--replay", "x", "--record", "y"], 2, "'--record' and '--replay' exclude each other"),
            (["--tool", "x", "--replay", "y"], 2, "'--tool' and '--replay' exclude each other"),
            (["--replay", "x", "--language", "es"], 2, "the record has its language"),
            (["{}"], 2, "'<json>' goes with '--tool <name>'"),
            (["--language", "fr"], 2, "en, es or pt"),
            (["--campaign", "Winter"], 1, "there is no campaign \"Winter\""),
            (["--replay", "/nonexistent"], 1, "/nonexistent: No such file or directory"),
            (["--instructions", "/dev/zero"], 1, "/dev/zero: it is larger than 65536 bytes"),
            (["--record", "/etc/passwd"], 1, "/etc/passwd: it is there already: name a new file"),
        ] as [([String], Int32, String)])
    func refused(_ arguments: [String], _ status: Int32, _ problem: String) async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat(arguments, "hello")
        await bench.close()
        #expect(run.exit == .status(status) && run.error.contains(problem), "\(run.error)")
        #expect(run.output.isEmpty && bench.openAI.answeredRequests == 0)
        #expect(try await bench.commands.value("SELECT count(*) FROM calls", Int.self) == 0)
    }

    @Test("Ctrl-C at the prompt and Ctrl-D hang up: the call ends, and so does the command")
    func hangingUp() async throws {
        let bench = try await ChatBench()
        for keys in ["interrupt", "end of input"] {
            let terminal = try Terminal(["chat"], bench.commands.environment.merging(bench.environment) { $1 })
            defer { terminal.close() }
            #expect(await terminal.screen.line { $0.contains("agent> ") } != nil)
            terminal.type("tomorrow please")
            #expect(await terminal.screen.line { $0.contains("check_calendar_availability →") } != nil)
            #expect(await terminal.screen.line { $0.contains("agent> ") } != nil)
            if keys == "interrupt" { terminal.process.signal(SIGINT) } else { terminal.type("\u{04}", ending: "") }
            #expect(try await terminal.process.exit() == .status(0), "\(keys)")
        }
        await bench.close()
        #expect(try await bench.commands.column("SELECT status FROM calls") == ["ended", "ended"])
    }

    @Test("Ctrl-C while the model thinks does not wait for it")
    func interruptedAnswer() async throws {
        let bench = try await ChatBench(thinkTime: .seconds(20))
        let terminal = try Terminal(["chat"], bench.commands.environment.merging(bench.environment) { $1 })
        defer { terminal.close() }
        #expect(await terminal.screen.line { $0.contains("agent> ") } != nil)
        let start = ContinuousClock.now
        terminal.type("tomorrow please")
        #expect(await terminal.screen.line { $0.contains("tomorrow please") } != nil)
        terminal.process.signal(SIGINT)
        #expect(try await terminal.process.exit() == .status(0))
        #expect(ContinuousClock.now - start < .seconds(15))
        #expect(try await bench.commands.column("SELECT status FROM calls") == ["ended"])
        // What was not answered was not said.
        #expect(try await bench.commands.value("SELECT count(*) FROM turns WHERE role = 'caller'", Int.self) == 0)
        await bench.close()
    }
}

import Platform
import Synchronization
import TestSupport
import Testing

@testable import Agents

@Suite("Tool executor")
struct ToolExecutorTests {
    private static let quiet = Logger(label: "test", level: .critical)

    private func executor(_ tools: FunctionTool..., limits: ToolExecutor.Limits = .init()) throws -> ToolExecutor {
        ToolExecutor(registry: try ToolRegistry(tools), limits: limits, logger: Self.quiet)
    }

    private func call(_ name: String, _ arguments: String = "{}", id: String = "call_1") -> ToolCall {
        ToolCall(id: id, name: name, arguments: arguments)
    }

    private static let echo = FunctionTool(
        "echo", "Says it again.",
        parameters: [
            "type": "object", "properties": ["text": ["type": "string"]], "required": ["text"],
            "additionalProperties": false,
        ]
    ) { ToolResult(success: true, value: ["said": $0["text"] ?? nil]) }

    @Test("A call gets its result under its own id")
    func executes() async throws {
        let ended = try await executor(Self.echo).execute([call("echo", #"{"text":"hi"}"#)])
        #expect(ended[0].result == ToolResult(success: true, value: ["said": "hi"]))
        #expect(ended[0].message == .tool(callID: "call_1", #"{"said":"hi"}"#))
    }

    @Test(
        "A call that cannot be executed gets a result that says why",
        arguments: [
            ("nope", "{}", "there is no tool named nope; there are: echo"),
            ("echo", "{\"text\":", "the arguments are not valid JSON: write one JSON object"),
            ("echo", "[]", "arguments must be an object"),
            ("echo", "", "arguments.text is required"),
            ("echo", "{\"text\":7}", "arguments.text must be a string"),
            ("echo", "{\"text\":\"a\",\"x\":1}", "arguments.x is not allowed"),
        ])
    func refuses(_ name: String, _ arguments: String, _ problem: String) async throws {
        let ended = try await executor(Self.echo).execute([call(name, arguments)])
        #expect(ended[0].result == .failure(problem))
        #expect(ended[0].attempts == 0)
    }

    @Test("A tool that hangs, and ignores its cancellation, is given up")
    func givesUp() async throws {
        let release = Meeting(of: 2)
        let hangs = FunctionTool("hangs", "Ends when it is let go.", timeout: .milliseconds(20)) { _ in
            await release.arrive()
            return ToolResult(success: true, value: [:])
        }
        let ended = try await executor(hangs).execute([call("hangs")])
        await release.arrive()
        #expect(ended[0].result.success == false)
        #expect(ended[0].result.value["error"]?.string?.hasPrefix("the tool did not answer in time") == true)
    }

    @Test("No call outlives the deadline of its turn")
    func keepsDeadline() async throws {
        let slow = FunctionTool("slow", "Takes a minute.", timeout: .seconds(60)) { _ in
            await untilCancelled()
            return ToolResult(success: true, value: [:])
        }
        let ended = try await executor(slow).execute([call("slow")], until: .now + .milliseconds(20))
        #expect(!ended[0].result.success)
    }

    @Test("A tool that only reads is tried again, one that writes is not", arguments: [(true, 3), (false, 1)])
    func retries(_ isRetrySafe: Bool, _ attempts: Int) async throws {
        let runs = Mutex(0)
        let fails = FunctionTool("fails", "Fails.", isRetrySafe: isRetrySafe) { _ in
            runs.withLock { $0 += 1 }
            throw ToolError("the line is busy", isTransient: true)
        }
        var limits = ToolExecutor.Limits()
        limits.firstWait = .milliseconds(1)
        let ended = try await executor(fails, limits: limits).execute([call("fails")])
        #expect(ended[0].attempts == attempts)
        #expect(runs.withLock { $0 } == attempts)
        #expect(ended[0].result == .failure("the line is busy"))
    }

    @Test("What a tool throws that is not meant for the model stays with us")
    func hidesErrors() async throws {
        struct Secret: Error { let text = "password" }
        let fails = FunctionTool("fails", "Fails.") { _ in throw Secret() }
        let ended = try await executor(fails).execute([call("fails")])
        #expect(!ended[0].result.success)
        #expect(!ended[0].result.value.text.contains("password"))
    }

    @Test("Independent calls run at the same time, and their results keep the order of the calls")
    func runsConcurrently() async throws {
        // Each of two calls waits for the other to have started: one after another they would never end.
        let meeting = Meeting(of: 2)
        let meets = FunctionTool("meets", "Waits for another.", timeout: .seconds(20)) { arguments in
            await meeting.arrive()
            return ToolResult(success: true, value: arguments)
        }
        let calls = (0..<2).map { call("meets", "{\"n\":\($0)}", id: "call_\($0)") }
        let ended = try await executor(meets).execute(calls)
        #expect(ended.map { $0.result.value["n"]?.integer } == [0, 1])
    }

    @Test("Calls that may not run beside others run one after another, in order")
    func runsAlone() async throws {
        let log = Mutex<[String]>([])
        let alone = FunctionTool("alone", "Writes.", isConcurrencySafe: false) { arguments in
            log.withLock { $0.append("start \(arguments.text)") }
            await Task.yield()
            log.withLock { $0.append("end \(arguments.text)") }
            return ToolResult(success: true, value: [:])
        }
        _ = try await executor(alone).execute((1...3).map { call("alone", "{\"n\":\($0)}") })
        let expected = (1...3).flatMap { ["start {\"n\":\($0)}", "end {\"n\":\($0)}"] }
        #expect(log.withLock { $0 } == expected)
    }

    @Test("A call that may not run beside others runs alone, in its place among those that may")
    func keepsPlaces() async throws {
        let log = Mutex<[String]>([])
        // Each pair of reads waits for one another: they run at the same time, or the round does not end.
        let pairs = [Meeting(of: 2), Meeting(of: 2)]
        let read = FunctionTool("read", "Reads.", timeout: .seconds(20)) { arguments in
            let number = Int(arguments["n"]?.integer ?? 0)
            log.withLock { $0.append("read") }
            await pairs[number / 2].arrive()
            log.withLock { $0.append("end") }
            return ToolResult(success: true, value: arguments)
        }
        let write = FunctionTool("write", "Writes.", isConcurrencySafe: false) { arguments in
            log.withLock { $0.append("write") }
            await Task.yield()
            log.withLock { $0.append("written") }
            return ToolResult(success: true, value: arguments)
        }
        func call(_ name: String, _ number: Int) -> ToolCall {
            ToolCall(id: "call_\(name)_\(number)", name: name, arguments: "{\"n\":\(number)}")
        }
        let calls = [
            call("read", 0), call("read", 1), call("write", 0), call("write", 1), call("nope", 0), call("read", 2),
            call("read", 3), call("write", 2),
        ]
        let ended = try await executor(read, write).execute(calls)
        let reads = ["read", "read", "end", "end"]
        let written = ["write", "written"]
        #expect(log.withLock { $0 } == reads + written + written + reads + written)
        #expect(ended.map(\.call) == calls && ended.map(\.origin.rawValue).filter { $0 == "refused" }.count == 1)
    }

    @Test("A round of too many calls has the rest refused")
    func boundsCalls() async throws {
        var limits = ToolExecutor.Limits()
        limits.maximumCalls = 2
        let calls = (0..<3).map { call("echo", "{\"text\":\"\($0)\"}", id: "call_\($0)") }
        let ended = try await executor(Self.echo, limits: limits).execute(calls)
        #expect(ended.map(\.result.success) == [true, true, false])
        #expect(ended.map(\.call.id) == ["call_0", "call_1", "call_2"])
    }

    @Test("A result far over the limit is cut, and says so")
    func boundsResults() async throws {
        let huge = FunctionTool("huge", "Answers much.", timeout: .seconds(120)) { _ in
            ToolResult(success: true, value: .string(String(repeating: "x", count: 2 << 20)))
        }
        let ended = try await executor(huge).execute([call("huge")])
        #expect(ended[0].result.value["truncated"] == true)
        #expect(ended[0].result.value.text.utf8.count <= 32 << 10)
    }

    @Test("Each end is reported before the round returns, and a report that fails ends it")
    func reports() async throws {
        struct Lost: Error {}
        let seen = Mutex<[String]>([])
        let executor = try executor(Self.echo)
        _ = try await executor.execute([call("echo", #"{"text":"a"}"#)]) { ended in
            seen.withLock { $0.append(ended.result.value.text) }
        }
        #expect(seen.withLock { $0 } == [#"{"said":"a"}"#])
        await #expect(throws: Lost.self) {
            try await executor.execute([call("echo", #"{"text":"a"}"#)]) { _ in throw Lost() }
        }
    }

    @Test("Cancelling the turn ends it while a tool hangs")
    func cancels() async throws {
        let (started, release) = (Meeting(of: 2), Meeting(of: 2))
        let hangs = FunctionTool("hangs", "Ends when it is let go.", timeout: .seconds(600)) { _ in
            await started.arrive()
            await release.arrive()
            return ToolResult(success: true, value: [:])
        }
        let executor = try executor(hangs)
        let turn = Task { try await executor.execute([call("hangs")]) }
        await started.arrive()
        turn.cancel()
        await #expect(throws: CancellationError.self) { try await turn.value }
        await release.arrive()
    }
}

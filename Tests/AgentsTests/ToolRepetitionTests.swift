import Platform
import Synchronization
import Testing

@testable import Agents

@Suite("A tool call that is made again")
struct ToolRepetitionTests {
    /// A tool that counts its executions.
    private final class Counter: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }

        func tool(
            isRetrySafe: Bool = false, isRepeatable: Bool? = nil, cacheLifetime: Duration? = nil,
            timeout: Duration = .seconds(300),
            _ body: @escaping @Sendable (JSON, Int) async throws -> ToolResult = {
                ToolResult(success: true, value: ["asked": $0, "run": .integer(Int64($1))])
            }
        ) -> FunctionTool {
            FunctionTool(
                "act", "Acts.", timeout: timeout, isRetrySafe: isRetrySafe, isRepeatable: isRepeatable,
                cacheLifetime: cacheLifetime
            ) { arguments in
                let run = self.number.withLock { number in
                    number += 1
                    return number
                }
                return try await body(arguments, run)
            }
        }
    }

    private func executor(_ tool: FunctionTool, cache: ToolResultCache? = nil) throws -> ToolExecutor {
        ToolExecutor(
            registry: try ToolRegistry([tool]), cache: cache, logger: Logger(label: "test", level: .critical))
    }

    private func call(_ arguments: String, id: String = "call_1") -> ToolCall {
        ToolCall(id: id, name: "act", arguments: arguments)
    }

    @Test(
        "In one round it is executed once, and both calls get the result",
        arguments: [(false, true), (true, true), (false, false)])
    func inOneRound(_ isRetrySafe: Bool, _ isConcurrencySafe: Bool) async throws {
        let counter = Counter()
        var tool = counter.tool(isRetrySafe: isRetrySafe)
        tool.isConcurrencySafe = isConcurrencySafe
        let ended = try await executor(tool).execute([
            call(#"{"to":"ana","n":1}"#), call(#"{ "n": 1, "to": "ana" }"#, id: "call_2"),
            call(#"{"to":"eva"}"#, id: "call_3"),
        ])
        #expect(counter.count == 2)
        #expect(ended.map(\.origin) == [.executed, .repeated, .executed])
        #expect(ended[0].result == ended[1].result && ended[1].call.id == "call_2" && ended[1].attempts == 0)
    }

    @Test("Later in the run one with effects gets the stored result, and one that only reads is executed again")
    func inOneRun() async throws {
        for (isRetrySafe, executions) in [(false, 1), (true, 2)] {
            let counter = Counter()
            let executor = try executor(counter.tool(isRetrySafe: isRetrySafe))
            let first = try await executor.execute([call(#"{"n":1}"#)])
            let second = try await executor.execute([call(#"{"n":1}"#, id: "call_2")], earlier: first)
            #expect(counter.count == executions)
            #expect((second[0].result == first[0].result) == !isRetrySafe)
        }
    }

    @Test("A tool whose own records know is executed again when it says so")
    func repeatable() async throws {
        let counter = Counter()
        let executor = try executor(counter.tool(isRepeatable: true))
        let first = try await executor.execute([call("{}"), call("{}", id: "call_2")])
        _ = try await executor.execute([call("{}")], earlier: first)
        #expect(counter.count == 3)
    }

    @Test("What failed may be tried again; what nobody knows about may not")
    func afterFailures() async throws {
        let failing = Counter()
        let failed = try executor(failing.tool { _, _ in throw ToolError("the line is busy") })
        _ = try await failed.execute([call("{}")], earlier: failed.execute([call("{}")]))
        #expect(failing.count == 2)

        let hanging = Counter()
        let release = Meeting(of: 2)
        let hung = try executor(
            hanging.tool(timeout: .milliseconds(20)) { _, _ in
                await release.arrive()
                return ToolResult(success: true, value: [:])
            })
        let first = try await hung.execute([call("{}")])
        let second = try await hung.execute([call("{}")], earlier: first)
        await release.arrive()
        #expect(hanging.count == 1)
        #expect(first[0].result.isUncertain && second[0].origin == .repeated)
        #expect(second[0].result.value["error"]?.string?.hasSuffix("do not call it again") == true)
    }

    @Test(
        "A tool that says that nobody knows what it did is not executed again by the same call",
        arguments: [false, true])
    func uncertain(_ throwsIt: Bool) async throws {
        let words = "the line went dead: it may have been done"
        let counter = Counter()
        let executor = try executor(
            counter.tool { _, _ in
                if throwsIt { throw ToolError(words, isTransient: true, isUncertain: true) }
                return .uncertain(words)
            })
        let first = try await executor.execute([call("{}"), call("{}", id: "call_2")])
        // As a record of the call has it: the text and nothing else.
        let value = try JSON(parsing: first[0].result.value.text)
        let kept = ToolExecution(call: first[0].call, arguments: [:], result: ToolResult(success: false, value: value))
        let later = try await executor.execute([call("{}")], earlier: [kept])
        #expect(counter.count == 1)
        #expect((first + later).allSatisfy { $0.result.isUncertain && $0.result.value["error"] == .string(words) })
        let other = try await executor.execute([call(#"{"n":1}"#)], earlier: [kept])
        #expect(other[0].origin == .executed && counter.count == 2)
    }

    @Test("A run of the agent passes on what it has executed")
    func inTheLoop() async throws {
        let counter = Counter()
        let model = ScriptedModel([.calling("act"), .calling("act", "{ }"), ModelResponse(text: "Done.")])
        let loop = AgentLoop(
            model: model, executor: try executor(counter.tool()), logger: Logger(label: "test", level: .critical))
        let run = try await loop.run([.user("Act.")])
        #expect(counter.count == 1)
        #expect(run.executions.map(\.origin) == [.executed, .repeated])
    }

    // MARK: cache

    /// A clock that is set by hand.
    private final class Elapsed: Sendable {
        private let time = Mutex(Duration.zero)
        func advance(_ duration: Duration) { time.withLock { $0 += duration } }
        func cache(entries: Int = 10, bytes: Int = 10_000) -> ToolResultCache {
            let start = ContinuousClock.now
            return ToolResultCache(maximumEntries: entries, maximumBytes: bytes) { start + self.time.withLock { $0 } }
        }
    }

    @Test("A cached result answers other runs too, for as long as the tool says")
    func caches() async throws {
        let counter = Counter()
        let clock = Elapsed()
        let tool = counter.tool(isRetrySafe: true, cacheLifetime: .seconds(30))
        let cache = clock.cache()
        let (one, other) = (try executor(tool, cache: cache), try executor(tool, cache: cache))
        let first = try await one.execute([call(#"{"n":1}"#)])
        clock.advance(.seconds(29))
        let second = try await other.execute([call(#"{ "n": 1 }"#)])
        #expect(second[0].origin == .cached && second[0].result == first[0].result && counter.count == 1)
        clock.advance(.seconds(1))
        #expect(try await other.execute([call(#"{"n":1}"#)])[0].origin == .executed)
        #expect(try await other.execute([call(#"{"n":2}"#)])[0].origin == .executed)
    }

    @Test("It does not answer in another scope, and failures are not kept")
    func scopes() async throws {
        let counter = Counter()
        let cache = ToolResultCache()
        var tool = counter.tool(isRetrySafe: true, cacheLifetime: .seconds(30))
        for scope in ["ana", "eva", "ana"] {
            tool.cacheScope = scope
            _ = try await executor(tool, cache: cache).execute([call("{}")])
        }
        #expect(counter.count == 2)

        let failing = Counter()
        let failed = try executor(
            failing.tool(cacheLifetime: .seconds(30)) { _, _ in .failure("no") }, cache: cache)
        for _ in 0..<2 { _ = try await failed.execute([call(#"{"n":3}"#)]) }
        #expect(failing.count == 2)
    }

    @Test("The cache is bounded: what would end first makes room")
    func bounded() async throws {
        let counter = Counter()
        let clock = Elapsed()
        let executor = try executor(
            counter.tool(isRetrySafe: true, cacheLifetime: .seconds(30)), cache: clock.cache(entries: 2))
        for number in [1, 2, 3] {
            _ = try await executor.execute([call("{\"n\":\(number)}")])
            clock.advance(.seconds(1))
        }
        for (number, origin) in [(3, ToolExecution.Origin.cached), (2, .cached), (1, .executed)] {
            #expect(try await executor.execute([call("{\"n\":\(number)}")])[0].origin == origin)
        }
        let small = try self.executor(
            counter.tool(isRetrySafe: true, cacheLifetime: .seconds(30)), cache: clock.cache(bytes: 10))
        _ = try await small.execute([call("{}")])
        #expect(try await small.execute([call("{}")])[0].origin == .executed)
    }
}

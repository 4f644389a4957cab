import Platform
import Synchronization
import TestSupport
import Testing

@testable import Agents

@Suite("Bad input for a tool, and bad answers of one")
struct ToolBadInputTests {
    private static let meeting: JSON = [
        "type": "object",
        "properties": [
            "start": ["type": "string", "format": "date-time"], "day": ["type": "string", "format": "date"],
            "minutes": ["type": "integer", "minimum": 15], "guests": ["type": "array", "items": ["type": "string"]],
        ],
        "required": ["start"], "additionalProperties": false,
    ]

    private func ended(_ arguments: String, of tool: FunctionTool? = nil) async throws -> ToolExecution {
        let tool =
            tool ?? FunctionTool("act", "Acts.", parameters: Self.meeting) { ToolResult(success: true, value: $0) }
        let executor = ToolExecutor(
            registry: try ToolRegistry([tool]), logger: Logger(label: "test", level: .critical))
        return try await executor.execute([ToolCall(id: "call_1", name: "act", arguments: arguments)])[0]
    }

    @Test(
        "Each mistake in the arguments is told with its place",
        arguments: [
            (#"{"minutes":30}"#, "arguments.start is required"),
            (#"{"start":"tomorrow"}"#, "arguments.start must be a date and time with offset"),
            (#"{"start":"2025-02-30T10:00:00Z"}"#, "arguments.start must be a date and time with offset"),
            (#"{"start":"2025-01-31T10:00:00Z","day":"2025-02-29"}"#, "arguments.day must be a date that exists"),
            (#"{"start":"2025-01-31T10:00:00Z","minutes":"30"}"#, "arguments.minutes must be an integer"),
            (#"{"start":"2025-01-31T10:00:00Z","minutes":1}"#, "arguments.minutes must be at least 15"),
            (#"{"start":"2025-01-31T10:00:00Z","guests":["a",1]}"#, "arguments.guests[1] must be a string"),
            (#"{"start":null}"#, "arguments.start must be a string"),
            (#""start""#, "arguments must be an object"), ("null", "arguments must be an object"),
            ("start=now", "the arguments are not valid JSON"), (#"{"start":"#, "the arguments are not valid JSON"),
            ("{\"start\":\"\u{0}\"}", "the arguments are not valid JSON"),
        ])
    func refuses(_ arguments: String, _ problem: String) async throws {
        let ended = try await ended(arguments)
        #expect(ended.origin == .refused && ended.attempts == 0)
        #expect(ended.result.value["error"]?.string?.hasPrefix(problem) == true, "\(ended.result.value.text)")
    }

    @Test("Arguments without end, in length or in depth, are refused")
    func bounded() async throws {
        let long = try await ended(#"{"start":""# + String(repeating: "x", count: 70_000) + #""}"#)
        #expect(long.result == .failure("the arguments are too long"))
        let deep = try await ended(String(repeating: "[", count: 30_000) + String(repeating: "]", count: 30_000))
        #expect(deep.result == .failure("the arguments are not valid JSON: write one JSON object"))
    }

    @Test(
        "Slips that leave no doubt are understood",
        arguments: [
            "```json\n{\"start\":\"2025-01-31T10:00:00Z\"}\n```", #""{\"start\":\"2025-01-31T10:00:00Z\"}""#,
            #"{"start":"2025-01-31T10:00:00Z","minutes":null}"#, " \n{\"start\":\"2025-01-31T10:00:00Z\"}\n",
        ])
    func understands(_ arguments: String) async throws {
        let ended = try await ended(arguments)
        #expect(ended.result == ToolResult(success: true, value: ["start": "2025-01-31T10:00:00Z"]))
        #expect(ended.arguments == ["start": "2025-01-31T10:00:00Z"])
    }

    @Test("A null that the schema asks for is kept")
    func keepsNulls() async throws {
        let nullable: JSON = [
            "type": "object", "properties": ["n": ["type": ["integer", "null"]], "m": ["type": "null"]],
            "required": ["m"],
        ]
        let tool = FunctionTool("act", "Acts.", parameters: nullable) { ToolResult(success: true, value: $0) }
        #expect(try await ended(#"{"n":null,"m":null}"#, of: tool).result.value == ["n": nil, "m": nil])
    }

    @Test("An answer of 10 MB is cut, and says so")
    func hugeAnswer() async throws {
        let huge = FunctionTool("act", "Answers much.", timeout: .seconds(300)) { _ in
            ToolResult(success: true, value: ["text": .string(String(repeating: "ü", count: 5 << 20))])
        }
        let cut = try await ended("{}", of: huge)
        #expect(cut.result.success && cut.result.value["truncated"] == true && cut.message.size < 33_000)
    }

    @Test(
        "A web page instead of an answer is an outage",
        arguments: [
            "<!DOCTYPE html><p>502", "\n <HTML lang=en>", "\u{FEFF}<html>", "\u{FEFF}\r\n<!doctype HTML>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">",
            "<!-- proxy --> <!-- 2 -->\n<html>", ["result": "<html><p>Sign in"],
            ["success": true, "result": "\u{FEFF}<!-- a --><!doctype html>"],
        ] as [JSON])
    func badAnswers(_ page: JSON) async throws {
        let lost = FunctionTool("act", "Answers a page.") { _ in ToolResult(success: true, value: page) }
        let outage = try await ended("{}", of: lost)
        #expect(!outage.result.success && outage.result.value["error"]?.string?.contains("web page") == true)
        #expect(outage.result.isUncertain, "it may have acted")
        let reading = FunctionTool("act", "Answers a page.", isRetrySafe: true) { _ in
            ToolResult(success: true, value: page)
        }
        #expect(try await !ended("{}", of: reading).result.isUncertain)
    }

    @Test(
        "What only speaks of pages, or is other markup, is data",
        arguments: [
            "Write <html> first", "<p>one</p>", "<htm", "<?xml version=\"1.0\"?><customers/>", "<!-- <html>", "<!---->",
            "<",
            "", ["deep": ["page": "<html>"]], ["pages": ["<html>"]],
        ] as [JSON])
    func keepsData(_ value: JSON) async throws {
        let tool = FunctionTool("act", "Answers.") { _ in ToolResult(success: true, value: value) }
        #expect(try await ended("{}", of: tool).result == ToolResult(success: true, value: value))
    }

    @Test("A tool that fails, or hangs, has its own answer for that when it declares one")
    func fallsBack() async throws {
        let known = ToolResult(success: true, value: ["opening_hours": "9 to 5", "note": "as of yesterday"])
        var failing = FunctionTool("act", "Fails.") { _ in throw ToolError("out of order") }
        failing.fallback = known
        var hanging = FunctionTool("act", "Hangs.", timeout: .milliseconds(20)) { _ in
            await untilCancelled()
            return ToolResult(success: true, value: [:])
        }
        hanging.fallback = known
        for tool in [failing, hanging] {
            let ended = try await ended("{}", of: tool)
            #expect(ended.result == known && ended.origin == .fallback && ended.attempts == 1)
        }
    }

    @Test("A tool that refuses is not tried again, one that failed in passing is, and then succeeds")
    func retries() async throws {
        for (isTransient, attempts) in [(false, 1), (true, 2)] {
            let runs = Mutex(0)
            let tool = FunctionTool("act", "Reads.", isRetrySafe: true) { _ in
                let run = runs.withLock { runs in
                    runs += 1
                    return runs
                }
                if run == 1 { throw ToolError("not now", isTransient: isTransient) }
                return ToolResult(success: true, value: ["run": .integer(Int64(run))])
            }
            let ended = try await ended("{}", of: tool)
            #expect(ended.attempts == attempts && ended.result.success == isTransient)
        }
    }
}

extension Message {
    fileprivate var size: Int { if case .tool(_, let text) = self { text.utf8.count } else { 0 } }
}

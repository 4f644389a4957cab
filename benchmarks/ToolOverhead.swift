import Agents
import Calls
import Platform
import Postgres

/// What the executor adds to a tool: in memory, and with the durable record of each call.
enum ToolOverhead {
    static let subject = Subject(
        name: "tools", summary: "a tool call through the executor, in memory and with its row in tool_calls", run: run)

    private static let callsInMemory = 50_000
    private static let recordedCalls = 3_000

    private struct Booking: Codable, Sendable, DescribedProperties {
        var guestName: String
        var guestEmail: String
        var datetime: String
        var minutes: Int?
        static let properties: [String: JSON] = [
            "guestName": ["minLength": 1, "maxLength": 200, "description": "The guest's full name"],
            "guestEmail": ["format": "email"], "datetime": ["format": "date-time"],
            "minutes": ["minimum": 15, "maximum": 240],
        ]
    }

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let registry = try ToolRegistry([booking("book_meeting"), booking("move_meeting"), booking("note_wish")])
        let executor = ToolExecutor(registry: registry, logger: bench.logger)
        return try await inMemory(executor) + recorded(executor, bench)
    }

    /// Does nothing: what is measured is all around it.
    private static func booking(_ name: String) throws -> FunctionTool {
        FunctionTool(
            name, "Books a meeting.", parameters: try JSONSchema(of: Booking.self).root
        ) { _ in ToolResult(success: true, value: ["success": true, "meeting_id": "m1"]) }
    }

    private static func call(_ number: Int) -> ToolCall {
        ToolCall(
            id: "call_\(number)", name: "book_meeting",
            arguments: """
                {"guestName":"Ana Pérez","guestEmail":"ana\(number)@correo.example","datetime":"2026-03-02T10:00:00-06:00",\
                "minutes":30}
                """)
    }

    private static func inMemory(_ executor: ToolExecutor) async throws -> [Figure] {
        var times: [Double] = []
        times.reserveCapacity(callsInMemory)
        for number in 0..<callsInMemory {
            let call = call(number)
            let start = ContinuousClock.now
            let ended = try await executor.execute([call])
            times.append((ContinuousClock.now - start) / .microseconds(1))
            guard ended[0].result.success else { throw Refused(text: ended[0].result.value.text) }
        }
        return [
            Figure(
                name: "tool call in memory, mean", value: times.reduce(0, +) / Double(times.count), unit: "µs",
                bar: .atMost(50)),
            Figure(name: "tool call in memory, p50", value: times.percentile(0.5), unit: "µs"),
            Figure(name: "tool call in memory, p99", value: times.percentile(0.99), unit: "µs"),
        ]
    }

    private static func recorded(_ executor: ToolExecutor, _ bench: Bench) async throws -> [Figure] {
        let client = bench.client(try await bench.database("tools"))
        let records = ToolCallRecords(client)
        let rows = try await client.query(
            """
            INSERT INTO calls (direction, provider, provider_call_id, status, from_phone, to_phone, language,
                timezone, answered_at)
            VALUES ('inbound', 'twilio', 'CA1', 'in_progress', '+12125550001', '+12125550002', 'en',
                'America/New_York', now()) RETURNING id
            """)
        let callID = try rows[0].decode(Int64.self)
        let disk = DiskProbe()
        var times: [Double] = []
        for number in 0..<recordedCalls {
            let start = ContinuousClock.now
            _ = try await executor.execute([call(number)]) { ended in
                try await records.record(ended, of: callID, turnNumber: number)
            }
            times.append((ContinuousClock.now - start) / .milliseconds(1))
        }
        await client.close()
        return [
            Figure(name: "tool call with its record, p50", value: times.percentile(0.5), unit: "ms"),
            Figure(name: "tool call with its record, p99", value: times.percentile(0.99), unit: "ms", bar: .atMost(5)),
        ] + disk.figures()
    }

    private struct Refused: Error {
        let text: String
    }
}

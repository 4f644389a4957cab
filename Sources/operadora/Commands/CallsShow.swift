import Platform
import Postgres

/// `operadora calls show`: one call, its utterances and tool calls in the order in which they happened, its meetings.
struct CallsShow: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show", abstract: "Show a call with everything that was said and done.",
            discussion: "EXAMPLE:\n  operadora calls show 17 --json")
    }
    @Argument(help: "Number of the call.", valueName: "id") var id: Int64
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await Database.with { client in
            guard let call = try await load(client) else {
                throw CommandFailure("there is no call \(id) (operadora calls list shows them)")
            }
            Console.print(output.json ? call.text : text(of: call))
        }
    }

    private func load(_ client: PostgresClient) async throws -> JSON? {
        try await client.query(
            """
            SELECT to_jsonb(calls) || jsonb_build_object(
                'campaign', (SELECT name FROM campaigns WHERE id = calls.campaign_id),
                'lead', (SELECT jsonb_build_object('id', id, 'name', name, 'phone', phone, 'email', email)
                         FROM leads WHERE id = calls.lead_id),
                'turns', (SELECT coalesce(jsonb_agg(to_jsonb(turns) ORDER BY number), '[]')
                          FROM turns WHERE call_id = calls.id),
                'tool_calls', (SELECT coalesce(jsonb_agg(to_jsonb(tool_calls) ORDER BY id), '[]')
                               FROM tool_calls WHERE call_id = calls.id),
                'meetings', (SELECT coalesce(jsonb_agg(to_jsonb(meetings) ORDER BY id), '[]')
                             FROM meetings WHERE call_id = calls.id))
            FROM calls WHERE id = \(id)
            """
        ).first?.decode(JSON.self)
    }

    private func text(of call: JSON) -> String {
        let facts: [(String, JSON?)] = [
            ("campaign", call["campaign"]), ("lead", call["lead"]?["name"]), ("phone", call["to_phone"]),
            ("direction", call["direction"]), ("status", call["status"]), ("outcome", call["outcome"]),
            ("provider id", call["provider_call_id"]), ("started", call["started_at"]), ("ended", call["ended_at"]),
            ("seconds", call["duration_seconds"]), ("language", call["language"]), ("cost", call["cost"]),
            ("summary", call["summary"]), ("error", call["error"]),
        ]
        let head = facts.compactMap { name, value -> String? in
            let shown = OutputOptions.cell(value)
            return shown.isEmpty ? nil : "\(name):\(String(repeating: " ", count: max(1, 13 - name.count)))\(shown)"
        }
        return (["Call \(id)"] + head + conversation(of: call) + meetings(of: call)).joined(separator: "\n")
    }

    /// A tool call stands under the utterance of the caller that it was made for.
    private func conversation(of call: JSON) -> [String] {
        let toolCalls = call["tool_calls"]?.array ?? []
        let lines = (call["turns"]?.array ?? []).flatMap { turn -> [String] in
            let number = turn["number"]?.integer ?? 0
            let tools = toolCalls.filter { $0["turn_number"]?.integer == number }.map(toolLine)
            let spoken = "  \(number) \(OutputOptions.cell(turn["role"])): \(OutputOptions.cell(turn["content"]))"
            // The tools of an answer ran before it was spoken.
            return turn["role"]?.string == "agent" ? tools + [spoken] : [spoken] + tools
        }
        return lines.isEmpty ? [] : [""] + lines
    }

    private func toolLine(_ tool: JSON) -> String {
        let verdict = tool["success"]?.bool == true ? "→" : "✗"
        return "      \(OutputOptions.cell(tool["name"]))(\(OutputOptions.cell(tool["arguments"]))) \(verdict) "
            + OutputOptions.cell(tool["result"])
    }

    private func meetings(of call: JSON) -> [String] {
        let lines = (call["meetings"]?.array ?? []).map { meeting in
            ["status", "starts_at", "title", "guest_email", "calendar_link"].map { OutputOptions.cell(meeting[$0]) }
                .filter { !$0.isEmpty }.joined(separator: "  ")
        }
        return lines.isEmpty ? [] : ["", "Meetings:"] + lines.map { "  \($0)" }
    }
}

import Agents
import FoundationEssentials
import Platform

/// `check_calendar_availability`: free slots around the day that the caller named.
struct CheckAvailabilityTool: Tool {
    static let name = "check_calendar_availability"

    let meetings: MeetingTools
    let timeout: Duration = .seconds(8)
    let isRetrySafe = true

    var description: ToolDescription { Self.about }

    private static let about = ToolDescription(
        name: name,
        description: "Looks up free times for a meeting in the calendar. Use it before you offer any time.",
        parameters: [
            "type": "object",
            "properties": [
                "preferred_date": [
                    "type": "string", "minLength": 1, "maxLength": 200,
                    "description": .string(wording),
                ],
                "duration_minutes": MeetingTools.durationSchema,
                "num_slots": [
                    "type": "integer", "minimum": 1, "maximum": 10,
                    "description": "How many times to offer; 3 unless given",
                ],
            ],
            "required": ["preferred_date"],
            "additionalProperties": false,
        ])

    private static let wording =
        "The day or days, in the caller's own words or as a date: tomorrow, next Tuesday, next week in the afternoon, "
        + "pasado mañana, sexta-feira às 15h, 2025-01-10"

    func execute(_ arguments: JSON) async throws -> ToolResult {
        let duration = Int(arguments["duration_minutes"]?.integer ?? 30)
        let count = Int(arguments["num_slots"]?.integer ?? 3)
        let finder = meetings.finder(duration: duration)
        let wanted: SpokenDate
        do {
            wanted = try meetings.dates.understand(arguments["preferred_date"]?.string ?? "")
        } catch {
            return await meetings.refusal(error, count: count, finder)
        }
        let windows = wanted.windows(in: meetings.zone)
        do {
            let findings = try await finder.find(
                windows, count: count, inOrder: wanted.minuteOfDay != nil, zone: meetings.zone)
            return result(findings, wanted)
        } catch {
            throw meetings.calendarFailure(error)
        }
    }

    private func result(_ findings: SlotFinder.Findings, _ wanted: SpokenDate) -> ToolResult {
        var value: [String: JSON] = [
            "success": .bool(!findings.slots.isEmpty), "available_slots": .array(findings.slots.map(meetings.json)),
            "timezone": .string(meetings.zone.identifier),
        ]
        if findings.slots.isEmpty {
            value["error"] = .string("nothing is free in the next \(SlotFinder.horizonDays) days")
        } else if !findings.areWanted, let first = wanted.days.first {
            let day = meetings.dates.sayDay(first)
            value["note"] = .string(
                "\(wanted.days.count == 1 ? day : "the days asked for") is full or closed; these are the next free times: say so"
            )
        }
        return ToolResult(success: !findings.slots.isEmpty, value: .object(value))
    }
}

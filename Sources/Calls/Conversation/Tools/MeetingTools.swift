import Agents
import FoundationEssentials
import Platform

/// What the two meeting tools of a call share.
struct MeetingTools: Sendable {
    let services: CallServices
    let state: TurnState

    static let durationSchema: JSON = [
        "type": "integer", "minimum": 15, "maximum": 240, "description": "Length in minutes; 30 unless given",
    ]

    /// Where the caller is: times without an offset are read, and all times are said, in this zone.
    var zone: Zone { state.call.zone }

    var dates: SpokenDates {
        SpokenDates(
            language: state.call.language.rawValue, zone: zone, now: state.now, horizonDays: SlotFinder.horizonDays)
    }

    func finder(duration: Int) -> SlotFinder { SlotFinder(services, now: state.now, duration: duration) }

    func json(_ slot: Range<Date>) -> JSON {
        [
            "datetime": .string(zone.iso8601(slot.lowerBound)), "end": .string(zone.iso8601(slot.upperBound)),
            "display": .string(dates.say(slot.lowerBound)),
        ]
    }

    static func refusal(_ reason: String, _ problem: String) -> ToolResult {
        ToolResult(success: false, value: ["success": false, "reason": .string(reason), "error": .string(problem)])
    }

    /// An error is never "free", and the caller never hears what it was.
    func calendarFailure(_ error: any Error) -> ToolError {
        services.logger.warning("calendar cannot be read", metadata: ["call": "\(state.call.id)", "error": "\(error)"])
        return ToolError(
            "the calendar cannot be looked at just now: offer that somebody calls back with a time", isTransient: true)
    }
}

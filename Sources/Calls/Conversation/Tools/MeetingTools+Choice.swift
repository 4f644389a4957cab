import Agents
import FoundationEssentials
import Platform

/// Which meeting of the caller is meant.
extension MeetingTools {
    /// The meeting with that id, or the only one that the caller has: of this call, or of another with the same number.
    ///
    /// - Parameter includingCancelled: One that is cancelled already is meant when nothing else can be.
    func chosenMeeting(_ id: String?, includingCancelled: Bool = false) async throws -> Meeting {
        let all = try await eligible(id).filter { $0.endsAt > state.now }
        let standing = all.filter { $0.status == .confirmed }
        let cancelled = includingCancelled ? all.filter { $0.status == .cancelled && $0.eventID != nil } : []
        if let id {
            if let meeting = (standing + cancelled).first(where: { $0.eventID == id }) { return meeting }
            throw Refusal(list(standing, "no_meeting", "there is no meeting to come with that meeting_id"))
        }
        switch standing.count {
        case 1: return standing[0]
        case 0:
            if cancelled.count == 1 { return cancelled[0] }
            if let reserved = all.first(where: { $0.status == .reserved }) {
                let problem =
                    "the calendar has not confirmed the booking yet, so it cannot be changed now: say that a colleague will "
                    + "get in touch"
                throw Refusal(unconfirmed(reserved, at: reserved.time, problem))
            }
            throw Refusal("no_meeting", "the caller has no meeting that is still to come")
        default:
            throw Refusal(
                list(
                    standing, "which_meeting", "the caller has several meetings: ask which one, and give its meeting_id"
                ))
        }
    }

    /// The caller's; where there is no caller the one that is named, whoever's it is.
    private func eligible(_ id: String?) async throws -> [Meeting] {
        if let callID = state.call.id { return try await records.ofCaller(in: callID) }
        guard let id else { throw Refusal("which_meeting", "there is no caller here: give the meeting_id") }
        return try await records.known(as: id)
    }

    private func list(_ meetings: [Meeting], _ reason: String, _ problem: String) -> ToolResult {
        let listed = meetings.map { meeting -> JSON in
            var members = json(meeting.time).object ?? [:]
            members["meeting_id"] = .string(meeting.eventID ?? "")
            members["title"] = .string(CallerSpeech.clean(meeting.title))
            return .object(members)
        }
        return ToolResult(
            success: false,
            value: [
                "success": false, "reason": .string(reason), "error": .string(problem), "meetings": .array(listed),
            ])
    }
}

import FoundationEssentials
import Platform

extension Meeting {
    /// The meetings that the tool calls of a recorded conversation have left, as the rows that they were.
    static func left(by calls: [ChatToolCall]) -> [Meeting] {
        var meetings: [Meeting] = []
        for call in calls where call.success {
            guard let id = call.result["meeting_id"]?.string, let time = time(call.result["meeting"]) else { continue }
            let index = meetings.firstIndex { $0.eventID == id }
            switch (call.name, index) {
            case (BookMeetingTool.name, nil):
                meetings.append(
                    Meeting(
                        id: Int64(meetings.count + 1), callID: nil, status: .confirmed, eventKey: id, eventID: id,
                        title: call.arguments["meeting_title"]?.string ?? "", startsAt: time.lowerBound,
                        endsAt: time.upperBound))
            case (RescheduleMeetingTool.name, let index?):
                meetings[index].startsAt = time.lowerBound
                meetings[index].endsAt = time.upperBound
                meetings[index].sequence += 1
            case (CancelMeetingTool.name, let index?): meetings[index].status = .cancelled
            default: break
            }
        }
        return meetings
    }

    private static func time(_ slot: JSON?) -> Range<Date>? {
        let ends = ["datetime", "end"].compactMap { end in
            slot?[end]?.string.flatMap { try? Date($0, strategy: .iso8601) }
        }
        return ends.count == 2 && ends[0] <= ends[1] ? ends[0]..<ends[1] : nil
    }
}

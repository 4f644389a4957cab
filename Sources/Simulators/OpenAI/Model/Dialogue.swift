import Platform

/// What has happened so far, read from the messages alone.
struct Dialogue: Sendable {
    private(set) var offered: [OfferedSlot] = []
    /// The slot that the caller chose of those offered last.
    private(set) var chosen: OfferedSlot?
    private(set) var email: String?
    /// The day that the caller named last, in their own words.
    private(set) var day: String?
    /// Whether the caller has shown interest: asked for times, or said yes.
    private(set) var isInterested = false
    private(set) var booked: OfferedSlot?
    /// What became of the latest thing that a tool was asked for.
    private(set) var toolOutcome: ToolOutcome?
    private(set) var lastCallerText: String?
    private(set) var lastIntent: CallerIntent?
    /// How many times in a row the caller said nothing to the point.
    private(set) var unclearInARow = 0
    /// Rounds of tools since the caller spoke.
    private(set) var toolRounds = 0
    /// The tool whose result ends the messages; nil when the caller's words do.
    private(set) var answeredTool: String?

    init(_ messages: [ChatPrompt.Message]) {
        var calls: [String: ChatPrompt.Call] = [:]
        for message in messages {
            switch message.role {
            case "user": hear(message.text ?? "")
            case "assistant":
                if !message.toolCalls.isEmpty { toolRounds += 1 }
                for call in message.toolCalls { calls[call.id] = call }
            case "tool":
                guard let call = message.toolCallID.flatMap({ calls[$0] }) else { continue }
                learn(from: message.text ?? "", of: call)
            default: break
            }
        }
    }

    private mutating func hear(_ text: String) {
        answeredTool = nil
        toolRounds = 0
        lastCallerText = text
        let intent = CallerIntent(text)
        lastIntent = intent
        let address = emailAddress(in: text)
        email = address ?? email
        let choice = SlotChoice(offered: offered).choice(in: text)
        chosen = choice ?? (intent == .yes && offered.count == 1 ? offered.first : chosen)
        if choice == nil, let words = DayWords.find(in: text) {
            day = words
            isInterested = true
            // Another day takes back what was chosen.
            chosen = nil
        }
        if intent == .yes { isInterested = true }
        let isToThePoint = choice != nil || address != nil || DayWords.find(in: text) != nil
        unclearInARow = (intent == .unclear || intent == .inaudible) && !isToThePoint ? unclearInARow + 1 : 0
    }

    private mutating func learn(from text: String, of call: ChatPrompt.Call) {
        answeredTool = call.name
        let result = (try? JSON(parsing: text)) ?? .null
        let isSuccess = result["success"]?.bool ?? false
        switch call.name {
        case ToolNames.checkCalendar:
            toolOutcome = ToolOutcome(result)
            offered = isSuccess ? OfferedSlot.read(result) : []
            // "Tomorrow at ten" chooses as soon as the times of tomorrow are known.
            chosen = lastCallerText.flatMap { SlotChoice(offered: offered).choice(in: $0) }
        case ToolNames.bookMeeting:
            toolOutcome = ToolOutcome(result)
            if isSuccess { booked = slot(result, of: call) } else { forgetChoice(result) }
        default: break
        }
    }

    private mutating func forgetChoice(_ result: JSON) {
        let alternatives = OfferedSlot.read(result)
        offered = alternatives.isEmpty ? offered.filter { $0 != chosen } : alternatives
        chosen = nil
    }

    private func slot(_ result: JSON, of call: ChatPrompt.Call) -> OfferedSlot {
        if let display = result["meeting"]?["display"]?.string {
            return OfferedSlot(datetime: result["meeting"]?["datetime"]?.string ?? "", display: display)
        }
        let datetime = (try? JSON(parsing: call.arguments))?["datetime"]?.string ?? ""
        return offered.first { $0.datetime == datetime } ?? OfferedSlot(datetime: datetime, display: datetime)
    }
}

/// How a tool's result reads to somebody who has to go on talking.
enum ToolOutcome: Sendable, Hashable {
    case success
    /// Nobody knows: the booking may or may not have been made.
    case unconfirmed
    /// There is a meeting already.
    case alreadyBooked
    /// Something was wrong with what was asked for; another day or time may be right.
    case refused
    /// The tool did not work, and will not by asking again.
    case broken

    init(_ result: JSON) {
        let reason = result["reason"]?.string ?? ""
        if result["success"]?.bool == true {
            self = .success
        } else if reason == "unconfirmed" {
            self = .unconfirmed
        } else if reason == "call_has_a_meeting" {
            self = .alreadyBooked
        } else {
            self = reason.isEmpty && result["available_slots"] == nil ? .broken : .refused
        }
    }
}

/// The tools that the model knows how to use.
enum ToolNames {
    static let checkCalendar = "check_calendar_availability"
    static let bookMeeting = "book_meeting"
    static let scheduleMeeting = "schedule_meeting"
    static let hangUp = "terminarLlamada"
}

/// How one callee behaves in one call: a pure state machine that hears the agent and says what the callee does.
struct CalleeMind: Sendable {
    enum Reaction: Sendable, Hashable {
        /// `confidence` is what speech recognition gives: 0 … 1.
        case say(String, confidence: Double)
        case keepSilent
        case hangUp
        /// Speaks, and hangs up before the answer comes.
        case sayAndHangUp(String, confidence: Double)
    }

    /// Even the most patient callee stops here, so that every call comes to an end.
    private static let patience = 40

    private let callee: Callee
    private let email: String
    /// What the callee's number decides: days, details, so that runs repeat.
    private let whim: UInt64
    private var language: SpokenLanguage
    private var heard = ""
    private var replies = 0
    private var refusals = 0
    private var hasSaidThatIsAll = false
    private var lastReaction: Reaction?

    init(_ callee: Callee, number: String) {
        self.callee = callee
        whim = stableHash(number, seed: 7)
        email = callee.email ?? "guest\(number.filter(\.isNumber))@example.com"
        language = callee.language.flatMap(SpokenLanguage.init(tag:)) ?? .english
    }

    private var phrases: CalleePhrases { CalleePhrases(language: language) }

    /// Returns false when the callee hangs up on these words.
    mutating func hear(_ text: String, language tag: String?) -> Bool {
        if callee.language == nil, let spoken = tag.flatMap(SpokenLanguage.init(tag:)) { language = spoken }
        heard += heard.isEmpty ? text : " " + text
        return callee.kind != .hangsUpAtOnce
    }

    /// The agent is listening now.
    mutating func respond() -> Reaction {
        guard replies < Self.patience else { return .hangUp }
        let reaction = react(to: AgentQuestion(heard))
        replies += 1
        heard = ""
        lastReaction = reaction
        return reaction
    }

    private mutating func react(to question: AgentQuestion) -> Reaction {
        switch callee.kind {
        case .booksFirstSlot, .booksSecondSlot, .changesMind: return book(question)
        case .hangsUpInTheMiddle: return replies == 0 ? clearly(phrases.interested(day)) : .hangUp
        case .hangsUpWhileWaiting: return hangUpWhileWaiting(question)
        case .silent: return replies < 10 ? .keepSilent : .hangUp
        case .unintelligible: return .say(phrases.gibberish(replies), confidence: 0.05 + Double(replies % 4) * 0.06)
        case .voicemail: return replies == 0 ? clearly(phrases.machine) : replies < 3 ? .keepSilent : .hangUp
        case .notInterested: return refuse(phrases.notInterested)
        case .asksForLater: return refuse(phrases.later)
        case .wrongNumber: return refuse(phrases.wrongNumber)
        case .neverCallAgain: return refuse(phrases.neverCallAgain)
        case .rambles: return clearly(phrases.rambling(replies))
        case .hangsUpAtOnce, .busy, .noAnswer, .unreachable: return .hangUp
        }
    }

    private var day: String { phrases.day(whim) }

    private func clearly(_ text: String) -> Reaction { .say(text, confidence: 0.93) }

    /// Says it; once more if the agent asks again; then has had enough.
    private func refuse(_ text: String) -> Reaction {
        switch replies {
        case 0: clearly(text)
        case 1: clearly(text)
        default: .hangUp
        }
    }

    private mutating func book(_ question: AgentQuestion) -> Reaction {
        switch question {
        case .farewell: return .hangUp
        case .anythingElse:
            guard !hasSaidThatIsAll else { return .hangUp }
            hasSaidThatIsAll = true
            return clearly(phrases.thatIsAll)
        case .isThatRight: return clearly(phrases.yes)
        case .again: return lastReaction ?? clearly(phrases.interested(day))
        case .email: return clearly(phrases.email(email))
        case .name: return clearly(phrases.name)
        case .slot: return choose()
        case .otherDay: return clearly(phrases.anotherDay(phrases.day(whim &+ UInt64(replies))))
        case .interest: return clearly(phrases.interested(day))
        }
    }

    private mutating func choose() -> Reaction {
        if callee.kind == .changesMind, refusals == 0 {
            refusals += 1
            return clearly(phrases.anotherDay(phrases.day(whim &+ 1)))
        }
        return clearly(callee.kind == .booksSecondSlot ? phrases.secondSlot(email) : phrases.firstSlot)
    }

    /// Half of them while the calendar is being looked at, half while the meeting is being booked.
    private mutating func hangUpWhileWaiting(_ question: AgentQuestion) -> Reaction {
        switch question {
        case .interest where whim % 2 == 0: .sayAndHangUp(phrases.interested(day), confidence: 0.93)
        // With the address beside the choice, nothing is left to be asked before booking.
        case .slot where whim % 2 == 1: .sayAndHangUp(phrases.secondSlot(email), confidence: 0.93)
        default: book(question)
        }
    }
}

import Platform

/// Somebody whom the simulated Twilio can reach by telephone, or not.
public struct Callee: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Is interested, takes the first slot that is offered, gives an e-mail address, says goodbye.
        case booksFirstSlot
        /// As above with the second slot, and the address in the same breath.
        case booksSecondSlot
        /// Refuses the first offer, asks for another day, then takes a slot.
        case changesMind
        case busy, noAnswer
        /// The network says that the number cannot be reached.
        case unreachable
        /// A machine answers.
        case voicemail
        /// Hangs up on the first words.
        case hangsUpAtOnce
        /// Shows interest and hangs up on the offer.
        case hangsUpInTheMiddle
        /// Hangs up while our webhook is still thinking about what was said last.
        case hangsUpWhileWaiting
        /// Answers and never speaks.
        case silent
        /// Speaks, and the speech recognition makes nothing of it.
        case unintelligible
        case notInterested, asksForLater, wrongNumber, neverCallAgain
        /// Talks on and on about something else and never hangs up.
        case rambles
    }

    public var kind: Kind
    /// en, es or pt; nil follows the language that the agent speaks.
    public var language: String?
    /// Nil is an address made of the number.
    public var email: String?

    public init(_ kind: Kind, language: String? = nil, email: String? = nil) {
        self.kind = kind
        self.language = language
        self.email = email
    }
}

extension Callee.Kind {
    /// Whether the call is answered, by a person or a machine.
    public var answers: Bool { self != .busy && self != .noAnswer && self != .unreachable }
    /// Whether the callee goes all the way to a booked meeting.
    public var books: Bool { self == .booksFirstSlot || self == .booksSecondSlot || self == .changesMind }
}

/// Who stands behind each number: as assigned, else drawn by the number's hash, the same in every run.
public struct CalleeBook: Sendable {
    public var seed: UInt64
    public var assigned: [String: Callee]
    /// Relative shares; a kind without one never occurs.
    public var shares: [Callee.Kind: Double]
    /// What a number's first dials come to, one after the other. Those after them reach its callee.
    public var firstDials: [String: [Callee.Kind]] = [:]

    public init(
        seed: UInt64 = 1, assigned: [String: Callee] = [:], shares: [Callee.Kind: Double] = CalleeBook.everyKind
    ) {
        self.seed = seed
        self.assigned = assigned
        self.shares = shares
    }

    /// A lively campaign: two in five book, and everything else happens too.
    public static let everyKind: [Callee.Kind: Double] = [
        .booksFirstSlot: 22, .booksSecondSlot: 12, .changesMind: 6, .busy: 6, .noAnswer: 9, .unreachable: 2,
        .voicemail: 9, .hangsUpAtOnce: 4, .hangsUpInTheMiddle: 4, .hangsUpWhileWaiting: 4, .silent: 3,
        .unintelligible: 3, .notInterested: 6, .asksForLater: 4, .wrongNumber: 2, .neverCallAgain: 2, .rambles: 2,
    ]

    public func callee(at number: String) -> Callee {
        if let callee = assigned[number] { return callee }
        let present = Callee.Kind.allCases.filter { shares[$0, default: 0] > 0 }
        var random = SeededGenerator(seed: stableHash(number, seed: seed))
        var place = random.unit() * present.reduce(0) { $0 + shares[$1, default: 0] }
        for kind in present {
            place -= shares[kind, default: 0]
            if place < 0 { return Callee(kind) }
        }
        return Callee(present.last ?? .booksFirstSlot)
    }
}

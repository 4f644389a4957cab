public import FoundationEssentials
public import Jobs

/// One e-mail. Sent at least once: after a crash between the mail server's answer and the end of the job it is sent again
/// with the same Message-ID, by which mail programs recognise a repeated message.
public struct SendEmail: Job, Hashable {
    public static let kind = "send_email"
    /// It carries a person's address and all that they are told.
    public static let sealing = Sealing.whenKeyed
    /// What the reason of one begins with that the mail server refused for good, for what it is or whom it goes to.
    static let refusal = "refused: "
    public var email: Email
    /// The e-mail is only sent while this meeting is confirmed.
    public var meetingID: Int64?
    /// And only while the meeting has not been changed since: another e-mail says what is so now.
    public var meetingSequence: Int?
    public init(_ email: Email, meetingID: Int64? = nil, meetingSequence: Int? = nil) {
        self.email = email
        self.meetingID = meetingID
        self.meetingSequence = meetingSequence
    }
    enum CodingKeys: String, CodingKey {
        case email
        case meetingID = "meeting_id"
        case meetingSequence = "meeting_sequence"
    }

    /// The queue's options for this e-mail: one waiting job for each purpose.
    public var options: JobOptions {
        var options = Self.defaults
        options.uniqueKey = "email:\(email.purpose)"
        return options
    }
}

/// Reminds the guest of a meeting a day before it, if it still stands then.
public struct RemindGuest: Job, Hashable {
    public static let kind = "remind_guest"
    public var meetingID: Int64
    /// Of the meeting's changes: one that was moved since has another reminder. Nil in jobs of earlier versions.
    public var sequence: Int?
    public init(meetingID: Int64, sequence: Int = 0) {
        self.meetingID = meetingID
        self.sequence = sequence
    }
    enum CodingKeys: String, CodingKey {
        case meetingID = "meeting_id"
        case sequence
    }

    /// "reminder:17", and after the second change "reminder:17:2".
    var name: String { "reminder:\(meetingID)" + (sequence.map { $0 > 0 ? ":\($0)" : "" } ?? "") }

    /// The queue's options for a meeting that starts at `start`: a day before it.
    public func options(meetingStartsAt start: Date) -> JobOptions {
        var options = Self.defaults
        options.runAt = start.addingTimeInterval(-86_400)
        options.uniqueKey = name
        return options
    }
}

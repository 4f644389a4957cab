/// How the guest of a meeting is told of it, and of its changes.
public enum GuestInvitation: String, Sendable, Hashable {
    /// The calendar invites and tells them.
    case calendar
    /// We do, by mail.
    case mail
    /// Nobody does: the calendar cannot, and there is no mail server.
    case none
}

extension CallServices {
    /// How guests are invited here.
    public var invitation: GuestInvitation {
        if let statedInvitation { return statedInvitation }
        if calendar.invitesGuests { return .calendar }
        return mailer == nil ? .none : .mail
    }

    /// How the guest of this meeting was, and is told of its changes.
    func invitation(of meeting: Meeting) -> GuestInvitation {
        if let statedInvitation { return statedInvitation }
        if meeting.isInvitedByMail { return mailer == nil ? .none : .mail }
        return calendar.invitesGuests ? .calendar : .none
    }
}

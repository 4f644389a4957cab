public import FoundationEssentials
import Platform

/// One event as an iCalendar object (RFC 5545), to be sent by mail (RFC 5546, RFC 6047).
public struct CalendarObject: Sendable, Hashable {
    public enum Method: String, Sendable {
        /// For information: no answer is expected. Needs no organizer.
        case publish = "PUBLISH"
        case request = "REQUEST"
        case cancel = "CANCEL"
    }
    public var method: Method
    /// The event's identity: every version of it, and its cancellation, has the same.
    public var uid: String
    /// Grows with every version that the guest is sent.
    public var sequence = 0
    /// When this version was made.
    public var stamp: Date
    public var startsAt: Date
    public var endsAt: Date
    public var summary: String
    public var notes: String?
    public var location: String?
    public var organizer: MailAddress?
    public var guest: MailAddress?

    public init(
        _ method: Method, uid: String, stamp: Date, startsAt: Date, endsAt: Date, summary: String
    ) {
        self.method = method
        self.uid = uid
        self.stamp = stamp
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.summary = summary
    }

    /// With CRLF lines, times in UTC.
    public var text: String {
        var lines = [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Operadora//EN", "METHOD:\(method.rawValue)", "BEGIN:VEVENT",
            "UID:\(Self.escape(uid))", "SEQUENCE:\(sequence)", "DTSTAMP:\(Self.time(stamp))",
            "DTSTART:\(Self.time(startsAt))", "DTEND:\(Self.time(endsAt))", "SUMMARY:\(Self.escape(summary))",
        ]
        if let notes { lines.append("DESCRIPTION:\(Self.escape(notes))") }
        if let location { lines.append("LOCATION:\(Self.escape(location))") }
        if let organizer { lines.append("ORGANIZER\(Self.commonName(organizer)):mailto:\(organizer.address)") }
        if let guest {
            let role = ";ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
            lines.append("ATTENDEE\(Self.commonName(guest))\(method == .request ? role : ""):mailto:\(guest.address)")
        }
        lines += ["STATUS:\(method == .cancel ? "CANCELLED" : "CONFIRMED")", "END:VEVENT", "END:VCALENDAR"]
        return lines.map(Self.fold).joined()
    }

    /// "20261124T150000Z"
    private static func time(_ date: Date) -> String {
        Zone.utc.iso8601(date).prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    /// RFC 5545, 3.3.11. Control characters have no escape and are left out.
    private static func escape(_ text: String) -> String {
        var escaped = ""
        // By scalars: a comma that makes one character with the letter before it parts values all the same.
        for scalar in text.replacing("\r\n", with: "\n").unicodeScalars {
            switch scalar {
            case "\n", "\r": escaped += "\\n"
            case "\\", ";", ",": escaped += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: continue
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A parameter's value has no backslashes: RFC 6868 says how a quote is written.
    private static func commonName(_ address: MailAddress) -> String {
        guard let name = address.name else { return "" }
        let escaped = name.unicodeScalars.map { $0 == "^" ? "^^" : $0 == "\"" ? "^'" : String($0) }
        return ";CN=\"\(escaped.joined())\""
    }

    /// A line over 75 bytes goes on in the next one, which begins with a space; no character is cut in two.
    private static func fold(_ line: String) -> String {
        var folded = ""
        var width = 0
        for scalar in line.unicodeScalars {
            let size = String(scalar).utf8.count
            if width + size > 75 {
                folded += "\r\n "
                width = 1
            }
            folded.unicodeScalars.append(scalar)
            width += size
        }
        return folded + "\r\n"
    }
}

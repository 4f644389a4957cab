/// One message and where it goes (RFC 5321); the headers inside the message do not matter to its way.
public struct MailEnvelope: Sendable {
    public var sender: String
    public var recipients: [String]
    /// The whole message, CRLF lines, headers included.
    public var message: [UInt8]

    public init(sender: String, recipients: [String], message: [UInt8]) {
        self.sender = sender
        self.recipients = recipients
        self.message = message
    }

    /// Refuses what would let an address speak to the server.
    func check(_ server: MailServer) throws(HTTPError) {
        let label = "mail through \(server.host):\(server.port)"
        guard !recipients.isEmpty else {
            throw HTTPError(.badURL, "\(label): the mail has no recipient", requestWasSent: false)
        }
        for address in recipients + [sender] where !Self.isSafe(address) {
            throw HTTPError(.badURL, "\(label): an address has characters that may not be sent", requestWasSent: false)
        }
    }

    private static func isSafe(_ address: String) -> Bool {
        !address.isEmpty && address.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"<>".utf8.contains($0) }
    }
}

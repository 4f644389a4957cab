import Agents
import FoundationEssentials
import Jobs
import Platform
import Postgres

/// `schedule_meeting`: mails the link where callers book for themselves, once for each address and language of a call.
///
/// The mail is a job, so that it is sent whatever dies; the result says that it was sent only when the mail server has taken
/// it, and else that it is on its way.
struct ScheduleMeetingTool: Tool {
    static let name = "schedule_meeting"
    /// A call is over by then: repeating it in the same call finds the first mail.
    private static let repeatedWithin: Duration = .seconds(86_400)

    private let services: CallServices
    private let state: TurnState
    /// How long the mail server is waited for, with somebody on the line.
    private let patience: Duration
    let timeout: Duration = .seconds(10)
    /// The job's unique key lets it be done again.
    let isRetrySafe = true

    /// Nil when there is no link, or no server to mail it through.
    init?(services: CallServices, state: TurnState, patience: Duration = .seconds(6)) {
        guard services.mailer != nil, !services.settings.bookingLinks.isEmpty else { return nil }
        self.services = services
        self.state = state
        self.patience = patience
    }

    var description: ToolDescription { Self.about }

    private static let about = ToolDescription(
        name: name,
        description:
            "Mails a link where the caller can pick a time by themselves. Use it when they ask for a link or for an e-mail; "
            + "it books nothing.",
        parameters: [
            "type": "object",
            "properties": [
                "email": SpokenEmail.schema,
                "language": [
                    "type": "string", "minLength": 2, "maxLength": 35,
                    "description": "Language of the mail and of the page: es, en or pt; es unless given",
                ],
            ],
            "required": ["email"],
            "additionalProperties": false,
        ])

    func execute(_ arguments: JSON) async throws -> ToolResult {
        guard let address = SpokenEmail.address(arguments["email"]?.string ?? "") else {
            return SpokenEmail.refusal("email")
        }
        let language = Self.language(arguments["language"]?.string)
        let job = SendEmail(email(to: address, language))
        var options = job.options
        options.uniqueFor = Self.repeatedWithin
        options.isAwaited = true
        // Before mails that nobody waits for.
        options.priority = 10
        let id = try await services.queue.enqueue(job, options)
        let ended = try await services.queue.result(of: id, within: patience)
        if ended == nil, try await hasFailedOnce(id) {
            return Self.notSent(
                "the mail server did not take the mail yet; it is tried again by itself, and may still arrive")
        }
        return try result(ended, address, language)
    }

    /// Whether the mail server was asked already, and did not take it. Of a worker that was lost nobody knows.
    private func hasFailedOnce(_ id: JobID) async throws -> Bool {
        let rows = try await services.postgres.query(
            "SELECT coalesce(error <> 'its worker was lost', false) FROM jobs WHERE id = \(id)")
        return try rows.first?.decode(Bool.self) ?? false
    }

    /// "en", "en-US", "PT"; any other is Spanish.
    static func language(_ code: String?) -> Language {
        let primary = (code ?? "").lowercased().prefix { $0 != "-" && $0 != "_" }
        return Language(rawValue: String(primary)) ?? .spanish
    }

    private func email(to address: String, _ language: Language) -> Email {
        // No address in a key: keys stand in the open, sealed jobs or not.
        let digest = Cryptography.sha256(address.lowercased().utf8).prefix(12).hexadecimal
        return BookingLinkMail(
            link: link(language), language: language, recipient: address, recipientName: state.lead?.name,
            purpose: "booking-link:\(state.call.key):\(language.rawValue):\(digest)"
        ).email
    }

    /// A language without a link gets the Spanish one.
    private func link(_ language: Language) -> String {
        let links = services.settings.bookingLinks
        return links[language.rawValue] ?? links[Language.spanish.rawValue] ?? links.min { $0.key < $1.key }?.value
            ?? ""
    }

    private func result(_ ended: JobResult?, _ address: String, _ language: Language) throws -> ToolResult {
        switch ended?.state {
        case .completed: return success(address, language, isSent: true)
        case nil: return success(address, language, isSent: false)
        case .lost: throw ToolError("the mail could not be handed over just now", isTransient: true)
        case .failed where ended?.error?.hasPrefix(SendEmail.refusal) == true:
            return MeetingTools.refusal(
                "not_sent",
                "the mail was not sent: it was not accepted for \(address). Read the address back, and ask for another one"
            )
        case .failed, .cancelled, .expired: return Self.notSent("the mail could not be sent")
        }
    }

    /// For a reason that is none of the caller's.
    private static func notSent(_ problem: String) -> ToolResult {
        MeetingTools.refusal(
            "not_sent",
            "\(problem). Nothing is wrong with the address: do not ask for another one, and do not say that it was sent; offer "
                + "that a colleague will get in touch")
    }

    private func success(_ address: String, _ language: Language, isSent: Bool) -> ToolResult {
        let message =
            switch (language, isSent) {
            case (.english, true): "The mail with the booking link was sent to \(address)"
            case (.english, false): "The mail with the booking link is on its way to \(address), and not sent yet"
            case (.spanish, true): "Se envió a \(address) el correo con el enlace para agendar"
            case (.spanish, false): "El correo con el enlace va en camino a \(address), todavía no se ha enviado"
            case (.portuguese, true): "O e-mail com o link para marcar a reunião foi enviado para \(address)"
            case (.portuguese, false): "O e-mail com o link está a caminho de \(address), ainda não foi enviado"
            }
        return ToolResult(
            success: true,
            value: [
                "success": true, "sent": .bool(isSent), "email": .string(address),
                "language": .string(language.rawValue),
                "message": .string(message),
            ])
    }
}

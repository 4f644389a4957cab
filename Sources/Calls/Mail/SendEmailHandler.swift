import FoundationEssentials
import Jobs
import Platform
import Postgres

/// Hands e-mails to the mail server, at least once each (`SendEmail`).
struct SendEmailHandler: Sendable {
    private let services: CallServices
    init(_ services: CallServices) { self.services = services }

    func handle(_ job: SendEmail, context: JobContext) async throws -> JobOutcome {
        guard let mailer = services.mailer else {
            return .failed(reason: "no mail server is configured; set SMTP_SERVER")
        }
        if let meetingID = job.meetingID {
            let rows = try await services.postgres.query(
                "SELECT FROM meetings WHERE id = \(meetingID) AND status = 'confirmed'")
            if rows.isEmpty { return .cancelled(reason: "meeting \(meetingID) is not confirmed any more") }
        }
        try await mailer.send(job.email)
        return .completed()
    }
}

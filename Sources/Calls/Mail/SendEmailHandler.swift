import FoundationEssentials
import Jobs
import Platform
import Postgres
import Providers

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
                """
                SELECT FROM meetings WHERE id = \(meetingID) AND status = 'confirmed'
                    AND sequence = coalesce(\(job.meetingSequence)::integer, sequence)
                """)
            if rows.isEmpty {
                return .cancelled(reason: "meeting \(meetingID) is not confirmed any more, or was moved")
            }
        }
        do {
            try await mailer.send(job.email, logger: services.logger)
        } catch let error as MailError where error.code == .refused {
            // The same again would be refused again.
            return .failed(reason: SendEmail.refusal + error.description)
        } catch let error as MailMessageError {
            return .failed(reason: error.description)
        }
        return .completed()
    }
}

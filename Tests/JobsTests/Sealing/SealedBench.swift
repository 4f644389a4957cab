import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

/// A job whose arguments and result nobody is to read.
struct Confidential: Job {
    static let kind = "confidential"
    static let sealing = Sealing.always
    var name = Self.secret

    static let secret = "rosebud"
}

extension JobBench {
    /// The bench's queue for a process that has these keys: their names, the sealing one first. A name stands for the same bytes
    /// in all processes, unless it is given others.
    func queue(keys: String..., bytes: UInt8 = 0) throws -> JobQueue {
        let texts = keys.map { name in
            let fill = name.utf8.reduce(bytes, &+)
            return "\(name):\(Data(repeating: fill, count: 32).base64EncodedString())"
        }
        return JobQueue(client, keys: try Keyring(Secret(texts.joined(separator: ","))), logger: logger)
    }

    /// Everything that the database has of jobs, as text.
    func allRows() async throws -> String {
        try await value(
            """
            SELECT coalesce((SELECT string_agg(jobs::text, '\n') FROM jobs), '')
                || coalesce((SELECT string_agg(finished_jobs::text, '\n') FROM finished_jobs), '')
            """)
    }

    /// Nil when it has ended.
    func error(of id: JobID) async throws -> String? {
        try await column("SELECT coalesce(error, '') FROM jobs WHERE id = \(id)", String.self).first
    }
}

import Glibc
import Platform
import Postgres
import TestSupport
import Testing

/// `operadora worker` and the signals that a deploy, an operator or a machine sends it.
@Suite("Stopping a worker", .timeLimit(.minutes(3)))
struct StopTests {
    /// A database, a mail server that keeps its clients waiting, and workers that send mail.
    private struct Rig: Sendable {
        let database: TestDatabase
        let mail: SlowMailServer

        static func with(_ body: (Rig) async throws -> Void) async throws {
            let rig = Rig(database: try await TestDatabase.make(), mail: try SlowMailServer())
            defer { rig.mail.close() }
            try await body(rig)
            await rig.database.client.close()
        }

        func worker() throws -> Executable {
            try Executable(
                ["worker"],
                [
                    "DATABASE_URL": database.connectionString, "PUBLIC_URL": "http://127.0.0.1:1",
                    "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM_NUMBER": "+12125550123",
                    "OPENAI_API_KEY": "k", "CALENDAR_PROVIDER": "local", "LOG_FORMAT": "text",
                    "SMTP_SERVER": "127.0.0.1", "SMTP_PORT": "\(mail.port)", "SMTP_TLS": "off",
                    "FROM_EMAIL": "calls@example.com", "WORKER_QUEUES": "default:4",
                    "WORKER_HEARTBEAT_SECONDS": "0.2", "WORKER_DEAD_AFTER_SECONDS": "2",
                ])
        }

        /// Enqueues a mail and returns its job.
        func send(_ purpose: String) async throws -> Int64 {
            let email = """
                {"email": {"purpose": "\(purpose)", "to": "guest@example.com", "subject": "s", "text": "t"}}
                """
            return try await database.client.query("SELECT enqueue_job('send_email', \(email)::jsonb)")[0]
                .decode(Int64.self)
        }

        /// Starts a worker that is busy with a mail.
        func busyWorker() async throws -> (worker: Executable, job: Int64) {
            let worker = try worker()
            let job = try await send("first")
            try await until { mail.senders == 1 }
            return (worker, job)
        }

        /// Asks again and again until the answer is yes.
        func until(_ condition: () async throws -> Bool) async throws {
            let isTrue = try await eventually(within: .seconds(60), condition)
            try #require(isTrue)
        }

        func holds(_ condition: PostgresQuery) async throws -> Bool {
            try await database.client.query(condition)[0].decode(Bool.self)
        }
    }

    @Test("On SIGTERM it claims nothing more, finishes what it runs, and leaves nothing behind")
    func drain() async throws {
        try await Rig.with { rig in
            let (worker, job) = try await rig.busyWorker()
            worker.process.signal(SIGTERM)
            try await rig.until { try await rig.holds("SELECT bool_and(stopping) FROM workers") }
            let next = try await rig.send("second")
            rig.mail.open()
            #expect(try await worker.process.exit() == .status(0))
            #expect(
                try await rig.holds(
                    "SELECT state = 'completed' AND attempt = 1 FROM finished_jobs WHERE id = \(job)"))
            #expect(try await rig.holds("SELECT state = 'available' AND attempt = 0 FROM jobs WHERE id = \(next)"))
            #expect(try await rig.holds("SELECT NOT EXISTS (SELECT FROM workers)"))
            #expect(rig.mail.delivered == 1)
        }
    }

    @Test("What does not end in time is given back unspent")
    func handBack() async throws {
        try await Rig.with { rig in
            let (worker, job) = try await rig.busyWorker()
            let asked = Stopwatch()
            worker.process.signal(SIGTERM)
            #expect(try await worker.process.exit() == .status(0))
            // Promised are 20 s; the mail server would have had a minute.
            #expect(asked.elapsed < .seconds(30))
            #expect(rig.mail.delivered == 0)
            #expect(
                try await rig.holds(
                    "SELECT state = 'available' AND attempt = 0 AND rescues = 0 FROM jobs WHERE id = \(job)"))
            #expect(try await rig.holds("SELECT NOT EXISTS (SELECT FROM workers)"))
        }
    }

    @Test("On a second signal it stops at once, and what it ran is rescued", arguments: [SIGTERM, SIGINT])
    func secondSignal(_ second: Int32) async throws {
        try await Rig.with { rig in
            let (worker, job) = try await rig.busyWorker()
            worker.process.signal(SIGTERM)
            try await rig.until { try await rig.holds("SELECT bool_and(stopping) FROM workers") }
            worker.process.signal(second)
            #expect(try await worker.process.exit() == .status(128 + second))
            // Neither finished nor given back: there was no time for that.
            #expect(try await rig.holds("SELECT state = 'running' FROM jobs WHERE id = \(job)"))

            let other = try rig.worker()
            rig.mail.open()
            try await rig.until {
                try await rig.holds("SELECT EXISTS (SELECT FROM finished_jobs WHERE id = \(job))")
            }
            #expect(
                try await rig.holds(
                    """
                    SELECT state = 'completed' AND attempt = 2 AND rescues = 1 FROM finished_jobs WHERE id = \(job)
                    """))
            other.process.signal(SIGTERM)
            #expect(try await other.process.exit() == .status(0))
        }
    }

    @Test("Frozen past several heartbeats, but not for dead, it goes on as if nothing had been")
    func shortFreeze() async throws {
        try await Rig.with { rig in
            let (worker, job) = try await rig.busyWorker()
            worker.process.signal(SIGSTOP)
            try await rig.until {
                try await rig.holds(
                    "SELECT clock_timestamp() - heartbeat_at > interval '1 s' FROM workers")
            }
            worker.process.signal(SIGCONT)
            rig.mail.open()
            try await rig.until {
                try await rig.holds(
                    """
                    SELECT EXISTS (SELECT FROM finished_jobs WHERE id = \(job) AND attempt = 1 AND rescues = 0)
                    """)
            }
            #expect(rig.mail.delivered == 1)
            worker.process.signal(SIGTERM)
            #expect(try await worker.process.exit() == .status(0))
        }
    }

    @Test("Frozen for longer than the others wait, it comes back under a new id, and its late end changes nothing")
    func longFreeze() async throws {
        try await Rig.with { rig in
            let (frozen, job) = try await rig.busyWorker()
            let old = try await rig.database.client.query("SELECT id FROM workers")[0].decode(Int64.self)
            frozen.process.signal(SIGSTOP)
            let other = try rig.worker()
            // The other one has it, and is as busy with it.
            try await rig.until { rig.mail.senders == 2 }
            frozen.process.signal(SIGCONT)
            try await rig.until { try await rig.holds("SELECT count(*) = 2 AND min(id) > \(old) FROM workers") }
            rig.mail.open()
            try await rig.until {
                try await rig.holds("SELECT EXISTS (SELECT FROM finished_jobs WHERE id = \(job))")
            }
            for worker in [frozen, other] {
                worker.process.signal(SIGTERM)
                #expect(try await worker.process.exit() == .status(0))
            }
            #expect(
                try await rig.holds(
                    """
                    SELECT count(*) = 1 AND bool_and(state = 'completed' AND worker > \(old) AND rescues = 1)
                    FROM finished_jobs WHERE id = \(job)
                    """))
        }
    }
}

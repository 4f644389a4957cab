import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls
@testable import Jobs

@Suite("Mail")
struct MailTests {
    private let email = Email(purpose: "test:1", to: "ana@example.com", subject: "Hello", text: "Hi")

    private func meeting(_ bench: CallBench, startsIn interval: String, status: String = "confirmed") async throws
        -> Int64
    {
        try await bench.value(
            """
            INSERT INTO meetings (calendar_id, event_key, calendar_event_id, calendar_link, title, guest_name, guest_email,
                starts_at, ends_at, status)
            VALUES ('primary', gen_random_uuid()::text, gen_random_uuid()::text, 'https://calendar.example/1', 'Demo', 'Ana',
                'ana@example.com', now() + \(interval)::interval, now() + \(interval)::interval + interval '30 min',
                \(status))
            RETURNING id
            """)
    }

    @Test("An e-mail that the server refuses is tried again, and sent once")
    func retry() async throws {
        let bench = try await CallBench()
        bench.mailer.refuseNext(2)
        let job = SendEmail(email)
        try await bench.services.queue.enqueue(job, job.options)
        for _ in 0..<3 {
            try await bench.hasten()
            try await bench.runAll()
        }
        #expect(bench.mailer.sent == [email])
        #expect(try await bench.jobs("send_email") == 0)
    }

    @Test(
        "A server that takes nothing is asked ten times, within about 40 minutes; then the mail is a dead letter, and a retry sends it"
    )
    func dies() async throws {
        let bench = try await CallBench()
        var registry = JobRegistry()
        CallJobs.register(in: &registry, services: bench.services)
        let policy = try #require(registry.kinds[SendEmail.kind]).retry
        let waits = (1..<10).map(policy.delay).reduce(.zero, +)
        // 5 s, doubled eight times, and a quarter of it at most added or taken away.
        #expect((0.75 * 2_555...1.25 * 2_555).contains(waits / .seconds(1)))

        bench.mailer.refuseNext(10)
        let job = SendEmail(email)
        let id = try await bench.services.queue.enqueue(job, job.options)
        for attempt in 1...10 {
            #expect(try await bench.value("SELECT count(*) FROM dead_jobs") == 0, "before attempt \(attempt)")
            try await bench.hasten()
            try await bench.runAll()
        }
        #expect(try await bench.value("SELECT id FROM dead_jobs") == id)
        #expect(bench.mailer.sent.isEmpty)
        try await bench.services.queue.retry(id)
        try await bench.runAll()
        #expect(bench.mailer.sent == [email])
    }

    @Test("With a key the database shows neither to whom an e-mail goes nor what it says, and it is sent")
    func sealed() async throws {
        let key = Data(repeating: 7, count: 32).base64EncodedString()
        let bench = try await CallBench(keys: try Keyring(Secret("a:\(key)")))
        let job = SendEmail(email)
        try await bench.services.queue.enqueue(job, job.options)
        let row: String = try await bench.value("SELECT jobs::text FROM jobs")
        #expect(row.contains("sealed") && row.contains("email:test:1"))
        #expect(!row.contains(email.to) && !row.contains(email.subject))
        try await bench.runAll()
        #expect(bench.mailer.sent == [email])
        let ended: String = try await bench.value("SELECT finished_jobs::text FROM finished_jobs")
        #expect(ended.contains("sealed") && !ended.contains(email.to))
    }

    @Test("One purpose has one waiting e-mail")
    func purpose() async throws {
        let bench = try await CallBench()
        let job = SendEmail(email)
        let first = try await bench.services.queue.enqueue(job, job.options)
        #expect(try await bench.services.queue.enqueue(job, job.options) == first)
    }

    @Test("An e-mail about a meeting is not sent when the meeting does not stand any more")
    func cancelled() async throws {
        let bench = try await CallBench()
        for status in ["cancelled", "failed"] {
            let job = SendEmail(email, meetingID: try await meeting(bench, startsIn: "1 h", status: status))
            try await bench.services.queue.enqueue(job, job.options)
            try await bench.runAll()
        }
        #expect(bench.mailer.sent.isEmpty)
        #expect(try await bench.jobs("send_email") == 0)
    }

    @Test("A guest is reminded of a confirmed meeting, of no other, and only the day before")
    func reminder() async throws {
        let bench = try await CallBench()
        let tomorrow = try await meeting(bench, startsIn: "23 h")
        let cancelled = try await meeting(bench, startsIn: "26 h", status: "cancelled")
        let moved = try await meeting(bench, startsIn: "80 h")
        for id in [tomorrow, cancelled, moved] {
            try await bench.services.queue.enqueue(RemindGuest(meetingID: id))
        }
        try await bench.runAll()
        #expect(bench.mailer.sent.map(\.purpose) == ["reminder:\(tomorrow)"])
        let sent = try #require(bench.mailer.sent.first)
        #expect(sent.to == "ana@example.com")
        #expect(sent.text.contains("Demo") && sent.text.contains("https://calendar.example/1"))
        let waits: Double = try await bench.value("SELECT extract(epoch FROM run_at - now())::float8 FROM jobs")
        #expect((55 * 3_600...56 * 3_600).contains(waits))
    }
}

import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("Launching")
struct LaunchTests {
    @Test("A time zone that the schema takes is one that this process knows; rules and abbreviations are refused")
    func timeZones() async throws {
        let bench = try await CallBench()
        let names = try await bench.query(
            "SELECT name FROM pg_timezone_names WHERE is_time_zone(name) AND name !~ '^(posix|right)/'"
        ).map { try $0.decode(String.self) }
        #expect(names.count > 400)
        #expect(names.filter { Zone(identifier: $0) == nil } == [])
        for wrong in ["CST", "EST5EDT", "America/Nowhere6", "America/Mexico_City+6", "Foo/Bar", "Foo/Bar5Baz", ""] {
            let isTaken: Bool = try await bench.value("SELECT is_time_zone(\(wrong))")
            #expect(!isTaken, "\(wrong)")
            #expect(Zone(identifier: wrong) == nil, "\(wrong)")
        }
    }

    @Test("A campaign of a name and a lead of a phone are all that a launcher must give")
    func minimum() async throws {
        let bench = try await CallBench()
        try await bench.query("INSERT INTO campaigns (name) VALUES ('Spring')")
        try await bench.query("INSERT INTO leads (campaign_id, phone) SELECT id, '+15551234567' FROM campaigns")
        try await bench.query("SELECT enqueue_call(id) FROM leads")
        try await bench.runAll()
        #expect(bench.telephony.dialled.map(\.to) == ["+15551234567"])
        #expect(try await bench.value("SELECT status FROM campaigns") == "running")
    }

    @Test("Launching enqueues every new lead once, in their order; launching again only those that came since")
    func launch() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("status = 'draft'")
        for _ in 0..<5 { _ = try await bench.lead(campaign) }
        #expect(try await bench.value(Int.self, "SELECT launch_campaign(\(campaign))") == 5)
        #expect(try await bench.value(Int.self, "SELECT launch_campaign(\(campaign))") == 0)
        let isInOrder: Bool = try await bench.value(
            "SELECT array_agg(lead_id ORDER BY job_id) = array_agg(lead_id ORDER BY lead_id) FROM calls")
        #expect(isInOrder)
        _ = try await bench.lead(campaign)
        #expect(try await bench.value(Int.self, "SELECT launch_campaign(\(campaign))") == 1)
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls JOIN jobs ON jobs.id = job_id") == 6)
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM leads WHERE status = 'queued'") == 6)
    }

    @Test("The work of a launcher exists exactly if its transaction commits")
    func rollback() async throws {
        struct ChangedItsMind: Error {}
        let bench = try await CallBench()
        let campaign = try await bench.campaign("status = 'draft'")
        _ = try await bench.lead(campaign)
        await #expect(throws: ChangedItsMind.self) {
            try await bench.database.client.withTransaction { connection in
                try await connection.query("SELECT launch_campaign(\(campaign))")
                throw ChangedItsMind()
            }
        }
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 0)
        #expect(try await bench.jobs("initiate_call") == 0)
        #expect(try await bench.value("SELECT status FROM campaigns") == "draft")
    }

    @Test("A lead with a call that waits or is under way is not called anew, at any moment of that call")
    func repetition() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        let call = try await bench.queuedCall(campaign)
        let lead: Int64 = try await bench.value("SELECT id FROM leads")
        #expect(try await bench.value(Int64?.self, "SELECT enqueue_call(\(lead))") == nil)
        try await bench.runAll()
        #expect(try await bench.value(Int64?.self, "SELECT enqueue_call(\(lead))") == nil)
        try await bench.query("SELECT end_call(\(call), provider_status => 'busy')")
        #expect(try await bench.value(Int64?.self, "SELECT enqueue_call(\(lead))") != nil)
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 2)
    }

    @Test("Twenty launchers of one lead at the same time make one call")
    func race() async throws {
        let bench = try await CallBench()
        let lead = try await bench.lead(bench.campaign())
        let jobs = try await withThrowingTaskGroup(of: Int64?.self) { group in
            for _ in 0..<20 { group.addTask { try await bench.value(Int64?.self, "SELECT enqueue_call(\(lead))") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(jobs.compactMap { $0 }.count == 1)
        #expect(try await bench.jobs("initiate_call") == 1)
    }

    @Test("Launching while single calls are enqueued makes one call to each lead")
    func mixedRace() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        var leads: [Int64] = []
        for _ in 0..<10 { leads.append(try await bench.lead(campaign)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lead in leads { group.addTask { try await bench.query("SELECT enqueue_call(\(lead))") } }
            for _ in 0..<3 { group.addTask { try await bench.query("SELECT launch_campaign(\(campaign))") } }
            try await group.waitForAll()
        }
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 10)
        #expect(try await bench.jobs("initiate_call") == 10)
    }

    @Test("Leads on do_not_call are left out of a launch, and a campaign of nobody else is complete")
    func doNotCall() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("status = 'draft', redial = '{}'")
        _ = try await bench.lead(campaign, phone: "+15551234567")
        _ = try await bench.lead(campaign)
        try await bench.query("INSERT INTO do_not_call (phone) VALUES ('+15551234567')")
        #expect(try await bench.value(Int.self, "SELECT launch_campaign(\(campaign))") == 1)
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM leads WHERE status = 'do_not_call'") == 1)
        try await bench.runAll()
        try await bench.query("SELECT end_call(id) FROM calls")
        try await bench.runAll()
        #expect(try await bench.value("SELECT status FROM campaigns") == "completed")
    }

    @Test("A paused campaign stays paused when it is launched again; its new leads wait")
    func paused() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("status = 'paused'")
        _ = try await bench.lead(campaign)
        #expect(try await bench.value(Int.self, "SELECT launch_campaign(\(campaign))") == 1)
        try await bench.runAll()
        #expect(try await bench.value("SELECT status FROM campaigns") == "paused")
        #expect(bench.telephony.dialled.isEmpty)
    }

    @Test("What does not exist is named, with a SQLSTATE of class 23")
    func unknown() async throws {
        let bench = try await CallBench()
        for function in ["enqueue_call", "launch_campaign", "pause_campaign", "resume_campaign"] {
            let error = await #expect(throws: PostgresError.self) {
                try await bench.query("SELECT \(unsafe: function)(4711)")
            }
            #expect(error?.sqlState == "23503", "\(function)")
            #expect(error?.message.contains("4711") == true, "\(function)")
        }
    }

    @Test("Ten thousand leads are launched in one statement, each with a call and a job that name each other")
    func many() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("status = 'draft'")
        try await bench.query(
            """
            INSERT INTO leads (campaign_id, phone)
            SELECT \(campaign), '+1555' || lpad(i::text, 7, '0') FROM generate_series(1, 10000) AS i
            """)
        #expect(try await bench.value(Int.self, "SELECT launch_campaign(\(campaign))") == 10_000)
        #expect(
            try await bench.value(
                Int.self,
                "SELECT count(*) FROM calls JOIN jobs ON jobs.id = job_id AND (arguments ->> 'call_id')::bigint = calls.id"
            )
                == 10_000)
    }
}

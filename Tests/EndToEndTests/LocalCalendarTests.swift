import Foundation
import HTTP
import Platform
import Postgres
import Simulators
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct LocalCalendarTests {
    private struct Booked: Sendable, Hashable {
        var key: String
        var guest: String
        /// As an iCalendar object writes it.
        var start: String
    }

    @Test(
        "A campaign without Google ends with meetings in the table, each guest invited once by mail and to be reminded once",
        .enabled(if: PythonPeer.isExpected))
    func campaign() async throws {
        let booked = Mutex<[Booked]>([])
        var rules = MailPeer.Rules()
        rules.demandsLogin = true
        let messages = try await MailPeer.run(rules) { peer, _ in
            let rig = try await Self.rig(peer)
            let campaign = try await Campaign(in: rig, leads: 60, maximumConcurrentCalls: 20)
            #expect(try await campaign.launch() == 60)
            for try await unfinished in campaign.progress() where unfinished == 0 { break }
            let outcomes = try await campaign.outcomes()
            #expect(outcomes["meeting_scheduled", default: 0] > 10, "\(outcomes)")
            #expect(rig.providers.twilio.applicationErrors.isEmpty, "no caller hears a provider's error message")
            try await Invariants(rig: rig, campaign: campaign, areMeetingsInGoogle: false).check()
            #expect(rig.providers.google.tokensIssued == 0, "Google is not asked for anything")
            #expect(
                try await eventually(within: .seconds(60)) {
                    try await rig.client.query("SELECT FROM jobs WHERE kind = 'send_email'").isEmpty
                })
            let unreminded = try await rig.client.query(
                """
                SELECT meetings.id FROM meetings
                WHERE status = 'confirmed' AND starts_at > confirmed_at + interval '1 day'
                    AND (SELECT array_agg(run_at) FROM jobs WHERE unique_key = 'reminder:' || meetings.id)
                        IS DISTINCT FROM ARRAY[starts_at - interval '1 day']
                """)
            #expect(unreminded.isEmpty, "a reminder waits for the day before each meeting")
            let rows = try await rig.client.query(
                """
                SELECT event_key, guest_email, to_char(starts_at AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS"Z"')
                FROM meetings WHERE status = 'confirmed'
                """)
            let scheduled = try await rig.client.query("SELECT * FROM calls WHERE outcome = 'meeting_scheduled'").count
            let meetings = try await rig.client.query("SELECT * FROM meetings WHERE calendar_event_id IS NOT NULL")
                .count
            #expect(scheduled == meetings && scheduled == rows.count, "the two queries find what was booked")
            let all = try rows.map { row in
                let (key, guest, start) = try row.decode(String.self, String.self, String.self)
                return Booked(key: key, guest: guest, start: start)
            }
            booked.withLock { $0 = all }
            await rig.stop()
        }
        let invited = messages.map { message in
            let object = message["parts"]?.array?.first { $0["type"] == "text/calendar" }?["text"]?.string ?? ""
            let lines = object.replacing("\r\n ", with: "").split(whereSeparator: \.isNewline)
            func value(_ name: String) -> String {
                lines.first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) } ?? ""
            }
            return Booked(
                key: String(value("UID:").prefix { $0 != "@" }), guest: message["to"]?[0]?.string ?? "",
                start: value("DTSTART:"))
        }
        let meetings = booked.withLock { $0 }
        #expect(invited.count == meetings.count, "each guest is invited once")
        #expect(Set(invited) == Set(meetings), "to what stands in the table")
        #expect(messages.allSatisfy { $0["tls"] == true && $0["user"] == "user" && $0["defects"] == [] })
    }

    private static func rig(_ peer: MailPeer) async throws -> Rig {
        var configuration = SimulatedProviders.Configuration()
        configuration.twilio.callsPerSecond = .infinity
        configuration.twilio.speed = .infinity
        return try await Rig.start(
            workers: 2, providers: configuration,
            environment: [
                "CALENDAR_PROVIDER": "local", "SMTP_SERVER": peer.server.host, "SMTP_PORT": "\(peer.server.port)",
                "EMAIL_USER": "user", "EMAIL_PASSWORD": "right", "FROM_EMAIL": "sales@example.com",
                "SSL_CERT_FILE": peer.server.certificateAuthorityFile ?? "",
            ])
    }
}

import Agents
import FoundationEssentials
import Jobs
import Platform
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Calls

@Suite("Booking in a call")
struct BookingTests {
    /// The latest result of a tool in the scene.
    private func result(_ scene: ConversationScene, _ name: String) async throws -> JSON {
        try await scene.value("SELECT result FROM tool_calls WHERE name = \(name) ORDER BY id DESC LIMIT 1")
    }

    /// Opens the conversation and says that tomorrow is fine.
    private func agree(_ scene: ConversationScene) async throws -> SpokenAnswer {
        _ = try await scene.turn(1)
        return try await scene.turn(2, "Tomorrow is fine")
    }

    @Test("Of two calls that want a time at the same moment one gets it, and the other hears that it is taken")
    func raceForATime() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        let (first, second) = (try await bench.queuedCall(campaign), try await bench.queuedCall(campaign))
        let records = MeetingRecords(bench.services)
        for hour in 1...60 {
            let start = Date(timeIntervalSince1970: 1_900_000_000 + Double(hour) * 3_600)
            func request(_ call: Int64) -> BookingRequest {
                BookingRequest(
                    callID: call, leadID: nil, title: "Demo", guestName: "Ana", guestEmail: "ana@example.com",
                    startsAt: start, endsAt: start + 1_800, language: .english, zone: .utc)
            }
            guard case .made(let meeting) = try await records.reserve(request(first)) else { throw NotReserved() }
            let event = InsertedEvent(id: "event\(hour)", link: nil, startsAt: start, endsAt: start + 1_800)
            let late = request(second)
            async let confirmation = records.confirm(meeting, as: event, invitation: nil)
            async let other = records.reserve(late)
            #expect(try await confirmation?.status == .confirmed)
            guard case .taken = try await other else { throw NotReserved() }
            try await bench.query("DELETE FROM meetings")
        }
    }

    private struct NotReserved: Error {}

    @Test("What the caller agreed to before they hung up is booked, and counts for the outcome")
    func hangsUpWhileBooking() async throws {
        let script = Scripts.booking()
        let ended = Mutex<(@Sendable () async throws -> Void)?>(nil)
        let scene = try await ConversationScene(
            ScriptedModel { request, _ in
                let answer = try await script.respond(to: request)
                // Between the model's wish and its tool.
                if answer.toolCalls.first?.name == BookMeetingTool.name { try await ended.withLock { $0 }?() }
                return answer
            })
        ended.withLock { [scene] hook in
            hook = {
                try await scene.database.client.query(
                    "SELECT end_call(\(scene.callID), provider_status => 'completed')")
            }
        }
        _ = try await agree(scene)
        #expect(scene.calendar.events.count == 1)
        #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
        #expect(try await scene.transcript().count == 3)
        #expect(try await scene.value("SELECT status FROM calls", as: String.self) == "ended")
        var registry = JobRegistry()
        CallJobs.register(in: &registry, services: scene.services)
        try await scene.services.queue.drain(["calls", "default"], with: registry)
        #expect(try await scene.value("SELECT outcome FROM calls", as: String.self) == "meeting_scheduled")
    }

    @Test("A meeting is looked for, booked, and stands in table and calendar alike")
    func books() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        let answer = try await agree(scene)
        #expect(answer.say == "I've booked it.")
        let event = try #require(scene.calendar.events.first)
        let meeting = try #require(try await MeetingRecords(scene.services).ofCall(scene.callID).first)
        #expect(meeting.status == .confirmed)
        #expect(meeting.eventID == event.id)
        #expect(meeting.startsAt == event.startsAt)
        #expect(meeting.title == "Sales Meeting")
        #expect(try await result(scene, BookMeetingTool.name)["meeting_id"]?.string == event.id)
        #expect(try await result(scene, BookMeetingTool.name)["calendar_link"]?.string == event.link)
        let message = try await result(scene, BookMeetingTool.name)["message"]?.string
        #expect(message?.hasPrefix("Successfully booked meeting for Ana Ruiz") == true)
        #expect(try await scene.count("tool_calls", where: "success AND turn_number = 3") == 2)
        #expect(try await scene.value("SELECT model_calls FROM turns WHERE number = 3") == 3)
    }

    @Test(
        "Offered slots are ISO 8601 with offset, said in the lead's language and zone, in the hours of the business's",
        arguments: ["en", "es", "pt"], ["America/Mexico_City", "Europe/Madrid"])
    func offers(_ language: String, _ leads: String) async throws {
        var options = ConversationScene.Options()
        options.language = language
        let scene = try await ConversationScene(Scripts.booking(), options)
        try await scene.database.client.query("UPDATE calls SET timezone = \(leads)")
        _ = try await agree(scene)
        let found = try await result(scene, CheckAvailabilityTool.name)
        let zone = try #require(Zone(identifier: leads))
        #expect(found["timezone"]?.string == leads)
        let slot = try #require(found["available_slots"]?[0])
        guard case .instant(let start) = MeetingTime(slot["datetime"]?.string ?? "", zone: .utc) else {
            return #expect(Bool(false), "\(slot.text)")
        }
        #expect(slot["datetime"]?.string == zone.iso8601(start))
        #expect(slot["end"]?.string == zone.iso8601(start.addingTimeInterval(1_800)))
        #expect(9..<18 ~= TurnFixtures.zone.civilTime(at: start).hour)
        let dates = SpokenDates(language: language, zone: zone, now: start)
        #expect(slot["display"]?.string == dates.say(start))
    }

    @Test("A model that books again, in the same words or others, gets the meeting that there is")
    func booksOnce() async throws {
        let script = Scripts.booking()
        let model = ScriptedModel { request, number in
            // In every later turn it first books the very same slot again, then asks to book it under another title.
            let turns = request.messages.filter { if case .user = $0 { true } else { false } }.count
            guard turns > 1, case .user = request.messages.last else { return try await script.respond(to: request) }
            let slot = Scripts.results(in: request).compactMap { $0["available_slots"]?[0] }.last ?? [:]
            var arguments = try JSON(parsing: Scripts.arguments(slot)).object ?? [:]
            if turns > 2 { arguments["meeting_title"] = "Again" }
            return .calling(BookMeetingTool.name, JSON.object(arguments).text, id: "call_\(number)")
        }
        let scene = try await ConversationScene(model)
        _ = try await agree(scene)
        let first = try await result(scene, BookMeetingTool.name)
        for turn in [4, 6] {
            _ = try await scene.turn(turn, "Did you book it?")
            #expect(try await result(scene, BookMeetingTool.name) == first)
        }
        #expect(try await scene.count("tool_calls", where: "name = 'book_meeting'") == 3)
        #expect(scene.calendar.insertions == 1)
        #expect(try await scene.count("meetings") == 1)
    }

    @Test("A second meeting in the same call is not booked; the model is told of the first")
    func refusesSecond() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await agree(scene)
        let slots = try await result(scene, CheckAvailabilityTool.name)["available_slots"]
        let other = try JSON(parsing: Scripts.arguments(try #require(slots?[1])))
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let tool = BookMeetingTool(meetings: MeetingTools(services: scene.services, state: state))
        let refused = try await tool.execute(other)
        #expect(refused.value["reason"] == "call_has_a_meeting")
        #expect(refused.value["booked_meeting"]?["datetime"] == slots?[0]?["datetime"])
        #expect(scene.calendar.insertions == 1)
    }

    @Test("A lost answer is followed by a question, and the meeting that was made is the one that is booked")
    func survivesLostAnswer() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        scene.calendar.fail(.loseAnswer)
        #expect(try await agree(scene).say == "I've booked it.")
        #expect(scene.calendar.insertions == 1)
        #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
    }

    @Test("A calendar that gives no answer leaves a reservation, and the caller is not told that it is booked")
    func leavesReservation() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        scene.calendar.fail(.fail, .fail)
        #expect(try await agree(scene).say == "Not booked: unconfirmed")
        #expect(try await scene.value("SELECT status FROM meetings") == "reserved")
    }

    @Test("A calendar that refuses frees the time, and the next slots are offered")
    func offersOthers() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        scene.calendar.fail(.refuse)
        #expect(try await agree(scene).say == "Not booked: refused")
        #expect(try await result(scene, BookMeetingTool.name)["available_slots"]?.array?.count == 3)
        #expect(try await scene.value("SELECT status FROM meetings") == "failed")
    }

    @Test("A slot that somebody else took meanwhile is not booked; others are offered")
    func refusesTaken() async throws {
        let scene = try await ConversationScene(
            ScriptedModel { request, _ in
                let results = Scripts.results(in: request)
                if let refusal = results.last(where: { $0["reason"] != nil }) {
                    return ModelResponse(text: refusal.text)
                }
                return .calling(
                    BookMeetingTool.name, Scripts.arguments(["datetime": .string(Self.nextWednesday("10:00:00"))]))
            })
        try await scene.database.client.query(
            """
            INSERT INTO meetings (calendar_id, event_key, title, starts_at, ends_at)
            SELECT 'primary', 'op99999', 'Other', start, start + interval '30 min'
            FROM (VALUES (\(Self.nextWednesday("10:15:00"))::text::timestamptz)) AS taken(start)
            """)
        let said = try JSON(parsing: try await agree(scene).say)
        #expect(said["reason"] == "taken")
        #expect(said["available_slots"]?[0]?["datetime"]?.string == Self.nextWednesday("11:00:00"))
        #expect(scene.calendar.insertions == 0)
    }

    /// That time on the Wednesday after this week's, in Mexico City.
    private static func nextWednesday(_ time: String) -> String {
        let today = TurnFixtures.zone.civilTime(at: .now)
        let day = TurnFixtures.zone.date(of: today.startOfDay(adding: 9 - today.weekday))
        return TurnFixtures.zone.iso8601(day).prefix(11) + time + "-06:00"
    }

    @Test(
        "A time at which no meeting may be held is refused with the reason and with others",
        arguments: [
            ("2020-01-10T10:00:00-06:00", "past"), ("2099-01-08T10:00:00-06:00", "too_far"),
            ("2027-02-30T10:00:00", "no_such_time"), ("someday", "not_understood"),
            (nextWednesday("03:00:00"), "outside_hours"), ("soon", "too_soon"), ("yesterday at 10", "past"),
        ])
    func refusesTimes(_ datetime: String, _ reason: String) async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let tool = BookMeetingTool(meetings: MeetingTools(services: scene.services, state: state))
        let soon = TurnFixtures.zone.iso8601(state.now.addingTimeInterval(600))
        let refused = try await tool.execute([
            "datetime": .string(datetime == "soon" ? soon : datetime), "guest_email": "ana@example.com",
            "guest_name": "Ana",
        ])
        #expect(!refused.success)
        #expect(refused.value["reason"]?.string == reason)
        let slots = try (refused.value["available_slots"]?.array ?? []).map { slot in
            try #require(Self.instant(slot["datetime"]?.string ?? ""))
        }
        #expect(slots.count == 3 && slots.allSatisfy { $0 >= state.now.addingTimeInterval(1_800) })
        #expect(try await scene.count("meetings") == 0)
    }

    @Test("A day without a time, or with one that it does not have, is refused with the next slots of that day")
    func refusesDays() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let tool = BookMeetingTool(meetings: MeetingTools(services: scene.services, state: state))
        let day = String(Self.nextWednesday("").prefix(10))
        for (datetime, reason) in [(day, "not_understood"), (day + "T25:00:00", "no_such_time")] {
            let refused = try await tool.execute([
                "datetime": .string(datetime), "guest_email": "ana@example.com", "guest_name": "Ana",
            ])
            #expect(refused.value["reason"]?.string == reason)
            let first = refused.value["available_slots"]?[0]?["datetime"]?.string
            #expect(first == Self.nextWednesday("09:00:00"), "\(refused.value)")
        }
    }

    @Test("A time without offset is read on the lead's clock, a spoken address as it is meant, a title as it is given")
    func readsNaively() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let tool = BookMeetingTool(meetings: MeetingTools(services: scene.services, state: state))
        let booked = try await tool.execute([
            "datetime": .string(String(Self.nextWednesday("10:00:00").prefix(19))),
            "guest_email": "ana at example dot com", "guest_name": "Ana Ruiz", "duration_minutes": 60,
            "meeting_title": "Product Demo",
        ])
        #expect(booked.value["meeting"]?["datetime"]?.string == Self.nextWednesday("10:00:00"))
        #expect(booked.value["meeting"]?["end"]?.string == Self.nextWednesday("11:00:00"))
        #expect(try await scene.value("SELECT guest_email FROM meetings") == "ana@example.com")
        #expect(try await scene.value("SELECT title FROM meetings") == "Product Demo")
    }

    private static func instant(_ text: String) -> Date? {
        if case .instant(let date) = MeetingTime(text, zone: TurnFixtures.zone) { date } else { nil }
    }

    @Test("Without a calendar of others the meetings table and the business hours are enough")
    func booksLocally() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        var services = scene.services
        services.calendar = LocalCalendar()
        let state = try #require(try await TurnRecords(services).load(scene.callID))
        let meetings = MeetingTools(services: services, state: state)
        let day = JSON.string(String(Self.nextWednesday("").prefix(10)))
        let free = try await CheckAvailabilityTool(meetings: meetings).execute(["preferred_date": day])
        let slot = try #require(free.value["available_slots"]?[0])
        let booked = try await BookMeetingTool(meetings: meetings).execute(try JSON(parsing: Scripts.arguments(slot)))
        #expect(booked.success)
        #expect(try await scene.count("meetings", where: "status = 'confirmed' AND calendar_link IS NULL") == 1)
        let left = try await CheckAvailabilityTool(meetings: meetings).execute(["preferred_date": day])
        #expect(left.value["available_slots"]?.array?.contains(slot) == false)
    }

    @Test("A guest that the calendar cannot invite is sent the event by mail; every guest is reminded")
    func invites() async throws {
        var options = ConversationScene.Options()
        options.hasMailer = true
        let scene = try await ConversationScene(Scripts.saying(), options)
        scene.calendar.fail(.uninvited)
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let tool = BookMeetingTool(meetings: MeetingTools(services: scene.services, state: state))
        let start = Self.nextWednesday("10:00:00")
        _ = try await tool.execute([
            "datetime": .string(start), "guest_email": "ana@example.com", "guest_name": "Ana Ruiz",
        ])
        let email: JSON = try await scene.value("SELECT arguments FROM jobs WHERE kind = 'send_email'")
        #expect(email["email"]?["to"] == "ana@example.com")
        #expect(email["email"]?["calendar"]?.string?.contains("BEGIN:VEVENT") == true)
        let due: Date = try await scene.value("SELECT run_at FROM jobs WHERE kind = 'remind_guest'")
        #expect(due == Self.instant(start)?.addingTimeInterval(-86_400))
    }
}

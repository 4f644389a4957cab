import Agents
import Platform
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Calls

/// A turn is killed at each seam and run again, as another worker would: nothing is done twice, nothing is lost.
@Suite("A worker that dies in the middle of a turn")
struct CrashTests {
    struct Killed: Error {}

    /// Runs the turn until it is cancelled at the point that `reached` waits for.
    private func kill(_ scene: ConversationScene, at reached: @Sendable () async -> Void) async {
        let worker = Task { try await scene.turn(2, "Tomorrow is fine") }
        await reached()
        worker.cancel()
        await #expect(throws: (any Error).self) { try await worker.value }
    }

    /// The turn is run again, and once more after it was answered: one answer, one meeting, one event.
    private func expectOneBooking(_ scene: ConversationScene) async throws {
        let answer = try await scene.turn(2, "Tomorrow is fine")
        #expect(answer == SpokenAnswer(say: "I've booked it.", language: "en", nextTurn: 4, endsCall: false))
        #expect(try await scene.turn(2, "Tomorrow is fine") == answer)
        #expect(scene.calendar.insertions == 1)
        #expect(scene.calendar.events.count == 1)
        #expect(try await scene.count("meetings") == 1)
        #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
        #expect(try await scene.transcript() == ["1 agent greeting", "2 caller", "3 agent answer"])
    }

    @Test("… after the reservation, before the calendar was asked")
    func diesBeforeInsert() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await scene.turn(1)
        scene.calendar.fail(.dieBefore)
        await kill(scene) { await scene.calendar.death() }
        #expect(try await scene.value("SELECT status FROM meetings") == "reserved")
        try await expectOneBooking(scene)
        #expect(try await scene.count("tool_calls", where: "name = 'book_meeting' AND success") == 1)
    }

    @Test("… after the calendar made the event, before its answer arrived")
    func diesAfterInsert() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await scene.turn(1)
        scene.calendar.fail(.dieAfter)
        await kill(scene) { await scene.calendar.death() }
        #expect(scene.calendar.events.count == 1)
        try await expectOneBooking(scene)
    }

    @Test("… and the model then wants another time: what was reserved is settled first, and is the meeting")
    func settlesBeforeAsking() async throws {
        let first = Scripts.booking()
        let changesItsMind = Mutex(false)
        let scene = try await ConversationScene(
            ScriptedModel { request, number in
                guard changesItsMind.withLock({ $0 }), case .user = request.messages.last else {
                    return try await first.respond(to: request)
                }
                let slot = Scripts.results(in: request).compactMap { $0["available_slots"]?[1] }.last ?? [:]
                return .calling(BookMeetingTool.name, Scripts.arguments(slot), id: "call_\(number)")
            })
        _ = try await scene.turn(1)
        scene.calendar.fail(.dieAfter)
        await kill(scene) { await scene.calendar.death() }
        changesItsMind.withLock { $0 = true }
        try await expectOneBooking(scene)
    }

    @Test("… after the meeting was confirmed, before the tool's result was kept")
    func diesBeforeRecord() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await scene.turn(1)
        try await refuseInserts(scene, into: "tool_calls", when: "NEW.name = 'book_meeting'")
        await #expect(throws: PostgresError.self) { try await scene.turn(2, "Tomorrow is fine") }
        #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
        try await allowInserts(scene, into: "tool_calls")
        try await expectOneBooking(scene)
    }

    @Test("… after the tool's result was kept, while the model is asked: the model finds it done")
    func diesAfterRecord() async throws {
        let booking = Scripts.booking()
        let asked = AsyncStream<Void>.makeStream()
        let hold = Mutex(true)
        let model = ScriptedModel { request, _ in
            if hold.withLock({ $0 }), Scripts.results(in: request).contains(where: { $0["meeting_id"] != nil }) {
                asked.continuation.yield()
                try await Task.sleep(for: .seconds(600))
            }
            return try await booking.respond(to: request)
        }
        let scene = try await ConversationScene(model)
        _ = try await scene.turn(1)
        await kill(scene) { for await _ in asked.stream { return } }
        hold.withLock { $0 = false }
        let requests = model.requests.count
        try await expectOneBooking(scene)
        #expect(model.requests.count == requests + 1)
        #expect(try await scene.count("tool_calls") == 2)
    }

    @Test("… while the turn's rows are written")
    func diesInCommit() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await scene.turn(1)
        try await refuseInserts(scene, into: "turns", when: "NEW.role = 'agent'")
        await #expect(throws: PostgresError.self) { try await scene.turn(2, "Tomorrow is fine") }
        #expect(try await scene.transcript() == ["1 agent greeting"])
        try await allowInserts(scene, into: "turns")
        try await expectOneBooking(scene)
    }

    @Test("… or finds at the end of the transaction that the job is no longer its own")
    func losesLease() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await scene.turn(1)
        await #expect(throws: Killed.self) {
            try await scene.turn(2, "Tomorrow is fine") { throw Killed() }
        }
        #expect(try await scene.transcript() == ["1 agent greeting"])
        try await expectOneBooking(scene)
    }

    @Test("A wish not to be called again is committed with its turn, or not at all")
    func keepsWishWhole() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        _ = try await scene.turn(1)
        await #expect(throws: Killed.self) { try await scene.turn(2, "Never call me again") { throw Killed() } }
        #expect(try await scene.count("do_not_call") == 0)
        #expect(try await scene.turn(2, "Never call me again").endsCall)
        #expect(try await scene.count("do_not_call") == 1)
    }

    @Test("Two workers that both believe to own a turn book once and answer once")
    func toleratesTwoWorkers() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await scene.turn(1)
        async let first = try? scene.turn(2, "Tomorrow is fine")
        async let second = try? scene.turn(2, "Tomorrow is fine")
        let answers = await [first, second].compactMap { $0?.say }
        #expect(!answers.isEmpty)
        try await expectOneBooking(scene)
    }

    // MARK: seams in the database

    private func refuseInserts(_ scene: ConversationScene, into table: String, when condition: String) async throws {
        try await scene.database.client.withConnection { connection in
            try await connection.executeScript(
                unsafe: """
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN RAISE EXCEPTION 'the worker died here'; END $$;
                    CREATE TRIGGER dies BEFORE INSERT ON \(table) FOR EACH ROW WHEN (\(condition)) EXECUTE FUNCTION die();
                    """)
        }
    }

    private func allowInserts(_ scene: ConversationScene, into table: String) async throws {
        try await scene.database.client.query("DROP TRIGGER dies ON \(unsafe: table)")
    }
}

import Agents
import FoundationEssentials
import HTTP
import Jobs
import Platform
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Calls

@Suite("A tool that is run by itself")
struct ExecuteToolTests {
    private func enqueue(_ job: ExecuteTool, key: String = "k", _ scene: ConversationScene) async throws -> JobID {
        try await scene.services.queue.enqueue(job, try job.options(idempotencyKey: key))
    }

    private func answer(_ job: ExecuteTool, key: String = "k", _ scene: ConversationScene) async throws -> ToolAnswer {
        let id = try await enqueue(job, key: key, scene)
        let result = try #require(try await scene.services.queue.result(of: id, within: .seconds(20)))
        return try #require(try result.result?.decode(ToolAnswer.self))
    }

    private static func booking(_ time: String = "10:00") -> ExecuteTool {
        ExecuteTool(
            name: BookMeetingTool.name,
            arguments: [
                "datetime": .string(BookedScene.wednesday(time)), "guest_email": "ana@example.com",
                "guest_name": "Ana Ruiz",
            ])
    }

    @Test("System tools answer with the action that whoever holds the conversation carries out")
    func systemActions() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        try await withWorker(scene.services) {
            let hangUp = try await answer(ExecuteTool(name: "terminarLlamada", arguments: [:]), key: "a", scene)
            #expect(hangUp.success && hangUp.systemAction == "disconnect" && hangUp.url == nil)
            #expect(hangUp.result["success"] == true)
            let page = try await answer(
                ExecuteTool(name: "abrirEnlace", arguments: ["url": "canaco.com"]), key: "b", scene)
            #expect(page.success && page.systemAction == "open_url" && page.url == "https://canaco.com/")
        }
        #expect(try await scene.count("tool_calls", where: "call_id IS NULL AND success") == 2)
        let counted = #"operadora_tool_call_seconds_count{success="true",tool="abrirEnlace"} 1"#
        #expect(scene.services.metrics.render().contains(counted))
    }

    @Test("Within a telephone call the tools are the campaign's, the caller's link is sent, and its row is the call's")
    func withinCall() async throws {
        var options = ConversationScene.Options()
        (options.tools, options.hasMailer) = (["abrirEnlace"], true)
        let scene = try await ConversationScene(ScriptedModel([]), options)
        try await withWorker(scene.services, of: ["tools": 8]) {
            let link = ExecuteTool(
                name: "abrirEnlace", arguments: ["url": "https://canaco.com"], callID: scene.callID)
            let page = try await answer(link, key: "a", scene)
            #expect(page.success && page.systemAction == nil && page.url == nil)
            #expect(page.result["delivered_by"] == "email")
            let other = ExecuteTool(name: "terminarLlamada", arguments: [:], callID: scene.callID)
            #expect(try await !answer(other, key: "b", scene).success)
        }
        #expect(try await scene.count("tool_calls", where: "call_id = \(scene.callID) AND success") == 1)
        #expect(try await scene.count("jobs", where: "kind = 'send_email'") == 1)
    }

    @Test(
        "What cannot be run gets a result that says why",
        arguments: [
            (ExecuteTool(name: "nonsense", arguments: [:]), "nonsense"),
            (ExecuteTool(name: "abrirEnlace", arguments: [:]), "url"),
            (ExecuteTool(name: "abrirEnlace", arguments: ["url": "http://127.0.0.1/"]), "may not be opened"),
            (ExecuteTool(name: "terminarLlamada", arguments: [:], callID: 999_999), "no such call"),
            (ExecuteTool(name: CancelMeetingTool.name, arguments: [:]), "meeting_id"),
        ])
    func refuses(_ job: ExecuteTool, _ words: String) async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        try await withWorker(scene.services) {
            let refusal = try await answer(job, scene)
            #expect(!refusal.success)
            #expect(refusal.result["error"]?.string?.contains(words) == true)
        }
        #expect(try await scene.count("tool_calls", where: "NOT success AND result IS NOT NULL") == 1)
    }

    @Test("A system tool that the file renames is run by its new name alone, and one that it switches off is unknown")
    func followsFile() async throws {
        let colgar = ToolsFileText.disconnect.with(["name": "colgar"])
        let file = try TemporaryToolsFile(
            ToolsFileText.file(system: [colgar, ToolsFileText.openURL.with(["enabled": false])]))
        defer { file.remove() }
        var options = ConversationScene.Options()
        options.file = try file.open()
        let scene = try await ConversationScene(ScriptedModel([]), options)
        try await withWorker(scene.services) {
            let hangUp = try await answer(ExecuteTool(name: "colgar", arguments: [:]), key: "a", scene)
            #expect(hangUp.success && hangUp.systemAction == "disconnect")
            let others: [(String, JSON)] = [("terminarLlamada", [:]), ("abrirEnlace", ["url": "canaco.com"])]
            for (name, arguments) in others {
                let refusal = try await answer(ExecuteTool(name: name, arguments: arguments), key: name, scene)
                #expect(!refusal.success && refusal.systemAction == nil)
                #expect(refusal.result["error"]?.string?.hasPrefix("there is no tool named \(name)") == true)
            }
        }
    }

    @Test("Nothing is done for a call that has ended")
    func afterTheEnd() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        try await scene.database.client.query("UPDATE calls SET status = 'ended', ended_at = now()")
        try await withWorker(scene.services, of: ["tools": 8]) {
            var booking = Self.booking()
            booking.callID = scene.callID
            let refusal = try await answer(booking, scene)
            #expect(refusal.result["reason"] == "call_ended")
        }
        #expect(try await scene.count("meetings") == 0)
    }

    @Test("What was begun before the call ended is not denied: nobody knows what became of it")
    func endsMeanwhile() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        var booking = Self.booking()
        booking.callID = scene.callID
        try await dyingOnce(scene) {
            var options = try booking.options(idempotencyKey: "k")
            options.retry = Backoff(base: .seconds(3_600))
            let id = try await scene.services.queue.enqueue(booking, options)
            #expect(try await eventually { try await scene.count("jobs", where: "error IS NOT NULL") == 1 })
            try await scene.database.client.query("UPDATE calls SET status = 'ended', ended_at = now()")
            try await scene.database.client.query("UPDATE jobs SET run_at = now()")
            return try await #require(scene.services.queue.result(of: id, within: .seconds(20)))
        } expect: { answer in
            #expect(answer.result["reason"] == "uncertain")
        }
        #expect(scene.calendar.insertions == 1)
    }

    @Test("A system action is a line of the log, without a word of its arguments")
    func logs() async throws {
        let lines = Mutex<[String]>([])
        var options = ConversationScene.Options()
        options.logger = Logger(label: "test", level: .info, format: .json) { line in
            lines.withLock { $0.append(line) }
        }
        let scene = try await ConversationScene(ScriptedModel([]), options)
        try await withWorker(scene.services) {
            _ = try await answer(ExecuteTool(name: "abrirEnlace", arguments: ["url": "zanzibar.com"]), scene)
        }
        let all = try lines.withLock { $0 }.map { try JSON(parsing: $0) }
        let line = try #require(all.first { $0["message"] == "system action" })
        #expect(line["tool"] == "abrirEnlace" && line["system_action"] == "open_url")
        #expect(!lines.withLock { $0.joined() }.contains("zanzibar"))
    }

    @Test("Without a call a meeting is booked, moved and cancelled by its id")
    func meetings() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        try await withWorker(scene.services) {
            let booked = try await answer(Self.booking(), key: "a", scene)
            let id = try #require(booked.result["meeting_id"]?.string)
            let second = try await answer(Self.booking(), key: "b", scene)
            #expect(second.result["reason"] == "taken")
            let move = ExecuteTool(
                name: RescheduleMeetingTool.name,
                arguments: ["meeting_id": .string(id), "datetime": .string(BookedScene.wednesday("11:30"))])
            #expect(try await answer(move, key: "c", scene).success)
            #expect(scene.calendar.events.map(\.startsAt) == [BookedScene.instant("11:30")])
            let cancel = ExecuteTool(name: CancelMeetingTool.name, arguments: ["meeting_id": .string(id)])
            #expect(try await answer(cancel, key: "d", scene).success)
        }
        #expect(try await scene.value("SELECT status FROM meetings WHERE call_id IS NULL") == "cancelled")
    }

    @Test("The same key is the same call: it is run once, and its result told again")
    func repeats() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        try await withWorker(scene.services) {
            let first = try await answer(Self.booking(), scene)
            #expect(first.success)
            #expect(try await answer(Self.booking(), scene) == first)
        }
        #expect(scene.calendar.insertions == 1)
        #expect(try await scene.count("tool_calls") == 1)
    }

    @Test("A worker that dies after the booking: the next one finds it, and books nothing else")
    func booksOnce() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        try await dyingOnce(scene) {
            let id = try await enqueue(Self.booking(), scene)
            return try await #require(scene.services.queue.result(of: id, within: .seconds(20)))
        } expect: { answer in
            #expect(answer.success)
            #expect(answer.result["meeting_id"]?.string == scene.calendar.events.first?.id)
        }
        #expect(scene.calendar.insertions == 1)
        #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
        #expect(try await scene.count("tool_calls") == 1)
    }

    @Test("… after a tool that cannot tell what it did: it is not run again, and the result says that nobody knows")
    func runsOnce() async throws {
        let service = try ToolService(.json(["ok": true]))
        try await ordering(at: service) { scene in
            try await dyingOnce(scene) {
                let id = try await enqueue(Self.order, scene)
                return try await #require(scene.services.queue.result(of: id, within: .seconds(20)))
            } expect: { answer in
                #expect(!answer.success)
                #expect(answer.result["reason"] == "uncertain")
            }
        }
        #expect(service.requests.count == 1)
    }

    @Test("… nor when its worker stops in the middle of it")
    func stopsOnce() async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let service = try ToolService { _, _ in
            ask.yield()
            await untilCancelled()
            return HTTPServerResponse()
        }
        try await ordering(at: service) { scene in
            try await withWorker(scene.services) {
                _ = try await enqueue(Self.order, scene)
                for await _ in asked { break }
            }
            try await withWorker(scene.services) {
                let told = try await answer(Self.order, scene)
                #expect(told.result["reason"] == "uncertain")
            }
            #expect(try await scene.count("tool_calls", where: "NOT success") == 1)
        }
        #expect(service.requests.count == 1)
    }

    private static let order = ExecuteTool(name: "order", arguments: ["number": "17"])

    /// A scene with a tool `order`, which posts to the service.
    private func ordering(at service: ToolService, _ body: (ConversationScene) async throws -> Void) async throws {
        let entry = ToolsFileText.tool([
            "url": .string(service.url + "/orders"), "method": "POST", "name": "order",
        ])
        let file = try TemporaryToolsFile(ToolsFileText.file(tools: [entry]))
        defer { file.remove() }
        let hosts = try #require(DestinationPolicy("127.0.0.0/8"))
        var options = ConversationScene.Options()
        options.file = try file.open(allowing: hosts)
        options.sources = { ($0.http, $0.destinations) = (service.http, hosts) }
        try await body(try await ConversationScene(ScriptedModel([]), options))
        await service.stop()
    }

    /// The first attempt comes as far as the tool's end, and not to the end of its job.
    private func dyingOnce(
        _ scene: ConversationScene, _ run: () async throws -> JobResult, expect: (ToolAnswer) -> Void
    ) async throws {
        try await scene.database.client.withConnection { connection in
            try await connection.executeScript(
                unsafe: """
                    CREATE SEQUENCE deaths;
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        IF nextval('deaths') = 1 THEN RAISE EXCEPTION 'the worker died here'; END IF;
                        RETURN NEW;
                    END $$;
                    CREATE TRIGGER dies BEFORE UPDATE ON tool_calls FOR EACH ROW EXECUTE FUNCTION die();
                    """)
        }
        try await withWorker(scene.services) {
            let result = try await run()
            expect(try #require(try result.result?.decode(ToolAnswer.self)))
        }
        #expect(try await scene.value("SELECT last_value FROM deaths", as: Int.self) == 2)
    }
}

import FoundationEssentials
import Platform
import TestSupport
import Testing

@testable import Calls

@Suite("Scripted callers")
struct CallerScriptTests {
    private func script(_ json: String) throws -> CallerScript { try CallerScript(name: "ana", Data(json.utf8)) }

    @Test("The example of the page is a caller")
    func example() throws {
        let page = try DocumentationPage("evaluation.md").text
        let example = try #require(page.components(separatedBy: "```json\n").dropFirst().first)
        let script = try script(example.components(separatedBy: "```")[0])
        #expect(script.lead.timezone == "America/New_York" && script.lead.variables["company"] == "ACME")
        #expect(script.lines == ["Yes, do you have time tomorrow?", "The second one, please.", nil, "Goodbye."])
        #expect(script.replies.map(\.times) == [2])
        #expect(script.expectation.outcomes == ["meeting_scheduled"] && script.expectation.isDoNotCall == nil)
    }

    @Test(
        "What is wrong is said with its place",
        arguments: [
            ("{", "ana is not JSON"), (#"{"expects": {}}"#, "ana.says"),
            (#"{"says": [], "expects": {}}"#, "ana.expects is empty: name a meeting, an outcome or do_not_call"),
            (#"{"says": [], "expects": {}, "sais": 1}"#, "sais"),
            (#"{"says": [1], "expects": {}}"#, "ana.says[0]"),
            (#"{"says": [], "expects": {"meeting": {"offered": 0}}}"#, "ana.expects.meeting.offered must be"),
            (#"{"says": [], "expects": {"meeting": {"offred": 2}}}"#, "ana.expects.meeting.offred"),
            (#"{"says": [], "expects": {"meeting": "maybe"}}"#, "ana.expects.meeting must be one of"),
            (#"{"says": [], "expects": {"outcome": "delighted"}}"#, "ana.expects.outcome"),
            (#"{"says": [], "expects": {"meeting": {}}, "answers": {"find": 1}}"#, "ana.answers.find"),
            (
                #"{"says": [], "expects": {}, "lead": {"timezone": "Mars/Base"}}"#,
                "ana.lead.timezone is not a time zone"
            ),
            (#"{"says": [], "expects": {}, "lead": {"language": "fr"}}"#, "ana.lead.language"),
            (#"{"says": [], "expects": {}, "replies": [{"when": ["?"], "says": "Hm."}]}"#, "ana.replies"),
            (#"{"says": [], "expects": {}, "replies": [{"when": [], "says": "Hm."}]}"#, "ana.replies[0].when"),
        ])
    func problems(_ json: String, _ place: String) {
        let error = #expect(throws: CallerScriptError.self) { try script(json) }
        #expect(error?.problems.contains { $0.contains(place) } == true, "\(error?.problems ?? [])")
    }

    @Test("A file that is too large is not read, and a folder is read as a whole or not at all")
    func folder() throws {
        let large = Data(repeating: 0x20, count: CallerScript.largestFile + 1)
        #expect(throws: CallerScriptError.self) { try CallerScript(name: "ana", large) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "callers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: CallerScriptError.self) { try CallerScript.folder(folder.path) }
        #expect(throws: CallerScriptError.self) { try CallerScript.folder(folder.path + "/nowhere") }
        for (name, text) in [
            ("b.json", #"{"says": ["Hi."], "expects": {"meeting": {}}}"#),
            ("a.json", #"{"says": [], "expects": {"meeting": "none"}}"#),
            ("notes.txt", "…"),
        ] {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        #expect(try CallerScript.folder(folder.path).map(\.name) == ["a", "b"])
        try Data("{".utf8).write(to: folder.appending(path: "c.json"))
        try Data("[]".utf8).write(to: folder.appending(path: "d.json"))
        let error = #expect(throws: CallerScriptError.self) { try CallerScript.folder(folder.path) }
        #expect(error?.problems.count == 2)
        #expect(
            error?.problems.first == "\(folder.path)/c.json is not JSON: not JSON at byte 2: expected a member's name",
            "\(error?.problems ?? [])")
    }

    @Test("The caller says their lines in order, is silent where they are, and hangs up after the last")
    func lines() throws {
        var caller = ScriptedCaller(try script(#"{"says": ["One.", null, "Two."], "expects": {"meeting": {}}}"#))
        #expect(
            (0..<5).map { _ in caller.answer(to: "Hello?") } == [
                .say("One."), .beSilent, .say("Two."), .hangUp, .hangUp,
            ])
    }

    @Test("A reply comes when it is called for, in whole words whatever their case and accents, and so often at most")
    func replies() throws {
        var caller = ScriptedCaller(
            try script(
                """
                {"says": ["One.", "Two.", "Three."], "expects": {"meeting": {}}, "replies": [
                    {"when": ["correo electronico", "e-mail"], "says": "ana@example.com", "times": 2},
                    {"when": ["sure"], "says": "Quite."}]}
                """))
        #expect(caller.answer(to: "¿Su CORREO electrónico?") == .say("ana@example.com"))
        #expect(caller.answer(to: "I assure you of it.") == .say("One."))
        #expect(caller.answer(to: "Are you sure? What is your E-Mail?") == .say("ana@example.com"))
        #expect(caller.answer(to: "Are you sure? What is your e-mail?") == .say("Quite."))
        #expect(caller.answer(to: "Your e-mail, please. Sure?") == .say("Two."))
    }
}

import Agents
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("System tools") struct SystemToolTests {
    private let openLink = OpenLinkTool()

    private func open(_ url: String) async throws -> ToolResult { try await openLink.execute(["url": .string(url)]) }

    @Test(
        "abrirEnlace asks the browser to open the address, made whole",
        arguments: [
            ("https://canaco.com", "https://canaco.com/"), ("canaco.com/socios", "https://canaco.com/socios"),
            (" www.canaco.com ", "https://www.canaco.com/"), ("http://canaco.com", "http://canaco.com/"),
        ])
    func opens(_ url: String, _ whole: String) async throws {
        let result = try await open(url)
        #expect(
            result
                == ToolResult(
                    success: true, value: ["success": true, "system_action": "open_url", "url": .string(whole)]))
    }

    @Test(
        "abrirEnlace refuses what is not of the web, and addresses of one's own network",
        arguments: [
            ("javascript:alert(1)", "not_a_web_address"), ("file:///etc/passwd", "not_a_web_address"),
            ("mailto:a@example.com", "not_a_web_address"), ("", "not_a_web_address"),
            ("una página", "not_a_web_address"),
            ("http://192.168.1.1/admin", "not_allowed"), ("localhost:8080", "not_allowed"),
            ("http://0x7f000001/", "not_allowed"), ("http://[::ffff:10.0.0.1]/", "not_allowed"),
            ("http://169.254.169.254/latest/meta-data", "not_allowed"), ("router", "not_allowed"),
            ("https://bank.com@evil.com/", "not_allowed"),
        ])
    func refuses(_ url: String, _ reason: String) async throws {
        let result = try await open(url)
        #expect(!result.success && result.value["system_action"] == nil)
        #expect(result.value["reason"]?.string == reason)
        #expect(result.value["error"]?.string?.isEmpty == false)
    }

    @Test("terminarLlamada asks to disconnect, and ends the conversation")
    func disconnects() async throws {
        let tool = HangUpTool()
        #expect(tool.endsConversation)
        #expect(
            try await tool.execute([:])
                == ToolResult(success: true, value: ["success": true, "system_action": "disconnect"]))
    }
}

@Suite("System tools on the telephone") struct TelephoneToolTests {
    /// A model that calls one tool, and then says what came of it.
    private func model(_ name: String, _ arguments: String = "{}") -> ScriptedModel {
        ScriptedModel { request, _ in
            guard let result = Scripts.results(in: request).last else { return .calling(name, arguments) }
            return ModelResponse(text: result["delivered_by"]?.string ?? result["reason"]?.string ?? "?")
        }
    }

    private let link = #"{"url":"canaco.com"}"#

    @Test(
        "A link goes by e-mail to a caller whose address is known, in their language",
        arguments: [("en", "The link you asked for"), ("es", "El enlace que pidió"), ("pt", "O link que você pediu")])
    func mailsLinks(_ language: String, _ subject: String) async throws {
        var options = ConversationScene.Options()
        options.hasMailer = true
        options.language = language
        let scene = try await ConversationScene(model("abrirEnlace", link), options)
        #expect(try await scene.turn(2, "Send me the page").say == "email")
        let email: JSON = try await scene.value("SELECT arguments->'email' FROM jobs WHERE kind = 'send_email'")
        #expect(email["to"] == "ana@example.com" && email["subject"]?.string == subject)
        #expect(email["text"]?.string?.contains("\nhttps://canaco.com/\n") == true)
        #expect(email["text"]?.string?.contains("Ana Ruiz") == true)
    }

    @Test("Without a mail server it goes by text message to the caller's own number")
    func textsLinks() async throws {
        var options = ConversationScene.Options()
        options.messenger = RecordedMessages()
        let scene = try await ConversationScene(model("abrirEnlace", link), options)
        #expect(try await scene.turn(2, "Send me the page").say == "text_message")
        let job: JSON = try await scene.value("SELECT arguments FROM jobs WHERE kind = 'send_text_message'")
        #expect(job["to"]?.string == scene.phone)
        #expect(job["text"] == "here is the link from our call: https://canaco.com/")
    }

    @Test("A link that was sent is not sent again, also when it is asked for turns later")
    func sendsOnce() async throws {
        var options = ConversationScene.Options()
        options.hasMailer = true
        let scene = try await ConversationScene(
            ScriptedModel { request, _ in
                if case .tool = request.messages.last { return ModelResponse(text: "Done.") }
                return .calling("abrirEnlace", #"{"url":"https://canaco.com"}"#)
            }, options)
        for number in [2, 4] { _ = try await scene.turn(number, "Send me the page") }
        #expect(try await scene.count("tool_calls", where: "success") == 2)
        #expect(try await scene.count("jobs", where: "kind = 'send_email'") == 1)
    }

    @Test("When a worker dies after the message has left, the one that answers the turn again sends none")
    func sendsOnceAfterDeath() async throws {
        var options = ConversationScene.Options()
        let messages = RecordedMessages()
        options.messenger = messages
        let scene = try await ConversationScene(model("abrirEnlace", link), options)
        var registry = JobRegistry()
        CallJobs.register(in: &registry, services: scene.services)
        for _ in 1...2 {
            #expect(try await scene.turn(2, "Send me the page").say == "text_message")
            try await scene.services.queue.drain(["turns", "calls", "default"], with: registry)
            #expect(messages.messages.count == 1)
            try await scene.database.client.query("DELETE FROM tool_calls")
            try await scene.database.client.query("DELETE FROM turns")
        }
    }

    @Test("No message is sent to the number that stands for a withheld one", arguments: ["+266696687", "anonymous"])
    func withheldNumber(_ phone: String) async throws {
        var options = ConversationScene.Options()
        options.messenger = RecordedMessages()
        let scene = try await ConversationScene(model("abrirEnlace", link), options)
        try await scene.database.client.query("UPDATE calls SET direction = 'inbound', from_phone = \(phone)")
        #expect(try await scene.turn(2, "Send me the page").say == "no_way_to_send")
        #expect(try await scene.count("jobs", where: "kind = 'send_text_message'") == 0)
    }

    @Test("An address that our mail server's protocol cannot carry is passed over")
    func undeliverableAddress() async throws {
        var options = ConversationScene.Options()
        (options.hasMailer, options.messenger) = (true, RecordedMessages())
        let scene = try await ConversationScene(model("abrirEnlace", link), options)
        try await scene.database.client.query("UPDATE leads SET email = 'josé@example.com'")
        #expect(try await scene.turn(2, "Send me the page").say == "text_message")
    }

    @Test("Where nothing can be sent, the model learns that and nothing is promised")
    func cannotSend() async throws {
        let scene = try await ConversationScene(model("abrirEnlace", link))
        #expect(try await scene.turn(2, "Send me the page").say == "no_way_to_send")
        #expect(try await scene.count("jobs", where: "kind LIKE 'send%'") == 0)
    }

    @Test(
        "A campaign lists a tool that the file renames by the new name or the usual one",
        arguments: [
            (["terminarLlamada"], ["colgar"]), (["colgar"], ["colgar"]), (["colgar", "terminarLlamada"], ["colgar"]),
            (["abrirEnlace"], ["abrirEnlace"]), (["book_meeting"], ["book_meeting"]), ([], []),
        ])
    func keepsRenamedTools(_ listed: [String], _ offered: [String]) async throws {
        let file = try TemporaryToolsFile(
            ToolsFileText.file(system: [ToolsFileText.disconnect.with(["name": "colgar"]), ToolsFileText.openURL]))
        defer { file.remove() }
        var options = ConversationScene.Options()
        options.file = try file.open()
        options.tools = listed
        let model = ScriptedModel([ModelResponse(text: "Hi.")])
        _ = try await ConversationScene(model, options).turn(2, "Hello")
        #expect(model.requests[0].tools.map(\.name) == offered)
    }

    @Test("The model reads a system tool's description as the file has it")
    func tellsDescription() async throws {
        let file = try TemporaryToolsFile(
            ToolsFileText.file(
                system: [
                    ToolsFileText.disconnect.with(["description": "Solo cuando diga «colgar»."]), ToolsFileText.openURL,
                ]))
        defer { file.remove() }
        var options = ConversationScene.Options()
        options.file = try file.open()
        let model = ScriptedModel([ModelResponse(text: "Hi.")])
        _ = try await ConversationScene(model, options).turn(2, "Hello")
        let tool = model.requests.first?.tools.first { $0.name == "terminarLlamada" }
        #expect(tool?.description == "Solo cuando diga «colgar».")
    }

    @Test("A tool that the file renames or switches off is offered so, from the next turn on")
    func followsFile() async throws {
        let file = try TemporaryToolsFile(
            ToolsFileText.file(
                system: [ToolsFileText.disconnect.with(["name": "colgar"]), ToolsFileText.openURL]))
        defer { file.remove() }
        var options = ConversationScene.Options()
        options.file = try file.open()
        let model = ScriptedModel([ModelResponse(text: "Hi."), .calling("colgar", saying: "Adiós.")])
        let scene = try await ConversationScene(model, options)
        #expect(try await !scene.turn(2, "Hello").endsCall)
        try file.write(
            ToolsFileText.file(
                system: [
                    ToolsFileText.disconnect.with(["name": "colgar"]), ToolsFileText.openURL.with(["enabled": false]),
                ]))
        #expect(try await scene.turn(4, "Bye").endsCall)
        let names = model.requests.map { $0.tools.map(\.name) }
        #expect(
            names[0].contains("colgar") && names[0].contains("abrirEnlace") && !names[0].contains("terminarLlamada"))
        #expect(!names[1].contains("abrirEnlace"))
        guard case .system(let prompt)? = model.requests[0].messages.first else {
            Issue.record("a prompt begins with the system message")
            return
        }
        #expect(prompt.contains("call colgar in the same answer"))
    }
}

import Testing

@testable import Simulators

@Suite struct TwiMLReaderTests {
    private static func read(_ verbs: String) throws(TwiMLError) -> TwiMLDocument {
        try TwiMLReader.read(Array("<Response>\(verbs)</Response>".utf8), contentType: "application/xml; charset=utf-8")
    }

    /// Expectations cannot hold a mutating call.
    private func step(_ session: inout TwiMLSession) -> TwiMLSession.Step { session.next() }

    @Test("A document is read with its entities, comments and defaults")
    func reads() throws {
        let document = try Self.read(
            """
            <!-- one --><Say language="es-MX" voice="Polly.Mia">Peña &amp; hijos &#233; <![CDATA[<3]]></Say>
            <Gather input="speech" action="/turn?a=1&amp;b=2" language="es-MX"><Say>¿Sí?</Say><Pause length="2"/></Gather>
            <Redirect>/turn</Redirect><Pause/><Hangup/>
            """)
        let gather = TwiMLDocument.Gather(
            prompts: [.say(.init(text: "¿Sí?")), .pause(seconds: 2)], listensToSpeech: true, listensToKeys: false,
            action: "/turn?a=1&b=2", method: "POST", language: "es-MX", timeoutSeconds: 5, postsEmptyResult: false)
        #expect(
            document.verbs == [
                .say(.init(text: "Peña & hijos é <3", language: "es-MX")), .gather(gather),
                .redirect(url: "/turn", method: "POST"), .pause(seconds: 1), .hangup,
            ])
    }

    @Test(
        "What is not well-formed is 12100",
        arguments: [
            "<Say>a", "<Say>a</say>", "<Say a=1>b</Say>", "<Say a='1' a='2'>b</Say>", "<Say>&nbsp;</Say>",
            "<Say>a & b</Say>",
            "<Say>\u{1}</Say>", "<!DOCTYPE x>", "<Say></Response><Say>",
        ])
    func malformed(_ verbs: String) {
        #expect(throws: TwiMLError.self) { try Self.read(verbs) }
        do throws(TwiMLError) { _ = try Self.read(verbs) } catch { #expect(error.code == 12100) }
    }

    @Test(
        "What is not in the schema is 12200, and nothing to say is 13520",
        arguments: [
            ("<Record/>", 12200), ("<Say speed=\"2\">a</Say>", 12200), ("text", 12200),
            ("<Gather input=\"voice\"/>", 12200), ("<Gather timeout=\"0\"/>", 12200),
            ("<Gather><Hangup/></Gather>", 12200), ("<Gather speechTimeout=\"soon\"/>", 12200),
            ("<Pause length=\"-1\"/>", 12200), ("<Redirect/>", 12200),
            ("<Redirect method=\"PUT\">/a</Redirect>", 12200),
            ("<Hangup now=\"yes\"/>", 12200), ("<Say language=\"Spanish\">a</Say>", 12200), ("<Say> </Say>", 13520),
            ("<Reject reason=\"tired\"/>", 12200),
        ])
    func outsideSchema(_ verbs: String, _ code: Int) {
        do throws(TwiMLError) {
            _ = try Self.read(verbs)
            Issue.record("was accepted")
        } catch {
            #expect(error.code == code)
        }
    }

    @Test("A Gather without input falls through to what follows; with input the rest is dropped")
    func fallsThrough() throws {
        var session = TwiMLSession(maximumRedirects: 3)
        session.load(try Self.read("<Gather input=\"speech\"><Say>Hello</Say></Gather><Redirect>/again</Redirect>"))
        #expect(step(&session) == .speak(.init(text: "Hello")))
        guard case .listen = step(&session) else {
            Issue.record("does not listen")
            return
        }
        var silent = session
        #expect(step(&silent) == .fetch(url: "/again", method: "POST"))
        session.wasHeard()
        #expect(step(&session) == .hangUp)
    }

    @Test("Redirects without a caller who is heard come to an end")
    func redirects() throws {
        var session = TwiMLSession(maximumRedirects: 3)
        let document = try Self.read("<Redirect>/again</Redirect>")
        for _ in 0..<3 {
            session.load(document)
            #expect(step(&session) == .fetch(url: "/again", method: "POST"))
        }
        session.load(document)
        #expect(step(&session) == .tooManyRedirects)
    }

    @Test(
        "References are resolved as browsers do",
        arguments: [
            ("/turn?a=1", "https://a.example/turn?a=1"), ("?b=2", "https://a.example/x/voice?b=2"),
            ("turn", "https://a.example/x/turn"), ("", "https://a.example/x/voice?c=1"),
            ("http://b.example/", "http://b.example/"),
        ])
    func references(_ reference: String, _ url: String) {
        #expect(WebhookURL.resolve(reference, against: "https://a.example/x/voice?c=1") == url)
    }
}

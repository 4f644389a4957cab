import Platform
import Providers
import TestSupport
import Testing

@Suite("TwiML")
struct TwiMLTests {
    private static let next = "https://calls.example.com/webhooks/twilio/turn?call=1&turn=4&lang=es-MX"
    private static let answer = TwiML([
        .gather(action: next, language: .mexicanSpanish, say: "¿A las 3 & media? <sí>", timeoutSeconds: 5),
        .redirect(next), .say("Adiós, \"Ana\"", .brazilianPortuguese), .pause(seconds: 1), .hangup,
    ])

    @Test("Our XML is what Twilio's own package writes", .enabled(if: PythonPeer.isExpected))
    func likeTwilio() async throws {
        let script = #"""
            import json, sys
            from xml.etree.ElementTree import canonicalize
            from twilio.twiml.voice_response import VoiceResponse, Gather
            given = json.load(sys.stdin)
            response = VoiceResponse()
            gather = Gather(input="speech dtmf", action=given["next"], method="POST", language="es-MX", timeout=5,
                            speech_timeout="auto")
            gather.say("¿A las 3 & media? <sí>", language="es-MX", voice="Polly.Mia")
            response.append(gather)
            response.redirect(given["next"], method="POST")
            response.say('Adiós, "Ana"', language="pt-BR", voice="Polly.Camila")
            response.pause(length=1)
            response.hangup()
            json.dump([canonicalize(given["ours"]), canonicalize(str(response))], sys.stdout)
            """#
        let input: JSON = ["ours": .string(Self.answer.xml), "next": .string(Self.next)]
        let both = try await PythonPeer.run(script, input: input)
        #expect(both[0]?.string?.isEmpty == false)
        #expect(both[0] == both[1])
    }

    @Test("Whatever a model says, the XML parses", .enabled(if: PythonPeer.isExpected))
    func alwaysParses() async throws {
        let hostile = [
            "]]><Hangup/>", "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;", "\u{0}\u{8}\u{B}\u{1F}\u{7F}\u{85}",
            "a\u{FFFE}b\u{FFFF}",
            "&#0; &amp; &lt;", "'\"", "emoji 👩‍👩‍👧 and e\u{301}", "\r\n\t tabs", "&\u{301}<\u{301}", "\u{E000}\u{10FFFF}",
        ]
        let texts = hostile.map { TwiML([.say($0, .english), .redirect("https://a.example.com/?" + $0)]).xml }
        let script = """
            import json, sys
            from xml.etree import ElementTree
            json.dump([[child.tag for child in ElementTree.fromstring(text.encode())]
                       for text in json.load(sys.stdin)], sys.stdout)
            """
        let tags = try await PythonPeer.run(script, input: .array(texts.map { .string($0) }))
        for (index, text) in hostile.enumerated() {
            let expected: JSON =
                TwiML([.say(text, .english)]).xml.contains("<Say") ? ["Say", "Redirect"] : ["Redirect"]
            #expect(tags[index] == expected, "\(text.debugDescription)")
        }
    }

    @Test("Text is spoken without control characters and with single spaces")
    func cleaned() {
        let xml = TwiML([.say("  one\u{0}two\n\nthree  ", .english)]).xml
        #expect(xml.contains(">one two three</Say>"))
        #expect(TwiML([.say(" \n\u{7} ", .english)]).xml.hasSuffix("<Response></Response>"))
    }

    @Test("A text that is too long ends at the last word that fits")
    func cut() throws {
        let xml = TwiML([.say(String(repeating: "palabra ", count: 1_000), .mexicanSpanish)]).xml
        let spoken = try #require(xml.split(separator: ">").first { $0.contains("palabra") })
        #expect(spoken.hasSuffix("palabra</Say"))
        #expect(spoken.count <= TwiML.longestSay + "</Say".count)
        #expect(spoken.count > TwiML.longestSay - 10)
        let oneWord = TwiML([.say(String(repeating: "a", count: 5_000), .english)]).xml
        #expect(oneWord.contains(String(repeating: "a", count: TwiML.longestSay) + "</Say>"))
    }

    @Test("The language of a call is heard in the listener's country")
    func languages() {
        #expect(TwilioLanguage(language: "es", timezone: "America/Bogota") == .mexicanSpanish)
        #expect(TwilioLanguage(language: "es", timezone: "Europe/Madrid") == .castilianSpanish)
        #expect(TwilioLanguage(language: "pt", timezone: "America/Sao_Paulo") == .brazilianPortuguese)
        #expect(TwilioLanguage(language: "en", timezone: "Europe/Madrid") == .english)
        #expect(TwilioLanguage(language: "xx", timezone: "") == .english)
    }
}

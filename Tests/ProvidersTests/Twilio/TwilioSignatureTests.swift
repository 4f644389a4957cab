import HTTP
import Platform
import Providers
import TestSupport
import Testing

@Suite("Twilio's signatures")
struct TwilioSignatureTests {
    private let token = "a-secret-token"
    private var signature: TwilioSignature { TwilioSignature(authToken: Secret(token)) }

    private static let urls = [
        "https://calls.example.com/webhooks/twilio/voice?call=17",
        "https://calls.example.com:8443/webhooks/twilio/turn",
        "http://127.0.0.1:8080/webhooks/twilio/status?call=1&x=%C3%B1%20%2F", "http://calls.example.com/",
        "https://calls.example.com:443/a?b=c:d/e", "http://calls.example.com:80/a?next=https://other.example.com:99/",
    ]
    private static let forms: [FormFields] = [
        [:], ["CallSid": "CA1", "From": "+525512345678", "To": "+15550000001"],
        ["SpeechResult": "mañana a las 3 & después; <ok> 50%+1 = 😀", "Confidence": "0.9"],
        ["b": "2", "a": "1", "A": "3", "ä": "4", "Z": "", "": "x"],
        ["MediaUrl": "two", "MediaUrl": "one", "MediaUrl": "two", "Body": "x"],
        // One character or two that look the same are different names.
        ["e\u{301}": "1", "\u{e9}": "2"],
    ]

    private static let pairs = urls.flatMap { url in forms.map { (url, $0) } }

    private static func json(_ pairs: [(String, FormFields)]) -> JSON {
        .array(
            pairs.map { url, form in
                let fields = form.fields.map { JSON.array([.string($0.name), .string($0.value)]) }
                return ["url": .string(url), "form": .array(fields)]
            })
    }

    private static let multiDict = """
        import json, sys
        from twilio.request_validator import RequestValidator
        class Form(dict):
            def __init__(self, pairs):
                super().__init__(pairs)
                self.pairs = pairs
            def getall(self, name): return [v for k, v in self.pairs if k == name]

        """

    @Test("Twilio's own validator accepts what we sign", .enabled(if: PythonPeer.isExpected))
    func signsLikeTwilio() async throws {
        let cases = Self.pairs.map { url, form -> JSON in
            guard case .array(let one) = Self.json([(url, form)]), case .object(var members)? = one.first else {
                return .null
            }
            members["signature"] = .string(signature.sign(url: url, form: form))
            return .object(members)
        }
        let script =
            Self.multiDict + """
                validator = RequestValidator("\(token)")
                json.dump([validator.validate(c["url"], Form(c["form"]), c["signature"])
                           for c in json.load(sys.stdin)], sys.stdout)
                """
        let verdicts = try #require(try await PythonPeer.run(script, input: .array(cases)).array)
        #expect(verdicts.count == Self.pairs.count)
        for (verdict, pair) in zip(verdicts, Self.pairs) { #expect(verdict == true, "\(pair)") }
    }

    @Test("What Twilio's own package signs is valid, with and without the port", .enabled(if: PythonPeer.isExpected))
    func acceptsTwilio() async throws {
        let script =
            Self.multiDict + """
                from urllib.parse import urlparse
                from twilio.request_validator import add_port, remove_port
                validator = RequestValidator("\(token)")
                json.dump([[validator.compute_signature(url, Form(c["form"]))
                            for url in (c["url"], add_port(urlparse(c["url"])), remove_port(urlparse(c["url"])))]
                           for c in json.load(sys.stdin)], sys.stdout)
                """
        let signatures = try #require(try await PythonPeer.run(script, input: Self.json(Self.pairs)).array)
        #expect(signatures.count == Self.pairs.count)
        for (all, (url, form)) in zip(signatures, Self.pairs) {
            for claimed in try #require(all.array) {
                #expect(signature.isValid(try #require(claimed.string), url: url, form: form), "\(url) \(form)")
            }
        }
    }

    @Test("Any change of URL, form, token or signature makes it invalid")
    func tampered() {
        let url = "https://calls.example.com/webhooks/twilio/turn?call=17&turn=3"
        let form: FormFields = ["CallSid": "CA1", "SpeechResult": "yes"]
        let good = signature.sign(url: url, form: form)
        #expect(signature.isValid(good, url: url, form: form))
        #expect(!signature.isValid(good, url: url + "0", form: form))
        #expect(!signature.isValid(good, url: "http" + url.dropFirst(5), form: form))
        #expect(!signature.isValid(good, url: url, form: ["CallSid": "CA1", "SpeechResult": "no"]))
        #expect(!signature.isValid(good, url: url, form: ["CallSid": "CA1", "SpeechResult": "yes", "Digits": "1"]))
        #expect(!signature.isValid(good + "=", url: url, form: form))
        #expect(!signature.isValid("", url: url, form: form))
        #expect(!TwilioSignature(authToken: Secret("another")).isValid(good, url: url, form: form))
    }

    @Test("A body that is no form is covered by its digest in the URL", .enabled(if: PythonPeer.isExpected))
    func bodyDigest() async throws {
        let body = #"{"property": "value", "ñ": true}"#
        let script = """
            import json, sys
            from twilio.request_validator import RequestValidator
            validator = RequestValidator("\(token)")
            body = json.load(sys.stdin)
            url = "https://calls.example.com/hook?bodySHA256=" + validator.compute_hash(body)
            json.dump([url, validator.compute_signature(url, {})], sys.stdout)
            """
        let answer = try await PythonPeer.run(script, input: .string(body))
        let url = try #require(answer[0]?.string)
        let claimed = try #require(answer[1]?.string)
        #expect(signature.isValid(claimed, url: url, body: Array(body.utf8)))
        #expect(!signature.isValid(claimed, url: url, body: Array("{}".utf8)))
        let undigested = signature.sign(url: "https://calls.example.com/hook", form: [:])
        #expect(!signature.isValid(undigested, url: "https://calls.example.com/hook", body: Array(body.utf8)))
    }
}

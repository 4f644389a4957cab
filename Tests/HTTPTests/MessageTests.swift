import FoundationEssentials
import Platform
import Testing

@testable import HTTP

@Suite struct MessageTests {
    @Test("Header names compare without case; order and repeats are kept")
    func headers() {
        var headers: HTTPHeaders = ["Content-Type": "a", "X": "1"]
        headers.add("x", "2")
        #expect(headers["content-TYPE"] == "a")
        #expect(headers["x"] == "1")
        #expect(headers.values(of: "X") == ["1", "2"])
        headers["X"] = "3"
        #expect(headers.values(of: "x") == ["3"])
        headers["X"] = nil
        #expect(headers.fields.map(\.name) == ["Content-Type"])
    }

    @Test("A form reads what browsers and providers write, and what they get wrong")
    func formDecoding() {
        let fields = FormFields(decoding: "a=1&b=x+y%20z&c=%C3%A9&a=2&&d&=e&f=1=2&g=%zz%4&h=%FF")
        let expected = [
            ("a", "1"), ("b", "x y z"), ("c", "é"), ("a", "2"), ("d", ""), ("", "e"), ("f", "1=2"), ("g", "%zz%4"),
            ("h", "\u{FFFD}"),
        ]
        #expect(fields.fields.map(\.name) == expected.map(\.0))
        #expect(fields.fields.map(\.value) == expected.map(\.1))
        #expect(fields["a"] == "1")
        #expect(FormFields(decoding: "").fields.isEmpty)
    }

    @Test("What a form encodes, it decodes to the same")
    func formRoundTrip() {
        let fields: FormFields = ["To": "+15551234567", "Ñ &=+%": "a b\r\n🎧", "~*-._": "", "": "x"]
        let decoded = FormFields(decoding: fields.encoded)
        #expect(decoded.fields.map(\.name) == fields.fields.map(\.name))
        #expect(decoded.fields.map(\.value) == fields.fields.map(\.value))
        #expect(FormFields([("a b", "+~")]).encoded == "a+b=%2B%7E")
    }

    @Test("A part of a URL is encoded so that it stays one part")
    func percentEncoding() {
        #expect(PercentCoding.encode("ventas@grupo.com/a b?c#ñ") == "ventas%40grupo.com%2Fa%20b%3Fc%23%C3%B1")
    }

    @Test("A request's target gives its path and its query")
    func target() {
        let request = HTTPServerRequest(method: "GET", target: "/a%2Fb+c?x=1+2&y=%3F?")
        #expect(request.path == "/a/b+c")
        #expect(request.query["x"] == "1 2")
        #expect(request.query["y"] == "??")
        #expect(request.target == "/a%2Fb+c?x=1+2&y=%3F?")
        #expect(HTTPServerRequest(method: "GET", target: "").path == "")
    }

    @Test(
        "Retry-After is seconds or a date in any of its three forms",
        arguments: [
            ("120", 120), (" 0 ", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sunday, 06-Nov-94 08:49:37 GMT", 37),
            ("Sun Nov  6 08:49:37 1994", 37), ("Sat, 05 Nov 1994 08:49:37 GMT", 0),
            ("Thu, 29 Feb 1996 00:00:00 GMT", 41_440_260),
        ])
    func retryAfter(value: String, seconds: Int) {
        // Sun, 06 Nov 1994 08:49:00 GMT
        let now = Date(timeIntervalSince1970: 784_111_740)
        #expect(RetryAfter.duration(value, now: now) == .seconds(seconds))
    }

    @Test(
        "A Retry-After that is neither is none",
        arguments: ["", "soon", "-1", "06 Nov 1994", "Sun, 06 Foo 1994 08:49:37 GMT"])
    func unreadableRetryAfter(value: String) {
        #expect(RetryAfter.duration(value, now: Date(timeIntervalSince1970: 0)) == nil)
    }

    @Test("Bodies come with their type, unless the caller gave another")
    func contentType() {
        let json = HTTPClientRequest(.post, "http://a/", json: ["a": 1])
        #expect(json.headers["Content-Type"] == "application/json")
        #expect(json.body == Array(#"{"a":1}"#.utf8))
        let form = HTTPClientRequest(.post, "http://a/", headers: ["content-type": "own"], form: ["a": "b c"])
        #expect(form.headers.values(of: "Content-Type") == ["own"])
        #expect(form.body == Array("a=b+c".utf8))
    }

    @Test("A head is read line by line, and a later one replaces an interim one")
    func head() {
        var head = ResponseHead()
        let lines = [
            "HTTP/1.1 100 Continue\r\n", "A: 1\r\n", "\r\n", "HTTP/2 200\r\n", "b:\t2 \r\n", "no colon\r\n", "\r\n",
            "T: 3\r\n",
        ]
        var complete: [(Int, [String])] = []
        for line in lines {
            let step = Array(line.utf8).withUnsafeBytes { head.add($0) }
            if case .complete(let status, let headers) = step {
                complete.append((status, headers.fields.map { "\($0.name)=\($0.value)" }))
            }
        }
        #expect(complete.map(\.0) == [200])
        #expect(complete.map(\.1) == [["b=2"]])
    }
}

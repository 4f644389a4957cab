import Agents
import HTTP
import Platform
import TestSupport
import Testing

@testable import Calls

@Suite("What a model learns from a custom tool") struct CustomToolAnswerTests {
    private func call(
        _ answer: HTTPServerResponse, _ changes: [String: JSON] = [:]
    ) async throws -> (ToolExecution, requests: Int) {
        let service = try ToolService(answer)
        let execution = try await service.call(changing: changes)
        let count = service.requests.count
        await service.stop()
        return (execution, count)
    }

    @Test("The places that the file names are taken from the answer")
    func mapsResults() async throws {
        let answer = HTTPServerResponse.json(["data": ["name": "Ana", "secret": "x"]])
        let whole = try await call(answer, ["result": "$.data.name"]).0
        #expect(whole.result.value == ["success": true, "result": "Ana"])
        let named = try await call(answer, ["result": ["customer": "$.data.name", "phone": "$.data.phone"]]).0
        #expect(named.result.value == ["success": true, "result": ["customer": "Ana", "phone": nil]])
        let nothing = try await call(.json(["data": nil]), ["result": "$.data.name"]).0
        #expect(!nothing.result.success && nothing.result.value["error"]?.string?.contains("found nothing") == true)
    }

    @Test("Text is passed on as it is, and an empty answer is a success without a result")
    func passesText() async throws {
        let text = try await call(.text("Open until six", contentType: "text/plain")).0
        #expect(text.result.value == ["success": true, "result": "Open until six"])
        let empty = try await call(HTTPServerResponse(status: 204)).0
        #expect(empty.result.value == ["success": true, "result": nil])
    }

    @Test("A web page, JSON that is none, and bytes that are no text are told as what they are")
    func refusesOtherAnswers() async throws {
        var broken = HTTPServerResponse.text("{\"name\": ", contentType: "application/json")
        for (answer, changes, word) in [
            (.page(), [:], "web page"), (.text("<!-- 1 --><html>", contentType: "text/plain"), [:], "web page"),
            (broken, [:], "not JSON"),
            (.text("Ana", contentType: "text/plain"), ["result": "$.name"], "not JSON"),
            (HTTPServerResponse(body: [0xFF, 0xFE, 0]), [:], "not text"),
        ] as [(HTTPServerResponse, [String: JSON], String)] {
            let execution = try await call(answer, changes).0
            #expect(!execution.result.success)
            #expect(execution.result.value["error"]?.string?.contains(word) == true, "\(execution.result.value.text)")
        }
        broken.headers["Content-Type"] = nil
        #expect(try await call(broken).0.result.value["result"] == "{\"name\": ")
    }

    @Test("Ten megabytes are not read")
    func refusesLargeAnswers() async throws {
        let (execution, requests) = try await call(HTTPServerResponse(body: [UInt8](repeating: 0x61, count: 10 << 20)))
        #expect(!execution.result.success && requests == 1)
        #expect(execution.result.value["error"]?.string?.contains("more than can be read") == true)
        #expect(execution.result.value.text.utf8.count < 1_000)
    }

    @Test("A service that hangs is given up in its time, and one that may have acted is not to be asked again")
    func givesUp() async throws {
        let service = try ToolService { _, _ in
            // Its client goes.
            await untilCancelled()
            return HTTPServerResponse()
        }
        let reading = try await service.call(changing: ["timeout_seconds": 1])
        #expect(reading.result.value["error"] == "the service did not answer in time")
        let writing = try await service.call(changing: ["timeout_seconds": 1, "method": "POST"])
        #expect(writing.result.value["error"]?.string?.contains("do not repeat it") == true)
        #expect(service.requests.count == 2)
        let again = try await service.call(changing: ["timeout_seconds": 1, "method": "POST"], earlier: [writing])
        #expect(again.origin == .repeated && again.result == writing.result)
        #expect(service.requests.count == 2)
        await service.stop()
    }

    @Test(
        "What may have been done is not done again by the same call; what was certainly refused may be",
        arguments: [
            (HTTPServerResponse(status: 500), false), (HTTPServerResponse(status: 303), false), (.page(), false),
            (.text("{", contentType: "application/json"), false),
            (HTTPServerResponse(body: [UInt8](repeating: 0x61, count: 1_025)), false),
            (HTTPServerResponse(status: 404), true), (HTTPServerResponse(status: 429), true), (.page(403), true),
        ])
    func actsOnce(_ answer: HTTPServerResponse, _ isDoneAgain: Bool) async throws {
        let service = try ToolService(answer)
        let acting: [String: JSON] = ["method": "POST", "maximum_response_bytes": 1_024]
        let first = try await service.call(changing: acting)
        let second = try await service.call(changing: acting, earlier: [first])
        #expect(!first.result.success && first.attempts == 1)
        #expect(first.result.value["error"]?.string?.contains("do not repeat it") == !isDoneAgain)
        #expect(second.origin == (isDoneAgain ? .executed : .repeated))
        #expect(service.requests.count == (isDoneAgain ? 2 : 1))
        let reading = try await service.call(earlier: [first])
        #expect(!reading.result.isUncertain, "what only reads has done nothing")
        await service.stop()
    }

    @Test("A refusal is told with its meaning, and with its words when they are data")
    func tellsRefusals() async throws {
        var refusal = HTTPServerResponse.json(["reason": "unknown number"])
        refusal.status = 404
        let (execution, requests) = try await call(refusal)
        #expect(requests == 1)
        #expect(execution.result.value["status"] == 404)
        #expect(execution.result.value["details"] == ["reason": "unknown number"])
        let page = try await call(.page(403)).0
        #expect(!page.result.success && page.result.value["details"] == nil)
        #expect(!page.result.value.text.contains("Sign in"))
    }

    @Test("What only reads is asked again when the service is not well; what may have acted is not")
    func retries() async throws {
        let service = try ToolService { _, number in
            number == 0 ? HTTPServerResponse(status: 503) : .json(["name": "Ana"])
        }
        let reading = try await service.call()
        #expect(reading.result.success && reading.attempts == 2)
        await service.stop()
        let (writing, requests) = try await call(HTTPServerResponse(status: 500), ["method": "POST"])
        #expect(!writing.result.success && requests == 1)
    }

    @Test("An answer is kept for as long as the file says, for the same arguments alone")
    func remembers() async throws {
        let service = try ToolService { _, number in .json(["number": .integer(Int64(number))]) }
        let kept: [String: JSON] = ["cache_seconds": 60]
        let first = try await service.call(["number": "17"], kept).result
        #expect(try await service.call(["number": "17"], kept).result == first)
        _ = try await service.call(["number": "18"], kept)
        #expect(service.requests.count == 2)
        for _ in 1...2 { _ = try await service.call(["number": "19"]) }
        #expect(service.requests.count == 4)
        _ = try await service.call(["number": "17"], kept.merging(["result": "$.number"]) { $1 })
        #expect(service.requests.count == 5, "the file says otherwise now")
        await service.stop()
    }

    @Test("A service that is not there is told as that")
    func unreachable() async throws {
        let service = try ToolService(HTTPServerResponse())
        let execution = try await service.call(changing: ["url": "http://127.0.0.1:1/{number}"])
        #expect(execution.result.value["error"] == "the service cannot be reached just now")
        await service.stop()
    }
}

import Agents
import HTTP
import Platform
import Testing

@testable import Calls

@Suite("What a custom tool sends") struct CustomToolRequestTests {
    private let answer = HTTPServerResponse.json(["name": "Ana"])
    private let two: JSON = [
        "type": "object", "properties": ["number": ["type": "string"], "count": ["type": "integer"]],
    ]

    @Test("Arguments stand in the URL as values, whatever characters they have, and the rest in the query")
    func fillsURLs() async throws {
        let service = try ToolService(answer)
        let result = try await service.call(
            ["number": "a/b?c=d#e f%2e ñ", "count": 2], ["parameters": two]
        ).result
        #expect(result == ToolResult(success: true, value: ["success": true, "result": ["name": "Ana"]]))
        #expect(service.requests.map(\.target) == ["/customers/a%2Fb%3Fc%3Dd%23e%20f%252e%20%C3%B1?count=2"])
        #expect(service.requests[0].method == "GET" && service.requests[0].body.isEmpty)
        await service.stop()
    }

    @Test("An argument cannot climb out of its place in the URL", arguments: [".", ".."])
    func refusesToClimb(_ value: String) async throws {
        let service = try ToolService(answer)
        let execution = try await service.call(["number": .string(value)])
        #expect(!execution.result.success)
        #expect(service.requests.isEmpty)
        await service.stop()
    }

    @Test("Secrets go into headers by the names of variables, and show nowhere else")
    func sendsSecrets() async throws {
        let service = try ToolService(HTTPServerResponse(status: 401))
        let execution = try await service.call(
            changing: ["headers": ["Authorization": "Bearer ${CRM_TOKEN}", "X-Number": "{number}"]],
            secrets: ["CRM_TOKEN": "hunter2"])
        #expect(service.requests[0].headers["Authorization"] == "Bearer hunter2")
        #expect(service.requests[0].headers["X-Number"] == "17")
        #expect(!execution.result.value.text.contains("hunter2"))
        await service.stop()
    }

    @Test("An argument cannot add a header")
    func refusesHeaders() async throws {
        let service = try ToolService(answer)
        let execution = try await service.call(
            ["number": "1\r\nX-Evil: 1"],
            ["headers": ["X-Number": "{number}"], "url": .string(service.url + "/customers")])
        #expect(!execution.result.success)
        #expect(service.requests.isEmpty)
        await service.stop()
    }

    @Test("A body is made of its template, or of the arguments that the URL does not take")
    func sendsBodies() async throws {
        let service = try ToolService(answer)
        let template: JSON = ["customer": ["id": "{number}", "items": "{count}", "note": "no. {number}"]]
        for changes in [["method": "POST", "body": template], ["method": "PUT"]] as [[String: JSON]] {
            _ = try await service.call(
                ["number": "17", "count": 2], changes.merging(["parameters": two]) { $1 })
        }
        #expect(
            try service.requests.map { try $0.json() } == [
                ["customer": ["id": "17", "items": 2, "note": "no. 17"]], ["count": 2],
            ])
        #expect(service.requests.map(\.method) == ["POST", "PUT"])
        #expect(service.requests.allSatisfy { $0.headers["Content-Type"] == "application/json" })
        await service.stop()
    }

    @Test("Arguments that break the schema never leave")
    func validatesArguments() async throws {
        let service = try ToolService(answer)
        for arguments: JSON in [[:], ["number": 17], "17", ["number": "17", "account": "18"]] {
            let execution = try await service.call(arguments)
            #expect(!execution.result.success && execution.attempts == 0)
        }
        #expect(service.requests.isEmpty)
        await service.stop()
    }
}

extension ToolService {
    func call(
        changing changes: [String: JSON], secrets: [String: String] = [:], earlier: [ToolExecution] = []
    ) async throws -> ToolExecution {
        try await call(["number": "17"], changes, secrets: secrets, earlier: earlier)
    }
}

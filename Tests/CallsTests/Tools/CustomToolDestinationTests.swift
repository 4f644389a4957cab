import Agents
import HTTP
import Platform
import Testing

@testable import Calls

@Suite("Where a custom tool goes") struct CustomToolDestinationTests {
    @Test("An address of one's own network is asked only when it is named")
    func refusesPrivateAddresses() async throws {
        let service = try ToolService(.json(["name": "Ana"]))
        let execution = try await service.call(allowing: "10.0.0.0/8")
        #expect(execution.result.value["error"]?.string?.contains("may not be asked") == true)
        #expect(service.requests.isEmpty)
        #expect(try await service.call().result.success)
        await service.stop()
    }

    @Test("A redirect is followed, checked like the first request")
    func followsRedirects() async throws {
        let service = try ToolService { request, _ in
            request.path.hasPrefix("/v2")
                ? .json(["name": "Ana"]) : HTTPServerResponse(status: 302, headers: ["Location": "/v2/customers/17"])
        }
        #expect(try await service.call().result.value["result"] == ["name": "Ana"])
        #expect(service.requests.map(\.path) == ["/customers/17", "/v2/customers/17"])
        await service.stop()
    }

    @Test(
        "A redirect to a private address, another scheme, or without end leads nowhere",
        arguments: ["http://10.0.0.1/", "http://localhost/", "file:///etc/passwd", "http://[::1]/", "/again"])
    func refusesRedirects(_ location: String) async throws {
        let service = try ToolService { _, _ in HTTPServerResponse(status: 302, headers: ["Location": location]) }
        let execution = try await service.call(allowing: "127.0.0.1")
        #expect(!execution.result.success)
        #expect(service.requests.count <= 4)
        await service.stop()
    }

    @Test("What was declared for one host is not told to another that it leads to")
    func keepsSecretsHome() async throws {
        let other = try ToolService(.json(["name": "Ana"]))
        let service = try ToolService { [url = other.url] _, _ in
            HTTPServerResponse(status: 302, headers: ["Location": url + "/stolen"])
        }
        let execution = try await service.call(
            changing: ["headers": ["Authorization": "Bearer ${CRM_TOKEN}"]], secrets: ["CRM_TOKEN": "hunter2"])
        #expect(execution.result.success)
        #expect(service.requests[0].headers["Authorization"] == "Bearer hunter2")
        #expect(other.requests.map { $0.headers["Authorization"] } == [nil])
        await service.stop()
        await other.stop()
    }

    @Test("What acts is never sent on elsewhere", arguments: [302, 307, 308])
    func redirectsNoPosts(_ status: Int) async throws {
        let service = try ToolService { _, _ in HTTPServerResponse(status: status, headers: ["Location": "/other"]) }
        let execution = try await service.call(changing: ["method": "POST"])
        #expect(!execution.result.success)
        #expect(service.requests.count == 1)
        await service.stop()
    }
}

import FoundationEssentials
import Glibc
import HTTP
import Platform
import TestSupport
import Testing

/// The whole program of docs/agents.md is the target `AgentsProgram`, built with the tests as an executable.
@Suite("The program of the page on agents")
struct AgentsProgramTests {
    private let root = URL(filePath: TestDatabase.migrations).deletingLastPathComponent()

    private func text(_ path: String) throws -> String { try text(at: root.appending(path: path).path) }

    private func text(at path: String) throws -> String { try String(contentsOf: URL(filePath: path), encoding: .utf8) }

    @Test("It asks the model, runs its tool, and prints the answer")
    func runs() async throws {
        let call: JSON = [
            "id": "call_1", "type": "function", "function": ["name": "weather", "arguments": #"{"city":"Lisbon"}"#],
        ]
        let server = ModelServer(
            ModelServer.completion(
                ["role": "assistant", "content": nil, "tool_calls": [call]], finishReason: "tool_calls"),
            ModelServer.completion(["role": "assistant", "content": "It will not."]))
        // It stands beside the tests.
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "AgentsProgram").path
        let output = FileManager.default.temporaryDirectory.appending(path: "agents-program-\(UUID().uuidString)").path
        let file = open(output, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        defer {
            close(file)
            try? FileManager.default.removeItem(atPath: output)
        }
        try await server.serve { url, _ in
            let environment = ProcessInfo.processInfo.environment.filter {
                ["PATH", "LD_LIBRARY_PATH"].contains($0.key)
            }
            let own = ["OPENAI_BASE_URL": url, "OPENAI_API_KEY": ModelServer.key]
            let process = try ChildProcess.start(
                program, [], environment: environment.merging(own) { $1 },
                directory: FileManager.default.temporaryDirectory.path, output: .descriptor(file), error: .null)
            #expect(try await process.exit() == .status(0))
        }
        #expect(try text(at: output) == "It will not.\n")
        let result = try server.requests.last?.json()["messages"]?.array?.last
        #expect(result?["content"]?.string == #"{"city":"Lisbon","sky":"clear"}"#)
        #expect(server.requests.first?.headers["Authorization"] == "Bearer \(ModelServer.key)")
    }

    @Test("It is on the page, with a manifest whose product holds every module that it imports")
    func isOnThePage() throws {
        let program = try text("Tests/AgentsProgram/main.swift")
        let page = try DocumentationPage("agents.md")
        #expect(page.blocks(of: "swift").contains(program))
        let manifest = try #require(page.blocks(of: "swift").first { $0.hasPrefix("// swift-tools-version") })
        #expect(manifest.contains(#".product(name: "Agents", package: "operadora")"#))
        let own = try text("Package.swift")
        #expect(own.contains("name: \"operadora\",\n"))
        #expect(manifest.prefix { $0 != "\n" } == own.prefix { $0 != "\n" }, "the same version of the tools")
        let product = try #require(own.split(separator: "\n").first { $0.contains(#".library(name: "Agents""#) })
        let imports = program.split(separator: "\n").filter { $0.hasPrefix("import ") }.map { $0.dropFirst(7) }
        #expect(imports.count == 3)
        for module in imports { #expect(product.contains("\"\(module)\""), "the product lacks \(module)") }
    }

    @Test("The packages that the page names for it are those of the libraries that its modules link")
    func packages() throws {
        let sections = try DocumentationPage("agents.md").section("In a package of your own")
        let needed = ["CLibCurl": "libcurl4-openssl-dev", "CMicroHTTPD": "libmicrohttpd-dev", "CCrypto": "libssl-dev"]
        let own = try text("Package.swift")
        for module in ["Platform", "HTTP", "Agents"] {
            let line = try #require(own.split(separator: "\n").first { $0.contains("house(\"\(module)\", on:") })
            for match in line.matches(of: /"(C[A-Z]\w+)"/) where match.1 != "CSpawn" {
                let package = try #require(needed[String(match.1)], "\(match.1)")
                #expect(sections.contains("`\(package)`"))
            }
        }
    }
}

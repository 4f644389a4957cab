import FoundationEssentials
import Glibc
import HTTP
import Platform

/// `baml-cli serve` of the package `baml-py`, on this repository's `baml_src/`. For tests that are
/// `.enabled(if: PythonPeer.isExpected)`.
public final class BAMLServer: Sendable {
    /// What it wants of clients.
    public static let password = "sk-baml-0123456789"

    public let url: String
    private let process: ChildProcess

    /// Starts it and waits until it answers.
    ///
    /// - Parameters:
    ///   - modelURL: of the server that its functions ask, such as a simulator's `…/v1`; nil leaves it out of the environment.
    ///   - source: the folder to serve, whose name must be `baml_src`.
    public static func start(
        modelURL: String?, apiKey: String = "sk-simulated", modelName: String = "gpt-4o-mini", source: String? = nil
    ) async throws -> BAMLServer {
        let port = try FreePort.any()
        let root = URL(filePath: TestDatabase.migrations).deletingLastPathComponent()
        var environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "BAML_PASSWORD": password,
            "OPENAI_API_KEY": apiKey, "OPENAI_MODEL": modelName, "BAML_LOG": "off",
        ]
        environment["OPENAI_BASE_URL"] = modelURL
        let process = try ChildProcess.start(
            root.appending(path: ".venv/bin/baml-cli").path,
            ["serve", "--from", source ?? root.appending(path: "baml_src").path, "--port", String(port)],
            // Its .env file would be read there.
            environment: environment, directory: FileManager.default.temporaryDirectory.path, output: .null,
            error: .null)
        let server = BAMLServer(url: "http://127.0.0.1:\(port)", process: process)
        guard try await server.answers() else {
            await server.stop()
            throw PeerFailure(output: "baml-cli serve does not answer")
        }
        return server
    }

    private init(url: String, process: ChildProcess) {
        self.url = url
        self.process = process
    }

    /// Ends it.
    public func stop() async {
        process.signal(SIGKILL)
        _ = try? await process.exit()
    }

    private func answers() async throws -> Bool {
        let client = HTTPClient(logger: Logger(label: "baml", level: .critical))
        let isThere = try await eventually(within: .seconds(60)) {
            (try? await client.send(HTTPClientRequest(.get, url + "/_debug/ping")))?.status == 200
        }
        await client.shutDown()
        return isThere
    }
}

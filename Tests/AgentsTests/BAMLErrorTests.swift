import HTTP
import Platform
import TestSupport
import Testing

@testable import Agents

/// What becomes of failures of the model, of BAML, and on the way to it.
@Suite("Errors of the BAML model", .enabled(if: PythonPeer.isExpected))
struct BAMLErrorTests {
    private let request = ModelServer.request

    private func error(_ model: BAMLModel, _ request: ModelRequest? = nil) async -> ModelError? {
        await #expect(throws: ModelError.self) { try await model.respond(to: request ?? self.request) }
    }

    @Test(
        "What the model's server refuses is reported as what it is, at once, and no error repeats a secret or a prompt")
    func refusals() async throws {
        let refusals: [(Int, String, ModelError.Code)] = [
            (401, "invalid_api_key", .authentication), (429, "insufficient_quota", .quotaExceeded),
            (400, "context_length_exceeded", .contextTooLong), (400, "invalid_value", .invalidRequest),
            (404, "model_not_found", .invalidRequest),
        ]
        let server = ModelServer(
            refusals.map { status, kind, _ in
                { @Sendable _ in
                    ModelServer.failure(
                        status,
                        ["message": .string("Wrong “\(ModelServer.key)”\n"), "code": .string(kind), "type": "x"])
                }
            })
        let waits = try await server.runBAML { model in
            for (status, _, code) in refusals {
                let error = await error(model)
                #expect(error?.code == code && error?.status == status)
                #expect(error?.description.contains(ModelServer.key) == false)
                #expect(error?.description.contains("Hi") == false)
            }
        }
        #expect(waits.isEmpty)
    }

    @Test("What passes is tried again: too many requests, failures, lost connections")
    func retries() async throws {
        let server = ModelServer(
            ModelServer.failure(429), ModelServer.failure(503), .drop(),
            ModelServer.completion(["role": "assistant", "content": "At last."]))
        let waits = try await server.runBAML { model in
            let response = try await model.respond(to: request)
            #expect(response.text == "At last.")
        }
        #expect(server.requests.count == 4 && waits.count == 3)
    }

    @Test("What cannot be read is no answer, and a server that hangs is given up in time")
    func unreadable() async throws {
        let (open, release) = AsyncStream.makeStream(of: Void.self)
        let server = ModelServer([
            { _ in
                HTTPServerResponse(
                    status: 200, headers: ["Content-Type": "application/json"], body: Array("<html>".utf8))
            },
            { _ in
                for await _ in open {}
                return ModelServer.failure(500)
            },
        ])
        _ = try await server.runBAML { model in
            #expect(await error(model)?.code == .invalidAnswer)
            var short = request
            short.timeout = .milliseconds(300)
            #expect(await error(model, short)?.code == .timeout)
            release.finish()
        }
    }

    @Test("A wrong password, a missing function, a missing environment and a missing server are told apart")
    func misconfiguration() async throws {
        let baml = try await BAMLServer.start(modelURL: nil)
        let client = HTTPClient(logger: Logger(label: "test", level: .critical))
        func failure(_ change: (inout BAMLModel.Configuration) -> Void) async -> ModelError? {
            var settings = BAMLModel.Configuration()
            settings.baseURL = baml.url
            settings.password = BAMLServer.password
            change(&settings)
            var request = request
            request.responseSchema = (name: "thing", schema: ["type": "object"])
            let model = BAMLModel(settings, client: client) { _ in }
            return await error(model, request)
        }
        #expect(await failure { $0.password = "sk-baml-wrong" }?.code == .authentication)
        #expect(await failure { $0.password = nil }?.code == .authentication)
        let missing = await failure { $0.functions = ["thing": "Nothing"] }
        #expect(missing?.code == .invalidRequest && missing?.message.contains("baml_src") == true)
        let arguments = await failure { $0.functions = ["thing": "AnswerTurn"] }
        #expect(arguments?.code == .invalidRequest, "other arguments than these")
        let environment = await failure { _ in }
        #expect(environment?.code == .invalidRequest && environment?.message.contains("OPENAI_BASE_URL") == true)
        #expect(await failure { $0.baseURL = "http://127.0.0.1:1" }?.code == .unavailable)
        await client.shutDown()
        await baml.stop()
    }
}

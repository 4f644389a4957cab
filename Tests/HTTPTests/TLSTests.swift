import HTTP
import Platform
import Synchronization
import TestSupport
import Testing

/// Against an HTTP/2 server over TLS (package h2).
@Suite(.enabled(if: PythonPeer.isExpected)) struct TLSTests {
    private static func client(trusting certificate: String?) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.certificateAuthorityFile = certificate
        return HTTPClient(configuration: configuration, logger: quiet)
    }

    @Test("Over TLS, many requests at once share one HTTP/2 connection")
    func multiplexing() async throws {
        let report = try await PythonPeer.serve(Self.script) { facts in
            let client = Self.client(trusting: facts["certificate"])
            let url = "https://127.0.0.1:\(facts["port"] ?? "")"
            let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                for n in 0..<50 {
                    group.addTask {
                        var request = HTTPClientRequest(
                            .post, "\(url)/\(n)", headers: ["X-One": "a"], body: Array("b\(n)".utf8))
                        request.timeout = .seconds(20)
                        return try await client.send(request).text == "POST /\(n) a b\(n)"
                    }
                }
                return try await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(answers.count == 50 && answers.allSatisfy { $0 })
            await client.shutDown()
        }
        #expect(report == ["connections": 1, "protocols": ["h2"]])
    }

    @Test("A certificate that nobody vouches for is no connection, and nothing is sent")
    func untrusted() async throws {
        let report = try await PythonPeer.serve(Self.script) { facts in
            let client = Self.client(trusting: nil)
            let request = HTTPClientRequest(.post, "https://127.0.0.1:\(facts["port"] ?? "")/", body: [1])
            let failure = await error { try await client.send(request) }
            #expect(failure?.code == .notConnected)
            #expect(failure?.requestWasSent == false)
        }
        #expect(report["connections"] == 0)
    }

    @Test("A certificate for another host is no connection")
    func wrongHost() async throws {
        _ = try await PythonPeer.serve(Self.script) { facts in
            let client = Self.client(trusting: facts["certificate"])
            let failure = await error { try await client.get("https://localhost:\(facts["port"] ?? "")/") }
            #expect(failure?.code == .notConnected)
        }
    }

    private static let script = """
        from h2.config import H2Configuration
        from h2.connection import H2Connection
        from h2.events import DataReceived, RequestReceived, StreamEnded

        certificate, context = certify("127.0.0.1")
        context.set_alpn_protocols(["h2", "http/1.1"])
        protocols = []

        async def serve(reader, writer):
            protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
            connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
            connection.initiate_connection()
            requests = {}
            while True:
                writer.write(connection.data_to_send())
                data = await reader.read(65536)
                if not data:
                    break
                for event in connection.receive_data(data):
                    if isinstance(event, RequestReceived):
                        requests[event.stream_id] = [dict(event.headers), b""]
                    elif isinstance(event, DataReceived):
                        requests[event.stream_id][1] += event.data
                    elif isinstance(event, StreamEnded):
                        headers, body = requests.pop(event.stream_id)
                        answer = " ".join([headers[":method"], headers[":path"], headers["x-one"], body.decode()])
                        connection.send_headers(event.stream_id, [(":status", "200")])
                        connection.send_data(event.stream_id, answer.encode(), end_stream=True)
            writer.close()

        async def main():
            server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
            port = server.sockets[0].getsockname()[1]
            await asyncio.to_thread(announce, port=port, certificate=certificate)
            server.close()

        asyncio.run(main())
        json.dump({"connections": len(protocols), "protocols": protocols}, sys.stdout)
        """
}

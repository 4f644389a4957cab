public import HTTP
public import Platform

extension PythonPeer {
    /// Runs a server written in Python for the length of `test`, and gives what it wrote to standard output as JSON.
    ///
    /// The script finds its input as `rules`. Once it listens it calls `announce(name=value, …)`, which returns when the test
    /// is done; `test` gets what was announced. `certify(host)` makes a self-signed certificate for an IP address: the paths
    /// of its two files, and a context for servers.
    public static func serve(
        _ script: String, rules: [String: JSON] = [:], _ test: @escaping @Sendable (FormFields) async throws -> Void
    ) async throws -> JSON {
        let (announced, announce) = AsyncStream.makeStream(of: FormFields.self, bufferingPolicy: .bufferingOldest(1))
        let (done, finish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        var configuration = HTTPServer.Configuration()
        configuration.requestDeadline = .seconds(120)
        let control = try HTTPServer(configuration: configuration, logger: Logger(label: "peer", level: .error)) {
            announce.yield($0.query)
            for await _ in done {}
            return HTTPServerResponse()
        }
        var input = rules
        input["control"] = .string("http://127.0.0.1:\(control.port)/")
        async let output = run(prelude + script, input: .object(input)) { announce.finish() }
        do {
            for await facts in announced {
                try await test(facts)
                break
            }
        } catch {
            // The script's request ends with the server, and the script with its request.
            await control.stop(within: .zero)
            throw error
        }
        finish.finish()
        let result = try await output
        await control.stop()
        return result
    }

    private static func run(_ script: String, input: JSON, atEnd: @Sendable () -> Void) async throws -> JSON {
        defer { atEnd() }
        return try await run(script, input: input)
    }

    private static let prelude = """
        import asyncio, json, ssl, subprocess, sys, tempfile, urllib.parse, urllib.request

        rules = json.load(sys.stdin)
        folder = tempfile.TemporaryDirectory()

        def certify(host):
            certificate, key = folder.name + "/certificate.pem", folder.name + "/key.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "2", "-subj", "/CN=peer.test", "-addext", "subjectAltName=IP:" + host, "-keyout", key,
                 "-out", certificate], check=True, capture_output=True)
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)
            return certificate, context

        def announce(**facts):
            urllib.request.urlopen(rules["control"] + "?" + urllib.parse.urlencode(facts)).read()


        """
}

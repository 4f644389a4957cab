import Platform
import Postgres
import TestSupport
import Testing

@Suite struct ListenTests {
    private let logger = Logger(label: "tests", level: .critical)

    private func client(_ connectionString: String) -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: connectionString)
        configuration.acquireTimeout = .seconds(30)
        configuration.connectTimeout = .seconds(1)
        return PostgresClient(configuration, logger: logger)
    }

    @Test("Notifications arrive in order, from channels of any name, and only from those")
    func order() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let channel = "Weird \"name\"; DROP"
        var received: [String] = []
        for await event in database.client.listen([channel, "other"]) {
            switch event {
            case .subscribed:
                try await database.client.batch(
                    (1...100).map { "SELECT pg_notify(\(channel), \("payload \($0)"))" }
                        + ["SELECT pg_notify('unheard', '')", "SELECT pg_notify('other', 'last')"])
            case .notification(let name, let payload, _):
                #expect(name == (payload == "last" ? "other" : channel))
                received.append(payload)
            }
            if received.last == "last" { break }
        }
        #expect(received == (1...100).map { "payload \($0)" } + ["last"])
        await database.client.close()
    }

    @Test("A subscription outlives a restart of the server, and says when it is back")
    func restart() async throws {
        let server = try await PrivateServer.start(logger: logger)
        let client = client(server.connectionString())
        var subscriptions = 0
        for await event in client.listen(["channel"]) {
            guard event == .subscribed else { break }
            subscriptions += 1
            if subscriptions == 1 {
                try await server.restart(.immediate)
            } else {
                try await client.query("SELECT pg_notify('channel', 'heard')")
            }
        }
        #expect(subscriptions == 2)
        await client.close()
        await server.stop()
    }

    @Test("A subscription finds out that its socket is half-open, and subscribes again")
    func halfOpen() async throws {
        let server = try await TestDatabase.server()
        let proxy = try SilentProxy(server: server.socketDirectory)
        let client = client("host=\(proxy.directory) user=postgres dbname=postgres")
        let other = self.client(server.connectionString())
        var subscriptions = 0
        for await event in client.listen(["half_open"], keepAlive: .milliseconds(200)) {
            guard event == .subscribed else { break }
            subscriptions += 1
            if subscriptions == 1 {
                proxy.silencePresentConnections()
            } else {
                try await other.query("SELECT pg_notify('half_open', 'heard')")
            }
        }
        #expect(subscriptions == 2)
        await client.close()
        await other.close()
        proxy.close()
    }

    @Test("A reader that lets go of the stream ends the subscription on the server")
    func ending() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let reader = Task {
            for await _ in database.client.listen(["channel"]) {}
        }
        let listening: PostgresQuery = """
            SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'
            """
        #expect(try await eventually { try await database.client.query(listening)[0].decode(Int.self) == 1 })
        reader.cancel()
        #expect(try await eventually { try await database.client.query(listening)[0].decode(Int.self) == 0 })
        await reader.value
        await database.client.close()
    }
}

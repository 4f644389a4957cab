/// A second server that follows the first, for failovers.
extension PrivateServer {
    /// Copies this server and starts the copy as its standby, by streaming replication. It answers reads from then on.
    ///
    /// - Parameters:
    ///   - settings: go to the standby's postgresql.conf, after what this server has in its own.
    ///   - limit: how long it may take until the standby answers.
    public func startStandby(
        settings: [String: String] = [:], within limit: Duration = .seconds(60)
    ) async throws -> PrivateServer {
        let standby = PrivateServer(home: try Self.makeHome(for: binaries.owner), binaries: binaries, logger: logger)
        do {
            try await standby.run(
                "pg_basebackup",
                [
                    "--pgdata", standby.data, "--host", home, "--username=postgres", "--checkpoint=fast",
                    "--wal-method=stream", "--write-recovery-conf", "--no-sync",
                ])
            try standby.append(settings)
            try await standby.run(within: limit)
        } catch {
            await standby.stop()
            throw error
        }
        return standby
    }

    /// Makes a standby a primary. Returns when it takes writes.
    public func promote() async throws {
        var configuration = PostgresConfiguration(connectionString: connectionString())
        configuration.maximumConnections = 1
        configuration.statementTimeout = nil
        let client = PostgresClient(configuration, logger: logger)
        do {
            guard try await client.query("SELECT pg_promote()").first?.decode(Bool.self) ?? false else {
                throw startFailure("the standby was not promoted")
            }
            await client.close()
        } catch {
            await client.close()
            throw error
        }
    }
}

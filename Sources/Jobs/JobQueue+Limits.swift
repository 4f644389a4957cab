public import Postgres

/// How many jobs of some sort may run at a time, and how many may start per second, whatever queue and worker they are in.
extension JobQueue {
    /// Makes a limit or changes it, at once: jobs that run go on.
    ///
    /// - Parameters:
    ///   - slots: held at a time, 0 or more; nil is any number.
    ///   - perSecond: starts per second, 0 to 10,000; nil is any number.
    ///   - burst: starts at once after a pause, 1 to 10,000.
    public func setLimit(_ name: String, slots: Int? = nil, perSecond: Double? = nil, burst: Int = 1) async throws {
        try await client.query(Statements.setLimit(name, slots: slots, perSecond: perSecond, burst: burst))
    }

    /// Forgets a limit that nobody uses. False while jobs need it or its slots are held, and when there is none of this name.
    public func dropLimit(_ name: String) async throws -> Bool {
        guard let row = try await client.query(Statements.dropLimit(name)).first else {
            throw PostgresError.noRow("drop_limit")
        }
        return try row.decode(Bool.self)
    }

    /// What `JobOptions.slotHolder` held may be another's. Again, or for a holder that holds nothing: nothing happens.
    public func releaseSlots(of holder: String) async throws {
        try await client.query(Statements.releaseSlots(of: holder))
    }

    /// The same in the caller's transaction, such as the one that ends what the slots stood for.
    public func releaseSlots(of holder: String, in connection: PostgresConnection) async throws {
        try await connection.query(Statements.releaseSlots(of: holder))
    }
}

public import Postgres

/// Imports a CSV file of leads into a campaign: all good rows in one transaction, or nothing.
///
/// Memory does not grow with the file: rows go by COPY into a temporary table, and one statement merges them. Rows of
/// one phone become one lead, and a lead that the campaign has already keeps what it has: the first value that is not
/// empty stands, later ones only fill gaps. So the same file again changes nothing.
public struct LeadImport: Sendable {
    private let client: PostgresClient
    private let campaignID: Int64
    private let country: String?

    /// - Parameter country: for phones without a country code (ISO 3166 alpha-2).
    public init(_ client: PostgresClient, campaignID: Int64, country: String?) {
        self.client = client
        self.campaignID = campaignID
        self.country = country
    }

    /// - Parameters:
    ///   - path: the file, or "-" for standard input.
    ///   - reportPath: where bad and merged rows are named, as CSV; no file is made when there are none. An earlier report
    ///     is replaced, any other file is not.
    ///   - isDryRun: judges and merges everything, then rolls back.
    ///   - progress: called on the import's own queue after each piece of the file.
    ///
    /// Throws `LeadFileError` or `CSVError` when the file as a whole cannot be read, `PostgresError` when the database
    /// refuses: nothing is imported then, and no report is left.
    public func run(
        path: String, reportPath: String, isDryRun: Bool = false,
        progress: @escaping @Sendable (LeadImportProgress) -> Void = { _ in }
    ) async throws -> LeadImportSummary {
        let reader = try LeadFileReader(
            path: path, reportPath: reportPath, country: country, zones: try await timeZones(), progress: progress)
        do {
            var summary = try await transact(reader, isDryRun: isDryRun)
            summary.reportPath = try await reader.finishReport()
            return summary
        } catch {
            await reader.discardReport()
            throw error
        }
    }

    private func transact(_ reader: LeadFileReader, isDryRun: Bool) async throws -> LeadImportSummary {
        do {
            return try await client.withTransaction { connection in
                let summary = try await load(reader, connection)
                // A thrown error is what rolls a transaction back.
                if isDryRun { throw DryRunEnd(summary: summary) }
                return summary
            }
        } catch let end as DryRunEnd {
            return end.summary
        }
    }

    private struct DryRunEnd: Error { let summary: LeadImportSummary }

    private func load(
        _ reader: LeadFileReader, _ connection: PostgresConnection
    ) async throws -> LeadImportSummary {
        // The limit is for statements that somebody waits for.
        try await connection.liftStatementTimeout()
        try await connection.query(
            """
            CREATE TEMPORARY TABLE imported_leads (
                line bigint NOT NULL, phone text NOT NULL, name text, email text, language text, timezone text,
                variables jsonb NOT NULL
            ) ON COMMIT DROP
            """)
        _ = try await connection.copyIn(unsafe: "COPY imported_leads FROM STDIN", from: LeadPieces(reader: reader))
        try await connection.query("ANALYZE imported_leads")
        let (inserted, updated, phones) = try await merge(connection)
        try await reportDuplicates(reader, connection)
        // A disk that is full is to undo the import, not to be found after it.
        try await reader.writeReport()
        let counts = await reader.rowCounts
        return LeadImportSummary(
            rows: counts.goodRows + counts.badRows, inserted: inserted, updated: updated,
            unchanged: phones - inserted - updated, merged: counts.goodRows - phones, bad: counts.badRows)
    }

    /// Returns how many leads were inserted, how many got a gap filled, and how many phones the file has.
    private func merge(_ connection: PostgresConnection) async throws -> (Int, Int, Int) {
        let result = try await connection.query(
            """
            WITH grouped AS (
                SELECT phone,
                    (array_agg(name ORDER BY line) FILTER (WHERE name IS NOT NULL))[1] AS name,
                    (array_agg(email ORDER BY line) FILTER (WHERE email IS NOT NULL))[1] AS email,
                    (array_agg(language ORDER BY line) FILTER (WHERE language IS NOT NULL))[1] AS language,
                    (array_agg(timezone ORDER BY line) FILTER (WHERE timezone IS NOT NULL))[1] AS timezone,
                    array_agg(variables ORDER BY line) AS variables
                FROM imported_leads GROUP BY phone
            ), merged AS (
                -- Of one key's values the last one wins in jsonb_object_agg: the first line comes last.
                SELECT phone, name, email, language, timezone,
                    CASE WHEN cardinality(variables) = 1 THEN variables[1] ELSE (
                        SELECT coalesce(jsonb_object_agg(key, value ORDER BY position DESC), '{}')
                        FROM unnest(variables) WITH ORDINALITY AS listed(object, position), jsonb_each(object))
                    END AS variables
                FROM grouped
            ), written AS (
                -- In the order of phones, so that two imports at once wait for each other instead of deadlocking.
                INSERT INTO leads AS lead (campaign_id, phone, name, email, language, timezone, variables)
                SELECT \(campaignID), phone, name, email, language, timezone, variables FROM merged ORDER BY phone
                ON CONFLICT ON CONSTRAINT lead_phone_is_unique_in_its_campaign DO UPDATE SET
                    name = coalesce(lead.name, excluded.name),
                    email = coalesce(lead.email, excluded.email),
                    language = coalesce(lead.language, excluded.language),
                    timezone = coalesce(lead.timezone, excluded.timezone),
                    variables = excluded.variables || lead.variables
                WHERE (lead.name IS NULL AND excluded.name IS NOT NULL)
                    OR (lead.email IS NULL AND excluded.email IS NOT NULL)
                    OR (lead.language IS NULL AND excluded.language IS NOT NULL)
                    OR (lead.timezone IS NULL AND excluded.timezone IS NOT NULL)
                    OR excluded.variables || lead.variables <> lead.variables
                RETURNING xmax = 0 AS is_new
            )
            SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new),
                (SELECT count(*) FROM merged)
            FROM written
            """)
        guard let row = result.first else { return (0, 0, 0) }
        return try row.decode(Int.self, Int.self, Int.self)
    }

    /// Names every row whose phone an earlier row has, a page at a time.
    private func reportDuplicates(_ reader: LeadFileReader, _ connection: PostgresConnection) async throws {
        try await connection.query(
            """
            DECLARE duplicates NO SCROLL CURSOR FOR
            SELECT line, first_line, phone
            FROM (SELECT line, phone, min(line) OVER (PARTITION BY phone) AS first_line FROM imported_leads) AS numbered
            WHERE line <> first_line ORDER BY line
            """)
        while true {
            let page = try await connection.query("FETCH 5000 FROM duplicates").map { row in
                let (line, firstLine, phone) = try row.decode(Int.self, Int.self, String.self)
                return (line: line, firstLine: firstLine, phone: phone)
            }
            if page.isEmpty { break }
            try await reader.reportMerged(page)
        }
        try await connection.query("CLOSE duplicates")
    }

    /// The zones that a lead may have, by their names in lower case: it is the database that checks them in the end.
    private func timeZones() async throws -> [String: String] {
        let names = try await client.query("SELECT name FROM pg_timezone_names WHERE is_time_zone(name)").map {
            try $0.decode(String.self)
        }
        return Dictionary(names.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    }
}

/// What an import did. `rows` = `inserted` + `updated` + `unchanged` + `merged` + `bad`.
public struct LeadImportSummary: Sendable, Hashable {
    public var rows: Int
    /// Leads that are new in the campaign.
    public var inserted: Int
    /// Leads of the campaign that had a gap filled.
    public var updated: Int
    /// Leads that the campaign had already, all of it.
    public var unchanged: Int
    /// Rows whose phone an earlier row of the file has.
    public var merged: Int
    public var bad: Int
    /// Nil when every row was good and no two had one phone.
    public var reportPath: String?
}

/// The file as the chunks of a COPY.
private struct LeadPieces: AsyncSequence, Sendable {
    let reader: LeadFileReader

    func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    struct Iterator: AsyncIteratorProtocol {
        let reader: LeadFileReader
        func next() async throws -> [UInt8]? { try await reader.nextPiece() }
        func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> [UInt8]? {
            try await reader.nextPiece()
        }
    }
}

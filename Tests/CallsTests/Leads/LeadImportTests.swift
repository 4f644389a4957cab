import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite struct LeadImportTests {
    /// A campaign in a database of its own, and files in a directory of their own.
    private final class Bench: Sendable {
        let client: PostgresClient
        let campaignID: Int64
        let directory = FileManager.default.temporaryDirectory.appending(path: "import-\(UUID().uuidString)").path

        init() async throws {
            client = try await TestDatabase.make().client
            let rows = try await client.query("INSERT INTO campaigns (name, country) VALUES ('C', 'US') RETURNING id")
            campaignID = try rows[0].decode(Int64.self)
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: directory) }

        var reportPath: String { "\(directory)/report.csv" }

        func run(_ text: String, isDryRun: Bool = false) async throws -> LeadImportSummary {
            try await run(bytes: Array(text.utf8), isDryRun: isDryRun)
        }

        func run(bytes: [UInt8], isDryRun: Bool = false) async throws -> LeadImportSummary {
            let path = "\(directory)/leads.csv"
            try Data(bytes).write(to: URL(filePath: path))
            return try await run(path: path, isDryRun: isDryRun)
        }

        func run(path: String, country: String = "US", isDryRun: Bool = false) async throws -> LeadImportSummary {
            try await LeadImport(client, campaignID: campaignID, country: country)
                .run(path: path, reportPath: reportPath, isDryRun: isDryRun)
        }

        /// The lines of the report, its header left out.
        func report() -> [String] {
            guard let data = FileManager.default.contents(atPath: reportPath) else { return [] }
            let text = String(decoding: data, as: UTF8.self)
            return text.split(separator: "\r\n").dropFirst().map(String.init)
        }

        func leads() async throws -> [String] {
            try await client.query(
                """
                SELECT concat_ws('|', phone, coalesce(name, '-'), coalesce(email, '-'), coalesce(language, '-'),
                    coalesce(timezone, '-'), variables::text)
                FROM leads ORDER BY id
                """
            ).map { try $0.decode(String.self) }
        }
    }

    @Test("Good rows come in, bad ones are named with line, column, value and reason")
    func goodAndBad() async throws {
        let bench = try await Bench()
        let summary = try await bench.run(
            "\u{FEFF}name,phone,language,company\r\nAna,(212) 555-0101,ES,\"Two\r\nlines\"\r\n"
                + "Bad,+123,klingon,\r\n,+442079460001,,\r\n\r\nExtra,+12125550104,en,Acme,x\r\n")
        #expect(summary.rows == 4 && summary.inserted == 2 && summary.bad == 2 && summary.merged == 0)
        #expect(
            try await bench.leads() == [
                "+12125550101|Ana|-|es|-|{\"company\": \"Two\\r\\nlines\"}", "+442079460001|-|-|-|-|{}",
            ])
        #expect(summary.reportPath == bench.reportPath)
        #expect(
            bench.report() == [
                "4,bad,phone,+123,has too few digits for its country",
                "4,bad,language,klingon,\"is not a language: it must be en, es or pt\"",
                "7,bad,column 5,x,has 5 columns where the header has 4",
            ])
    }

    @Test("What the table would refuse is a bad row like any other, not the end of the import")
    func tableRules() async throws {
        let bench = try await Bench()
        let summary = try await bench.run(
            """
            phone,timezone
            +12125550123,America/New_York
            +12125550124,EST5EDT
            +12125550125,Japan
            +491234,Europe/Berlin
            +49123456789012345,Europe/Berlin
            """)
        #expect((summary.rows, summary.inserted, summary.bad) == (5, 1, 4))
        #expect(
            bench.report() == [
                "3,bad,timezone,EST5EDT,is not a time zone: it must be one such as America/Mexico_City",
                "4,bad,timezone,Japan,is not a time zone: it must be one such as America/Mexico_City",
                "5,bad,phone,+491234,has too few digits for its country",
                "6,bad,phone,+49123456789012345,has too many digits for its country",
            ])
    }

    /// A file as people deliver it; beside the project, where it is there.
    private static let delivered = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../../shared/data/leads.csv").standardized.path

    @Test(
        "A file as people deliver it comes in, each bad row is named, and the same again changes nothing",
        .enabled(if: FileManager.default.fileExists(atPath: delivered)))
    func asDelivered() async throws {
        let bench = try await Bench()
        let first = try await bench.run(path: Self.delivered, country: "MX")
        #expect((first.rows, first.inserted, first.merged, first.bad) == (262, 178, 3, 81))
        let report = bench.report()
        #expect(report.count == 84)
        #expect(report.count { $0.hasSuffix(",has too few digits for its country") } == 74)
        #expect(Set(report.compactMap { $0.split(separator: ",").first }).count == 84, "each row once")
        let again = try await bench.run(path: Self.delivered, country: "MX")
        #expect((again.inserted, again.updated, again.unchanged) == (0, 0, 178))
    }

    @Test("The same file again changes nothing")
    func repeated() async throws {
        let bench = try await Bench()
        let text = "phone,name,company\n2125550101,Ana,A\n+1 212 555 0102,Bo,B\n+1 212-555-0101,,C\n"
        let first = try await bench.run(text)
        let before = try await bench.client.query("SELECT xmin::text, id FROM leads ORDER BY id").map {
            "\(try $0.decode(String.self, Int64.self))"
        }
        let second = try await bench.run(text)
        let after = try await bench.client.query("SELECT xmin::text, id FROM leads ORDER BY id").map {
            "\(try $0.decode(String.self, Int64.self))"
        }
        #expect(first.inserted == 2 && first.merged == 1)
        #expect(second.inserted == 0 && second.updated == 0 && second.unchanged == 2 && second.merged == 1)
        #expect(before == after)
    }

    @Test("Rows of one phone become one lead: the first value stands, later rows fill gaps, and each is reported")
    func duplicatesInFile() async throws {
        let bench = try await Bench()
        let summary = try await bench.run(
            """
            phone,name,email,language,a,b
            +12125550101,,x@example.com,,1,
            (212) 555-0101,Ana,y@example.com,es,2,3
            12125550101,Eva,,pt,,4

            """)
        #expect(summary.inserted == 1 && summary.merged == 2 && summary.bad == 0)
        #expect(try await bench.leads() == ["+12125550101|Ana|x@example.com|es|-|{\"a\": \"1\", \"b\": \"3\"}"])
        #expect(
            bench.report().map { $0.split(separator: ",").prefix(4).joined(separator: ",") } == [
                "3,merged,phone,+12125550101", "4,merged,phone,+12125550101",
            ])
    }

    @Test("A lead of the campaign keeps what it has; its gaps are filled")
    func existingLeads() async throws {
        let bench = try await Bench()
        try await bench.client.query(
            """
            INSERT INTO leads (campaign_id, phone, name, variables)
            VALUES (\(bench.campaignID), '+12125550101', 'Ana', '{"a": "old"}'),
                   (\(bench.campaignID), '+12125550102', 'Bo', '{}')
            """)
        let summary = try await bench.run(
            "phone,name,email,a,b\n2125550101,Eva,x@example.com,new,more\n2125550102,Beatrix,,,\n2125550103,Cy,,,\n")
        #expect(summary.inserted == 1 && summary.updated == 1 && summary.unchanged == 1)
        #expect(
            try await bench.leads() == [
                "+12125550101|Ana|x@example.com|-|-|{\"a\": \"old\", \"b\": \"more\"}", "+12125550102|Bo|-|-|-|{}",
                "+12125550103|Cy|-|-|-|{}",
            ])
    }

    @Test("A dry run says what would be done and does none of it")
    func dryRun() async throws {
        let bench = try await Bench()
        let text = "phone\n2125550101\n1\n"
        let dry = try await bench.run(text, isDryRun: true)
        #expect(try await bench.leads().isEmpty)
        #expect(bench.report().count == 1)
        #expect(dry == (try await bench.run(text)))
    }

    @Test("A file that breaks off in the middle imports nothing and leaves no report")
    func nothingHalf() async throws {
        let bench = try await Bench()
        // More than one piece of the file has been copied when the error comes.
        let rows = (0..<20_000).map { "+1212\(2_000_000 + $0),x\n" }.joined()
        await #expect(throws: CSVError.unclosedQuote(line: 20_003)) {
            try await bench.run("phone,name\n" + "1,bad\n" + rows + "2125550101,\"open\n2125550102,x\n")
        }
        #expect(try await bench.leads().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.directory) == ["leads.csv"])
    }

    @Test(
        "A file that cannot be used as a whole is refused with what to do",
        arguments: [
            ([], LeadFileError.empty), ([0xEF, 0xBB, 0xBF], .empty), (Array("\n\n".utf8), .empty),
            ([0xFF, 0xFE, 0x70, 0x00], .utf16), ([0x00, 0x70, 0x00, 0x68], .utf16),
            (Array("a;b\n1;2\n".utf8), .withoutPhone(titles: ["a", "b"])),
        ] as [([UInt8], LeadFileError)])
    func unusable(bytes: [UInt8], error: LeadFileError) async throws {
        let bench = try await Bench()
        await #expect(throws: error) { try await bench.run(bytes: bytes) }
    }

    @Test("An earlier report is replaced, another file is not: the import is refused before it begins")
    func reportInTheWay() async throws {
        let bench = try await Bench()
        let leads = "phone\n1\n2125550101\n"
        for _ in 1...2 { #expect(try await bench.run(leads).reportPath == bench.reportPath) }
        #expect(bench.report().count == 1)

        let file = "\(bench.directory)/leads.csv"
        try FileManager.default.createSymbolicLink(atPath: "\(bench.directory)/link.csv", withDestinationPath: file)
        try FileManager.default.copyItem(atPath: file, toPath: "\(bench.directory)/other.csv")
        try FileManager.default.copyItem(atPath: file, toPath: "\(bench.directory)/new.csv.partial")
        try await bench.client.query("DELETE FROM leads")
        for (name, taken, reason) in [
            ("leads.csv", "leads.csv", "it is the file of the leads"),
            ("link.csv", "link.csv", "it is the file of the leads"),
            ("other.csv", "other.csv", "it is there already, and is no report of an import"),
            ("new.csv", "new.csv.partial", "it is there already, and is no report of an import"),
        ] {
            for isDryRun in [false, true] {
                let leadImport = LeadImport(bench.client, campaignID: bench.campaignID, country: "US")
                let error = LeadFileError.notWritable(path: "\(bench.directory)/\(taken)", reason: reason)
                await #expect(throws: error) {
                    try await leadImport.run(
                        path: file, reportPath: "\(bench.directory)/\(name)", isDryRun: isDryRun)
                }
                #expect(FileManager.default.contents(atPath: "\(bench.directory)/\(taken)") == Data(leads.utf8))
            }
        }
        #expect(try await bench.leads().isEmpty)
        try Data().write(to: URL(filePath: bench.reportPath))
        #expect(try await bench.run(leads).reportPath == bench.reportPath, "nothing of an empty file is lost")
    }

    @Test("A file that is not there, and a report that cannot be written, are named")
    func missingFiles() async throws {
        let bench = try await Bench()
        await #expect(throws: LeadFileError.notReadable(path: "/nonexistent.csv", reason: "No such file or directory"))
        {
            try await bench.run(path: "/nonexistent.csv")
        }
        try Data("phone\n1\n2125550101\n".utf8).write(to: URL(filePath: "\(bench.directory)/leads.csv"))
        let leadImport = LeadImport(bench.client, campaignID: bench.campaignID, country: nil)
        await #expect(
            throws: LeadFileError.notWritable(path: "/nonexistent/r.csv", reason: "No such file or directory")
        ) {
            try await leadImport.run(path: "\(bench.directory)/leads.csv", reportPath: "/nonexistent/r.csv")
        }
        #expect(try await bench.leads().isEmpty)
    }

    @Test("Hostile text comes in as text, and a report is safe to open in a spreadsheet")
    func hostileText() async throws {
        let bench = try await Bench()
        let name = #"Robert'); DROP TABLE leads;-- \N \. $1"#
        let summary = try await bench.run(
            "phone\tname\tnote\n2125550101\t\(name)\t=1+1\n=cmd|' /C calc'!A0\tx\t\n-12\t\t\n")
        #expect(summary.inserted == 1)
        #expect(try await bench.leads() == ["+12125550101|\(name)|-|-|-|{\"note\": \"=1+1\"}"])
        #expect(
            bench.report() == [
                "3,bad,phone,'=cmd|' /C calc'!A0,is not a phone number",
                "4,bad,phone,-12,has too few digits for its country",
            ])
    }

    @Test("Two imports of the same leads at once both end, and each lead is there once")
    func concurrently() async throws {
        let bench = try await Bench()
        let rows = (0..<2_000).map { "+1212\(2_000_000 + $0)\n" }
        for (name, rows) in [("a", rows), ("b", rows.reversed())] {
            try Data(("phone\n" + rows.joined()).utf8).write(to: URL(filePath: "\(bench.directory)/\(name).csv"))
        }
        let directory = bench.directory
        let leadImport = LeadImport(bench.client, campaignID: bench.campaignID, country: nil)
        let inserted = try await withThrowingTaskGroup(of: Int.self) { group in
            for name in ["a", "b"] {
                group.addTask {
                    try await leadImport.run(
                        path: "\(directory)/\(name).csv", reportPath: "\(directory)/\(name)-report.csv"
                    ).inserted
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(inserted == 2_000)
        #expect(try await bench.leads().count == 2_000)
    }

    @Test("Progress counts rows and bytes up to the file's size")
    func progress() async throws {
        let bench = try await Bench()
        let text = "phone\n" + (0..<30_000).map { "+1212\(2_000_000 + $0)\n" }.joined()
        try Data(text.utf8).write(to: URL(filePath: "\(bench.directory)/leads.csv"))
        let (steps, continuation) = AsyncStream.makeStream(
            of: LeadImportProgress.self, bufferingPolicy: .bufferingOldest(100))
        _ = try await LeadImport(bench.client, campaignID: bench.campaignID, country: nil).run(
            path: "\(bench.directory)/leads.csv", reportPath: bench.reportPath
        ) { continuation.yield($0) }
        continuation.finish()
        var seen: [LeadImportProgress] = []
        for await step in steps { seen.append(step) }
        #expect(seen.count > 1)
        #expect(seen.map(\.bytes) == seen.map(\.bytes).sorted())
        #expect(seen.last?.bytes == text.utf8.count && seen.last?.totalBytes == text.utf8.count)
        #expect(seen.last?.goodRows == 30_000)
    }
}

import Calls
import FoundationEssentials
import Platform
import Synchronization

struct LeadsCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "leads", abstract: "Bring leads into a campaign.",
            discussion: "EXAMPLE:\n  operadora leads import leads.csv --campaign \"Spring\"",
            subcommands: [Import.self])
    }

    struct Import: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "import", abstract: "Import leads from a CSV file: all good rows, or nothing.",
                discussion: """
                    The first line names the columns, in English, Spanish or Portuguese: phone (or teléfono,
                    telefone), name, email, language, timezone; any other column becomes a variable of the
                    lead. Phones without a country code are read as numbers of the campaign's country. Rows of
                    one phone become one lead: the first value that is not empty stands, and what the campaign
                    has already is never overwritten, so the same file again changes nothing. Bad rows are left
                    out and named in the report with line, column, value and reason.

                    EXAMPLE:
                      operadora leads import leads.csv --campaign "Spring"
                      operadora leads import leads.csv --campaign "Spring" --dry-run --report /tmp/report.csv
                    """)
        }

        @Argument(help: "The CSV file, or - for standard input.") var file: String
        @Option(help: "Name or number of the campaign.", valueName: "name or number") var campaign: String
        @Option(
            help: "Where to write the report, in the place of an earlier one but of no other file "
                + "(default: import-report-<file>-<time>.csv in the working directory).",
            valueName: "file")
        var report: String?
        @Flag(help: "Say what would be done, and change nothing.") var dryRun: Bool
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await Database.with { client in
                let campaign = try await CampaignReference.find(campaign, client)
                let leadImport = LeadImport(client, campaignID: campaign.id, country: campaign.country)
                let progress = ImportProgressLine()
                let summary = try await leadImport.run(
                    path: file, reportPath: report ?? usualReportPath(), isDryRun: dryRun
                ) { progress.show($0) }
                progress.clear()
                Console.print(output.json ? Self.json(summary, dryRun).text : text(summary, campaign))
                // Something was to be imported, and nothing could be.
                if summary.rows > 0 && summary.bad == summary.rows { throw ExitCode.failure }
            }
        }

        private func usualReportPath() -> String {
            let name = file == "-" ? "stdin" : URL(filePath: file).deletingPathExtension().lastPathComponent
            let time = Date().ISO8601Format(.iso8601(timeZone: .gmt, dateSeparator: .omitted, timeSeparator: .omitted))
            // Two imports in a second have a report each.
            let names = (1...).lazy.map { "import-report-\(name)-\(time)\($0 == 1 ? "" : "-\($0)").csv" }
            return names.first { !FileManager.default.fileExists(atPath: $0) } ?? "import-report.csv"
        }

        static func json(_ summary: LeadImportSummary, _ isDryRun: Bool) -> JSON {
            [
                "rows": .integer(Int64(summary.rows)), "inserted": .integer(Int64(summary.inserted)),
                "updated": .integer(Int64(summary.updated)), "unchanged": .integer(Int64(summary.unchanged)),
                "merged": .integer(Int64(summary.merged)), "bad": .integer(Int64(summary.bad)),
                "report": summary.reportPath.map { .string($0) } ?? .null, "dry_run": .bool(isDryRun),
            ]
        }

        private func text(_ summary: LeadImportSummary, _ campaign: CampaignReference) -> String {
            let counts = [
                (summary.inserted, "new leads"), (summary.updated, "leads completed"),
                (summary.unchanged, "leads unchanged"), (summary.merged, "rows merged by phone"),
                (summary.bad, "bad rows"),
            ].map { "\($0) \($1)" }.joined(separator: ", ")
            let report = summary.reportPath.map { "\nBad and merged rows are named in \($0)" } ?? ""
            let verb = dryRun ? "Nothing was written, but would be" : "Imported"
            return "\(verb): \(summary.rows) rows for \"\(campaign.name)\", \(counts).\(report)"
        }
    }
}

/// One line on the terminal that is rewritten as an import goes on, ten times a second at most.
final class ImportProgressLine: Sendable {
    private let start = Stopwatch()
    private let lastShown = Mutex<Duration>(.zero)

    func show(_ progress: LeadImportProgress) {
        let elapsed = start.elapsed
        let isDue = lastShown.withLock { last in
            guard elapsed - last >= .milliseconds(100) else { return false }
            last = elapsed
            return true
        }
        if isDue { Console.rewriteLine(text(progress, elapsed)) }
    }

    func clear() { Console.rewriteLine("") }

    func text(_ progress: LeadImportProgress, _ elapsed: Duration) -> String {
        let rows = progress.goodRows + progress.badRows
        let rate = Int(Double(rows) / max(0.001, elapsed.inSeconds))
        let bad = progress.badRows > 0 ? ", \(progress.badRows) bad" : ""
        guard let total = progress.totalBytes, total > 0 else { return "\(rows) rows\(bad), \(rate)/s" }
        if progress.bytes >= total { return "\(rows) rows\(bad) read, merging …" }
        return "\(progress.bytes * 100 / total) %  \(rows) rows\(bad), \(rate)/s"
    }
}

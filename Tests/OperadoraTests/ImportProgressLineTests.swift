import Testing

@testable import Calls
@testable import operadora

@Suite struct ImportProgressLineTests {
    @Test(
        "The line has the share that is read, the rows with the bad ones, and how fast they come",
        arguments: [
            (250, 1_000, 0, "25 %  3000 rows, 1500/s"), (250, 1_000, 20, "25 %  3020 rows, 20 bad, 1510/s"),
            (1_000, 1_000, 20, "3020 rows, 20 bad read, merging …"), (1_000, nil, 0, "3000 rows, 1500/s"),
            (0, 0, 20, "3020 rows, 20 bad, 1510/s"),
        ] as [(Int, Int?, Int, String)])
    func text(bytes: Int, of total: Int?, bad: Int, shown: String) {
        var progress = LeadImportProgress(totalBytes: total)
        (progress.goodRows, progress.badRows, progress.bytes) = (3_000, bad, bytes)
        #expect(ImportProgressLine().text(progress, .seconds(2)) == shown)
    }
}

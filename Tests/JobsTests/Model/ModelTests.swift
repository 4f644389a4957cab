import Testing

@Suite("Random histories", .timeLimit(.minutes(3)))
struct ModelTests {
    @Test(
        "Whatever happens in whatever order, the tables are what a simple model says", arguments: ModelForm.seeds
    )
    func history(seed: UInt64) async throws {
        if let discrepancy = try await History.run(seed: seed, steps: 200) {
            Issue.record("seed \(seed): \(discrepancy)")
        }
    }
}

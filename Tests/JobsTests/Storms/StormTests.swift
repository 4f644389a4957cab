import Platform
import TestSupport
import Testing

/// The short form is part of the tests; with OPERADORA_MODEL_MINUTES it is what `make model` runs.
@Suite("Storms", .serialized, .timeLimit(.minutes(ModelForm.minutes + 5)))
struct StormTests {
    @Test(
        "Whatever befalls workers and database while all features are in use, no promise is broken and every job ends")
    func storms() async throws {
        #expect(WorkerProcess.canSetClock || !PythonPeer.isRequired, "faketime is not installed")
        let end = ContinuousClock.now + .seconds(60 * ModelForm.minutes)
        var seed = ModelForm.firstSeed
        repeat {
            try await survive(Storm(seed: seed, operations: ModelForm.isLong ? 1000 : 150))
            seed += 1
        } while ContinuousClock.now < end
    }

    private func survive(_ storm: Storm) async throws {
        let watch = Stopwatch()
        do {
            let run = try await StormRun.survive(storm)
            print(
                "storm \(storm.seed): \(storm.operations.count) operations and \(storm.faults.count) faults in",
                "\(Int(watch.elapsed.inSeconds)) s; jobs were \(run.summary); \(run.broken.count) promises broken")
            for promise in run.broken { Issue.record("storm \(storm.seed) broke a promise. \(promise)") }
            if !run.broken.isEmpty { print(storm) }
        } catch {
            print(storm)
            throw error
        }
    }
}

import Foundation
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
            let storm = Storm(seed: seed, operations: ModelForm.isLong ? 1000 : 250)
            let watch = Stopwatch()
            do {
                let run = try await StormRun.survive(storm)
                print(
                    "model: storm \(seed) over \(storm.operations.count) operations took \(Int(watch.elapsed.inSeconds)) s: "
                        + "\(run.summary); \(run.broken.count) promises broken")
                for promise in run.broken { Issue.record("storm \(seed) broke a promise. \(promise)") }
                if !run.broken.isEmpty { print(storm) }
            } catch {
                print(storm)
                throw error
            }
            seed += 1
        } while ContinuousClock.now < end
    }
}

/// How long the tests against the model go on, and where they begin.
enum ModelForm {
    private static let environment = ProcessInfo.processInfo.environment

    static let minutes = environment["OPERADORA_MODEL_MINUTES"].flatMap(Int.init) ?? 0
    static var isLong: Bool { minutes > 0 }
    /// OPERADORA_MODEL_SEED repeats what a failure has printed.
    static let firstSeed = environment["OPERADORA_MODEL_SEED"].flatMap(UInt64.init) ?? 1
}

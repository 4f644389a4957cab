import Foundation
import Glibc
import Platform
import Synchronization
import TestSupport

/// The worker processes of a storm. One that ends, by whatever hand, is started again until `stop`.
final class StormWorkers: Sendable {
    private struct State {
        var isOver = false
        var processes: [Int: WorkerProcess] = [:]
    }
    private let url: String
    private let state = Mutex(State())

    init(url: String) { self.url = url }

    /// Returns when all have ended, after `stop`.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Storm.workers { group.addTask { try await self.keep(number) } }
            try await group.waitForAll()
        }
    }

    func perform(_ fault: Storm.Fault) async throws {
        switch fault {
        case .kill(let number): process(number)?.kill()
        case .stop(let number): process(number)?.stop()
        case .freeze(let number, let duration):
            let victim = process(number)
            victim?.freeze()
            defer { victim?.thaw() }
            try await Task.sleep(for: duration)
        case .restartDatabase: break
        }
    }

    /// Gracefully.
    func stop() {
        let processes = state.withLock { state in
            state.isOver = true
            return Array(state.processes.values)
        }
        for process in processes { process.stop() }
    }

    private func process(_ number: Int) -> WorkerProcess? { state.withLock { $0.processes[number] } }

    private func keep(_ number: Int) async throws {
        while !state.withLock({ $0.isOver }) {
            let process = try WorkerProcess.start(
                url, deadAfter: .seconds(1), ticks: true, clock: Self.clocks[number % Self.clocks.count])
            state.withLock { $0.processes[number] = process }
            if state.withLock({ $0.isOver }) { process.stop() }
            do {
                _ = try await process.end()
            } catch {
                process.kill()
                throw error
            }
        }
    }

    /// The first is right, the others are an hour off: faketime(1) sets the clock of a process.
    private static let clocks: [String?] = WorkerProcess.canSetClock ? [nil, "+3600s", "-3600s"] : [nil]
}

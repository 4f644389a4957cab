/// The life of a service group, without its effects: events in, actions out.
///
/// `running` → `stopping` (one service at a time, the last started first) → `cancelling` → `ended`.
struct ServiceGroupState {
    enum Action: Equatable {
        case askToStop(Int)
        case startGracefulLimit
        case cancelAll
        case startCancellationLimit
        /// Everything has returned: leave the group.
        case finish
        /// These did not return in time: end the process.
        case abandon([Int])
    }

    private enum Phase { case running, stopping, cancelling, ended }

    private var phase = Phase.running
    private var alive: Set<Int>

    init(serviceCount: Int) { alive = Set(0..<serviceCount) }

    /// A signal came, or the program itself asks to stop.
    mutating func stopAsked() -> [Action] {
        guard phase == .running else { return [] }
        phase = .stopping
        return [.startGracefulLimit] + askNext()
    }

    /// A service returned or threw. One that ends uncalled takes the others with it: half a process helps nobody.
    mutating func serviceEnded(_ index: Int) -> [Action] {
        alive.remove(index)
        switch phase {
        case .running: return alive.isEmpty ? askNext() : stopAsked()
        case .stopping: return askNext()
        case .cancelling: return finishIfEmpty()
        case .ended: return []
        }
    }

    /// The task of the group was cancelled.
    mutating func groupCancelled() -> [Action] {
        guard phase == .running || phase == .stopping else { return [] }
        return cancel()
    }

    mutating func gracefulLimitReached() -> [Action] {
        guard phase == .stopping else { return [] }
        return cancel()
    }

    mutating func cancellationLimitReached() -> [Action] {
        guard phase == .cancelling else { return [] }
        phase = .ended
        return [.abandon(alive.sorted())]
    }

    private mutating func cancel() -> [Action] {
        phase = .cancelling
        let finish = finishIfEmpty()
        return finish.isEmpty ? [.cancelAll, .startCancellationLimit] : finish
    }

    private mutating func askNext() -> [Action] {
        let finish = finishIfEmpty()
        guard finish.isEmpty, let last = alive.max() else { return finish }
        return [.askToStop(last)]
    }

    private mutating func finishIfEmpty() -> [Action] {
        guard alive.isEmpty else { return [] }
        phase = .ended
        return [.finish]
    }
}

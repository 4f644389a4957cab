import Platform
import Synchronization

/// Decides which request meets which fault. Safe to use from any task; the plan may be changed while requests run.
public final class FaultSwitch: Sendable {
    private struct Trigger {
        var fault: Fault
        var operation: SimulatedOperation?
    }

    private struct State {
        var plan: FaultPlan
        var random: SeededGenerator
        var triggers: [Trigger] = []
        var counts: [Fault: Int] = [:]

        mutating func takeTrigger(for operation: SimulatedOperation) -> Fault? {
            let index = triggers.firstIndex {
                $0.operation == operation || $0.operation == nil && operation.canHave($0.fault)
            }
            return index.map { triggers.remove(at: $0).fault }
        }
    }

    private let state: Mutex<State>

    public init(_ plan: FaultPlan = .none) {
        state = Mutex(State(plan: plan, random: SeededGenerator(seed: plan.seed)))
    }

    /// Setting it begins the sequence of its seed anew.
    public var plan: FaultPlan {
        get { state.withLock(\.plan) }
        set {
            state.withLock {
                $0.plan = newValue
                $0.random = SeededGenerator(seed: newValue.seed)
            }
        }
    }

    /// Lets the fault happen once, to the next request of that operation, or to the next one at all that can have it.
    public func trigger(_ fault: Fault, on operation: SimulatedOperation? = nil) {
        state.withLock { $0.triggers.append(Trigger(fault: fault, operation: operation)) }
    }

    /// How often each fault has happened.
    public var counts: [Fault: Int] { state.withLock(\.counts) }

    /// Whether the next status callback arrives late. Decided apart from the other faults, which meet it when it is sent.
    var isReordering: Bool {
        state.withLock { state in
            let share = state.random.unit()
            let index = state.triggers.firstIndex { $0.fault == .reorderWebhook }
            if let index { state.triggers.remove(at: index) }
            let isReordering = index != nil || share < state.plan.probabilities[.reorderWebhook] ?? 0
            if isReordering { state.counts[.reorderWebhook, default: 0] += 1 }
            return isReordering
        }
    }

    /// The fault of this request, and how long a delay lasts.
    func next(for operation: SimulatedOperation) -> (fault: Fault, delay: Duration)? {
        state.withLock { state in
            let share = state.random.unit()
            let length = state.random.unit()
            guard let fault = state.takeTrigger(for: operation) ?? state.plan.fault(for: operation, at: share) else {
                return nil
            }
            state.counts[fault, default: 0] += 1
            return (fault, state.plan.longestDelay * length)
        }
    }
}

extension FaultPlan {
    /// The fault whose share of 0 ..< 1 holds `share`.
    fileprivate func fault(for operation: SimulatedOperation, at share: Double) -> Fault? {
        guard operations.isEmpty || operations.contains(operation) else { return nil }
        var bound = 0.0
        for fault in Fault.allCases where operation.canHave(fault) {
            bound += probabilities[fault] ?? 0
            if share < bound { return fault }
        }
        return nil
    }
}

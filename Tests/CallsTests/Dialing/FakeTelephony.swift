import FoundationEssentials
import Platform
import Synchronization
import TestSupport

@testable import Calls

/// A telephone provider in memory that counts what it really dialled, with faults to switch on.
final class FakeTelephony: Telephony {
    enum Fault: Sendable {
        /// The connection is lost before the request has an effect.
        case lostBeforeEffect
        /// The call is made, the answer is lost.
        case lostAfterEffect
        case refused
        case busyNow(retryAfter: Duration?)
        /// The task of the handler is cancelled before the effect, or after it, as at a worker's hard stop.
        case stoppedBeforeEffect, stoppedAfterEffect
        /// No answer until somebody gives up.
        case silence
    }

    struct State: Sendable {
        var calls: [ProviderCall] = []
        /// One for each coming dial; then none.
        var dialFaults: [Fault] = []
        /// How many coming lists do not show the newest call yet.
        var lag = 0
        var isAway = false
        var hungUp: [String] = []
        var underWay: Set<String> = []
        var mostUnderWay = 0
    }

    private let state = Mutex(State())

    var current: State { state.withLock { $0 } }
    var dialled: [ProviderCall] { current.calls }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// Changes the provider's own view of a call.
    func set(_ id: String, _ change: (inout ProviderCall) -> Void) {
        state.withLock { state in
            guard let index = state.calls.firstIndex(where: { $0.id == id }) else { return }
            change(&state.calls[index])
            if state.calls[index].status.isFinal { state.underWay.remove(id) }
        }
    }

    func dial(_ request: DialRequest) async throws -> String {
        let fault = state.withLock { $0.dialFaults.isEmpty ? nil : $0.dialFaults.removeFirst() }
        switch fault {
        case .lostBeforeEffect: throw DialError.unknown(message: "connection lost")
        case .lostAfterEffect:
            _ = accept(request)
            throw DialError.unknown(message: "connection lost")
        case .refused: throw DialError.refused(code: 21_211, message: "invalid 'To'")
        case .busyNow(let after): throw DialError.retryLater(after: after, message: "too many requests")
        case .stoppedBeforeEffect: throw CancellationError()
        case .stoppedAfterEffect:
            _ = accept(request)
            throw CancellationError()
        case .silence:
            await untilCancelled()
            throw CancellationError()
        case nil: return accept(request)
        }
    }

    private func accept(_ request: DialRequest) -> String {
        state.withLock { state in
            let id = "CA\(state.calls.count + 1)"
            state.calls.append(
                ProviderCall(id: id, status: .queued, to: request.to, from: request.from, createdAt: Date()))
            state.underWay.insert(id)
            state.mostUnderWay = max(state.mostUnderWay, state.underWay.count)
            return id
        }
    }

    func find(to: String, from: String, within age: Duration) async throws -> [ProviderCall] {
        try state.withLock { state in
            if state.isAway { throw DialError.unknown(message: "away") }
            var shown = state.calls.filter {
                $0.to == to && $0.from == from
                    && $0.createdAt ?? .distantPast >= Date().addingTimeInterval(-age.inSeconds)
            }
            if state.lag > 0 {
                state.lag -= 1
                shown = shown.dropLast()
            }
            return shown
        }
    }

    func state(of id: String) async throws -> ProviderCall? {
        try state.withLock { state in
            if state.isAway { throw DialError.unknown(message: "away") }
            return state.calls.first { $0.id == id }
        }
    }

    func hangUp(_ id: String) async throws {
        set(id) { if !$0.status.isFinal { $0.status = .completed } }
        change { $0.hungUp.append(id) }
    }
}

import Synchronization

/// One request to stop, and who wants to hear of it. Asked at most once; handlers run on the asker's thread.
final class GracefulStop: Sendable {
    @TaskLocal static var current: GracefulStop?

    private struct State {
        var isAsked = false
        var nextID = 0
        var handlers: [Int: @Sendable () -> Void] = [:]
    }
    private let state = Mutex(State())

    func ask() {
        let handlers = state.withLock { state in
            state.isAsked = true
            defer { state.handlers = [:] }
            return state.handlers.sorted { $0.key < $1.key }.map(\.value)
        }
        for handler in handlers { handler() }
    }

    /// Returns nil after calling the handler at once, when the stop was asked for before.
    func addHandler(_ handler: @escaping @Sendable () -> Void) -> Int? {
        let id: Int? = state.withLock { state in
            guard !state.isAsked else { return nil }
            state.nextID += 1
            state.handlers[state.nextID] = handler
            return state.nextID
        }
        if id == nil { handler() }
        return id
    }

    func removeHandler(_ id: Int) {
        state.withLock { state in _ = state.handlers.removeValue(forKey: id) }
    }
}

/// Runs `operation`, and `handler` at most once when a graceful stop is asked of the service group around it (at once
/// when it was asked before). Outside a group it only runs `operation`.
///
/// The handler runs outside the operation's task, possibly while the operation returns: it should only set something
/// free, never wait.
public func withGracefulStopHandler<Result: Sendable>(
    _ operation: @Sendable () async throws -> Result, onGracefulStop handler: @escaping @Sendable () -> Void
) async rethrows -> Result {
    guard let stop = GracefulStop.current else { return try await operation() }
    let id = stop.addHandler(handler)
    defer { if let id { stop.removeHandler(id) } }
    return try await operation()
}

/// Runs `operation` in a task of its own, which a graceful stop of the service group around it cancels, as does the
/// cancellation of the caller's task. Throws `CancellationError` when it fails after that, whatever it failed with.
public func cancelOnGracefulStop<Result: Sendable>(
    _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let task = Task { try await operation() }
    do {
        return try await withTaskCancellationHandler {
            try await withGracefulStopHandler {
                try await task.value
            } onGracefulStop: {
                task.cancel()
            }
        } onCancel: {
            task.cancel()
        }
    } catch {
        throw task.isCancelled ? CancellationError() : error
    }
}

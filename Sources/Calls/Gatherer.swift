import Synchronization

/// Does one batch at a time; what is submitted meanwhile goes together in the next. Alone, an item waits for nothing; under load
/// a commit is shared by all that came during the one before.
final class Gatherer<Item: Sendable, Answer: Sendable>: Sendable {
    private typealias Entry = (item: Item, waiter: CheckedContinuation<Answer, any Error>)
    private struct State {
        var entries: [Entry] = []
        var isRunning = false
    }

    private let limit: Int
    private let run: @Sendable ([Item]) async throws -> [Answer]
    private let isOneItems: @Sendable (any Error) -> Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: how many go together at most.
    ///   - isOneItems: whether an error of a batch may be that of one item, so that each is to be tried alone.
    ///   - run: does a batch, all of it or nothing, and gives an answer to each in their order.
    init(
        atMost limit: Int, whenAnErrorMayBeOneItems isOneItems: @escaping @Sendable (any Error) -> Bool,
        run: @escaping @Sendable ([Item]) async throws -> [Answer]
    ) {
        self.limit = limit
        self.isOneItems = isOneItems
        self.run = run
    }

    /// How many wait for the next batch.
    var waiting: Int { state.withLock { $0.entries.count } }

    /// Returns when the batch of the item is done. Goes on when the task is cancelled.
    func submit(_ item: Item) async throws -> Answer {
        try await withCheckedThrowingContinuation { waiter in
            let isFirst = state.withLock { state in
                state.entries.append((item, waiter))
                defer { state.isRunning = true }
                return !state.isRunning
            }
            if isFirst { Task { await work() } }
        }
    }

    private func work() async {
        while let batch = take() { await finish(batch) }
    }

    private func finish(_ batch: [Entry]) async {
        do {
            let answers = try await run(batch.map(\.item))
            for (entry, answer) in zip(batch, answers) { entry.waiter.resume(returning: answer) }
        } catch  where batch.count > 1 && isOneItems(error) {
            for entry in batch { await finish([entry]) }
        } catch {
            for entry in batch { entry.waiter.resume(throwing: error) }
        }
    }

    /// Nil when there is nothing more to do: then the next to submit starts anew.
    private func take() -> [Entry]? {
        state.withLock { state in
            let batch = Array(state.entries.prefix(limit))
            state.entries.removeFirst(batch.count)
            state.isRunning = !batch.isEmpty
            return batch.isEmpty ? nil : batch
        }
    }
}

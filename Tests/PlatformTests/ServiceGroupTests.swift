import Platform
import Synchronization
import Testing

/// What happened, in order.
private final class Journal: Sendable {
    private let entries = Mutex<[String]>([])
    func write(_ entry: String) { entries.withLock { $0.append(entry) } }
    var all: [String] { entries.withLock { $0 } }
}

/// Runs until its stop signal; says so in the journal.
private struct Recorder: Service {
    enum Manners { case stopsWhenAsked, stopsWhenCancelled }
    let name: String
    let manners: Manners
    let journal: Journal
    let started: @Sendable () -> Void

    func run() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        await withGracefulStopHandler {
            started()
            for await _ in stream {}
        } onGracefulStop: {
            journal.write("\(name) asked")
            if manners == .stopsWhenAsked { continuation.finish() }
        }
        journal.write("\(name) ended")
    }
}

private struct Failing: Service {
    struct Failure: Error, Equatable {}
    func run() async throws { throw Failure() }
}

@Suite struct ServiceGroupTests {
    private let journal = Journal()
    private let quiet = Logger(label: "test", level: .critical)

    /// Runs a group of recorders, stops it by `stop` when all have started, and returns when it has ended.
    private func run(
        _ manners: [Recorder.Manners], gracefulStopLimit: Duration = .seconds(30),
        stop: @Sendable (ServiceGroup, Task<Void, any Error>) -> Void
    ) async throws {
        let (started, starts) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(manners.count))
        let services = manners.enumerated().map { index, manners in
            Recorder(name: "\(index)", manners: manners, journal: journal) { starts.yield() }
        }
        let group = ServiceGroup(
            services: services, gracefulStopLimit: gracefulStopLimit, handlesSignals: false, logger: quiet)
        let task = Task { try await group.run() }
        var count = 0
        for await _ in started {
            count += 1
            if count == manners.count { break }
        }
        stop(group, task)
        try await task.value
    }

    @Test("Services are asked to stop in reverse order, each after the one before it has ended")
    func order() async throws {
        try await run([.stopsWhenAsked, .stopsWhenAsked, .stopsWhenAsked]) { group, _ in group.stop() }
        #expect(journal.all == ["2 asked", "2 ended", "1 asked", "1 ended", "0 asked", "0 ended"])
    }

    @Test("A service that ignores the graceful stop is cancelled after the limit")
    func limit() async throws {
        try await run([.stopsWhenAsked, .stopsWhenCancelled], gracefulStopLimit: .milliseconds(10)) { group, _ in
            group.stop()
        }
        #expect(journal.all.contains("1 ended") && journal.all.contains("0 ended"))
    }

    @Test("Cancelling the group's task ends its services without asking them")
    func cancellation() async throws {
        await #expect(throws: CancellationError.self) {
            try await run([.stopsWhenCancelled, .stopsWhenCancelled]) { _, task in task.cancel() }
        }
        #expect(journal.all.sorted() == ["0 ended", "1 ended"])
    }

    @Test("A service that fails stops the others gracefully, and its error is thrown")
    func failure() async throws {
        let other = Recorder(name: "other", manners: .stopsWhenAsked, journal: journal) {}
        let group = ServiceGroup(services: [other, Failing()], handlesSignals: false, logger: quiet)
        await #expect(throws: Failing.Failure()) { try await group.run() }
        #expect(journal.all == ["other asked", "other ended"])
    }

    @Test("A group inside a group stops gracefully with it")
    func nesting() async throws {
        let (started, start) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let service = Recorder(name: "inner", manners: .stopsWhenAsked, journal: journal) { start.yield() }
        let outer = ServiceGroup(
            services: [Nested(group: ServiceGroup(services: [service], handlesSignals: false, logger: quiet))],
            handlesSignals: false, logger: quiet)
        let task = Task { try await outer.run() }
        for await _ in started { break }
        outer.stop()
        try await task.value
        #expect(journal.all == ["inner asked", "inner ended"])
    }

    private struct Nested: Service {
        let group: ServiceGroup
        func run() async throws { try await group.run() }
    }

    @Test("A handler that is added after the stop was asked for runs at once")
    func lateHandler() async throws {
        let group = ServiceGroup(services: [Late(journal: journal)], handlesSignals: false, logger: quiet)
        group.stop()
        try await group.run()
        #expect(journal.all == ["late handler", "late operation"])
    }

    private struct Late: Service {
        let journal: Journal
        func run() async throws {
            let (asked, ask) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
            await withGracefulStopHandler {
                for await _ in asked { break }
            } onGracefulStop: {
                ask.yield()
            }
            await withGracefulStopHandler {
                journal.write("late operation")
            } onGracefulStop: {
                journal.write("late handler")
            }
        }
    }

    @Test("What is cancelled by a graceful stop ends with a cancellation error, whatever it threw")
    func cancelledByStop() async throws {
        let (started, start) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let group = ServiceGroup(
            services: [Cancellable(journal: journal) { start.yield() }], handlesSignals: false, logger: quiet)
        let task = Task { try await group.run() }
        for await _ in started { break }
        group.stop()
        try await task.value
        #expect(journal.all == ["cancelled"])
    }

    private struct Cancellable: Service {
        let journal: Journal
        let started: @Sendable () -> Void
        func run() async throws {
            do {
                try await cancelOnGracefulStop {
                    let (stream, continuation) = AsyncStream.makeStream(
                        of: Void.self, bufferingPolicy: .bufferingOldest(1))
                    started()
                    for await _ in stream {}
                    continuation.finish()
                    throw Failing.Failure()
                }
            } catch is CancellationError {
                journal.write("cancelled")
            }
        }
    }

    @Test("A group without services ends at once")
    func empty() async throws {
        try await ServiceGroup(services: [], handlesSignals: false, logger: quiet).run()
    }
}

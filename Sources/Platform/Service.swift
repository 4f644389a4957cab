import Glibc

/// A long-running part of a process: `run()` returns when its task is cancelled or it was asked to stop gracefully.
///
/// The shape of swift-service-lifecycle, so that it can take this one's place.
public protocol Service: Sendable {
    func run() async throws
}

/// Runs services until a signal: a graceful stop first, then cancellation, then the end of the process, each with a
/// limit.
///
/// A service that returns or throws by itself stops the others in the same way. A group may run inside another one, and
/// stops gracefully with it.
public struct ServiceGroup: Sendable {
    private let services: [any Service]
    private let gracefulStopLimit: Duration
    private let cancellationLimit: Duration
    private let handlesSignals: Bool
    private let logger: Logger
    private let stopRequest = GracefulStop()

    /// - Parameters:
    ///   - gracefulStopLimit: how long all services together may take to stop when asked; then they are cancelled.
    ///   - cancellationLimit: how long they may take once cancelled; then the process exits with status 1.
    ///   - handlesSignals: whether SIGTERM and SIGINT stop the group. False for a group that is only a part of a
    ///     process.
    public init(
        services: [any Service], gracefulStopLimit: Duration = .seconds(20), cancellationLimit: Duration = .seconds(5),
        handlesSignals: Bool = true, logger: Logger
    ) {
        self.services = services
        self.gracefulStopLimit = gracefulStopLimit
        self.cancellationLimit = cancellationLimit
        self.handlesSignals = handlesSignals
        self.logger = logger
    }

    /// Asks the group to stop gracefully, as SIGTERM does. May be called at any time, from anywhere, more than once.
    public func stop() { stopRequest.ask() }

    /// Starts the services in order. On SIGTERM or SIGINT they are asked to stop in reverse order, each after the one
    /// before it has returned; a second signal ends the process at once. Throws the first error that a service ended
    /// with, and `CancellationError` when the group's own task was cancelled.
    public func run() async throws {
        // At most: each end, each limit, one cancellation and one stop from each of three sides.
        let (events, inbox) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingOldest(services.count + 8))
        let signals = handlesSignals ? await StopSignals.listen { inbox.yield(.stopAsked(signal: $0)) } : nil
        defer { signals?.cancel() }
        let own = stopRequest.addHandler { inbox.yield(.stopAsked(signal: nil)) }
        defer { if let own { stopRequest.removeHandler(own) } }
        // A task of its own: it goes on watching the services' ends when the group's task is cancelled.
        let supervisor = Task { await supervise(events, inbox) }
        let firstError = await withGracefulStopHandler {
            await withTaskCancellationHandler {
                await supervisor.value
            } onCancel: {
                inbox.yield(.groupCancelled)
            }
        } onGracefulStop: {
            inbox.yield(.stopAsked(signal: nil))
        }
        if let firstError { throw firstError }
        try Task.checkCancellation()
    }

    private enum Event: Sendable {
        case ended(Int, (any Error)?)
        case stopAsked(signal: Int32?)
        case groupCancelled
        case gracefulLimit
        case cancellationLimit
    }

    private func supervise(
        _ events: AsyncStream<Event>, _ inbox: AsyncStream<Event>.Continuation
    ) async -> (any Error)? {
        await withTaskGroup(of: Void.self) { group in
            let stops = services.map { _ in GracefulStop() }
            for (index, service) in services.enumerated() {
                group.addTask { inbox.yield(.ended(index, await Self.error(of: service, stops[index]))) }
            }
            var state = ServiceGroupState(serviceCount: services.count)
            var firstError: (any Error)?
            if services.isEmpty { inbox.finish() }
            for await event in events {
                if case .ended(_, let error?) = event, firstError == nil, !(error is CancellationError) {
                    firstError = error
                }
                for action in apply(event, to: &state) {
                    perform(action, stops, &group, inbox)
                }
            }
            group.cancelAll()
            return firstError
        }
    }

    private static func error(of service: any Service, _ stop: GracefulStop) async -> (any Error)? {
        do {
            try await GracefulStop.$current.withValue(stop) { try await service.run() }
            return nil
        } catch {
            return error
        }
    }

    private func apply(_ event: Event, to state: inout ServiceGroupState) -> [ServiceGroupState.Action] {
        switch event {
        case .ended(let index, let error):
            if let error, !(error is CancellationError) {
                logger.error("service ended with an error", metadata: ["service": name(index), "error": "\(error)"])
            }
            return state.serviceEnded(index)
        case .stopAsked(let signal):
            logger.info("stopping", metadata: signal.map { ["signal": "\($0)"] })
            return state.stopAsked()
        case .groupCancelled: return state.groupCancelled()
        case .gracefulLimit:
            logger.warning("graceful stop took too long, cancelling what still runs")
            return state.gracefulLimitReached()
        case .cancellationLimit: return state.cancellationLimitReached()
        }
    }

    private func perform(
        _ action: ServiceGroupState.Action, _ stops: [GracefulStop], _ group: inout TaskGroup<Void>,
        _ inbox: AsyncStream<Event>.Continuation
    ) {
        switch action {
        case .askToStop(let index): stops[index].ask()
        case .startGracefulLimit: group.addTask { await Self.yield(.gracefulLimit, after: gracefulStopLimit, inbox) }
        case .cancelAll: group.cancelAll()
        case .startCancellationLimit: startCancellationLimit(inbox)
        case .finish: inbox.finish()
        case .abandon(let indexes):
            let names = indexes.map(name).joined(separator: ", ")
            logger.critical("services did not end after cancellation, exiting", metadata: ["services": names])
            exit(1)
        }
    }

    /// Outside the task group, which is cancelled already.
    private func startCancellationLimit(_ inbox: AsyncStream<Event>.Continuation) {
        let limit = cancellationLimit
        Task.detached { await Self.yield(.cancellationLimit, after: limit, inbox) }
    }

    private static func yield(
        _ event: Event, after limit: Duration, _ inbox: AsyncStream<Event>.Continuation
    ) async {
        guard (try? await Task.sleep(for: limit)) != nil else { return }
        inbox.yield(event)
    }

    private func name(_ index: Int) -> String { "\(type(of: services[index]))" }
}

import Calls
import Platform

/// What every way to chat works with.
struct Chat: Sendable {
    let services: CallServices
    let model: ModelConfiguration
    let isJSON: Bool

    /// Runs `body` to its end, or until Ctrl-C or SIGTERM cancels it: a way to end like any other.
    func untilStopped(_ body: @escaping @Sendable () async throws -> Void) async throws {
        // What it throws is said once, by the command.
        let quiet = Logger(label: "operadora", level: .critical)
        try await ServiceGroup(services: [Stoppable(body: body)], logger: quiet).run()
    }

    private struct Stoppable: Service {
        let body: @Sendable () async throws -> Void

        func run() async throws {
            do {
                try await cancelOnGracefulStop(body)
            } catch is CancellationError {
                return
            }
        }
    }
}

import Dispatch
import Glibc
import Synchronization

/// Hears SIGTERM and SIGINT until cancelled. The first one is reported; the second one ends the process at once, with
/// the status that a shell gives to a process killed by that signal.
///
/// `@unchecked Sendable`: the sources are set once in `init` and only cancelled afterwards, which Dispatch allows
/// from any thread; the count is a `Mutex`.
final class StopSignals: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]
    private let received: Mutex<Int>

    /// Returns once both are heard. Until then they would end the process, and Dispatch may take its time on a busy machine.
    static func listen(onFirst report: @escaping @Sendable (Int32) -> Void) async -> StopSignals {
        let signals = StopSignals(onFirst: report)
        for source in signals.sources {
            await withCheckedContinuation { continuation in
                source.setRegistrationHandler { continuation.resume() }
                source.resume()
            }
        }
        return signals
    }

    private init(onFirst report: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "operadora.signals")
        sources = [SIGTERM, SIGINT].map { DispatchSource.makeSignalSource(signal: $0, queue: queue) }
        received = Mutex(0)
        for (signal, source) in zip([SIGTERM, SIGINT], sources) {
            source.setEventHandler { [weak self] in self?.heard(signal, report) }
        }
    }

    func cancel() {
        for source in sources { source.cancel() }
    }

    private func heard(_ signal: Int32, _ report: @Sendable (Int32) -> Void) {
        let count = received.withLock { count in
            count += 1
            return count
        }
        if count > 1 { _exit(128 + signal) }
        report(signal)
    }
}

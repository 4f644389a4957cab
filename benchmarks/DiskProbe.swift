import FoundationEssentials
import Glibc
import Platform
import Synchronization

/// Asks the disk for its word forty times a second while something else is measured. A machine that shares its disk may wait a tenth of
/// a second for it now and then, and every commit with it: then the slowest answers say more of the machine than of us.
final class DiskProbe: Sendable {
    private struct State {
        var isStopped = false
        var milliseconds: [Double] = []
    }

    private static let page = 8192
    private let state = Mutex(State())

    /// Starts at once, on a file of its own where the server's files are.
    init() {
        let path = FileManager.default.temporaryDirectory.appending(path: "operadora-probe-\(UUID().uuidString)").path
        let file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        unlink(path)
        guard file >= 0 else { return }
        OwnThread.start { [self] in
            let bytes = [UInt8](repeating: 1, count: Self.page)
            while !state.withLock({ $0.isStopped }) {
                let start = ContinuousClock.now
                if pwrite(file, bytes, bytes.count, 0) == bytes.count, fdatasync(file) == 0 {
                    let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
                    state.withLock { $0.milliseconds.append(milliseconds) }
                }
                usleep(25_000)
            }
            close(file)
        }
    }

    /// Ends the questions.
    func figures() -> [Figure] {
        let milliseconds = state.withLock { state in
            state.isStopped = true
            return state.milliseconds
        }
        guard !milliseconds.isEmpty else { return [] }
        return [
            Figure(name: "the disk meanwhile: fdatasync, p50", value: milliseconds.median, unit: "ms"),
            Figure(name: "the disk meanwhile: fdatasync, slowest", value: milliseconds.max() ?? 0, unit: "ms"),
        ]
    }
}

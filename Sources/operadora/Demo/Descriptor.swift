import Glibc
import Synchronization

/// A file descriptor that is closed once: when asked, or with its owner.
final class Descriptor: Sendable {
    private let number: Mutex<Int32?>

    init(_ number: Int32) { self.number = Mutex(number) }
    deinit { close() }

    func close() {
        let open = number.withLock { number in
            defer { number = nil }
            return number
        }
        if let open { Glibc.close(open) }
    }
}

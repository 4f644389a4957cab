import FoundationEssentials
import Glibc
import Platform

/// The built `operadora` in a terminal: what it writes is on `screen`, and what is typed it reads.
struct Terminal: Sendable {
    let process: ChildProcess
    let screen: LineReader
    private let keyboard: Int32

    /// TIOCSPTLCK and TIOCGPTN of <asm-generic/ioctls.h>, which come as macros that Swift does not see.
    private static let (setLock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)

    struct NoTerminal: Error {}

    init(_ arguments: [String], _ environment: [String: String]) throws {
        let near = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (isLocked, number): (Int32, Int32) = (0, 0)
        guard near >= 0, ioctl(near, Self.setLock, &isLocked) == 0, ioctl(near, Self.getNumber, &number) == 0 else {
            throw NoTerminal()
        }
        var size = winsize(ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(near, UInt(TIOCSWINSZ), &size)
        let far = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard far >= 0 else { throw NoTerminal() }
        defer { _ = Glibc.close(far) }
        keyboard = fcntl(near, F_DUPFD_CLOEXEC, 0)
        screen = LineReader(descriptor: near)
        process = try ChildProcess.start(
            Executable.path, arguments, environment: environment,
            directory: FileManager.default.temporaryDirectory.path, input: .descriptor(far), output: .descriptor(far),
            error: .descriptor(far), isDetached: true)
    }

    /// Types a line, at once: whoever reads it may still have to ask.
    func type(_ line: String, ending: String = "\n") {
        let bytes = Array("\(line)\(ending)".utf8)
        _ = write(keyboard, bytes, bytes.count)
    }

    func close() { _ = Glibc.close(keyboard) }
}

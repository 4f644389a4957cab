import Glibc

/// The terminal, or the pipe, that a command talks to.
enum Console {
    /// One line of result.
    static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// A piece of a line of result.
    static func printPiece(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// One line for the person in front: progress, warnings, errors.
    static func printError(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// A question on standard error; the answer goes on in its line.
    static func prompt(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Draws over what was drawn before; standard output, for terminals only.
    static func redraw(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // Home, each line cleared to its end, then what is left below: no flicker.
        write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J", to: STDOUT_FILENO)
    }

    static var standardInputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
    static var standardOutputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Columns of the terminal on standard output; nil when it is none, and lines may be of any length.
    static var width: Int? { width(of: STDOUT_FILENO) }

    private static func width(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Replaces the last line that was rewritten; standard error, for terminals only.
    static func rewriteLine(_ text: String) {
        guard standardErrorIsTerminal else { return }
        // A line that wraps could not be rewritten.
        write("\r\u{1B}[2K" + text.prefix((width(of: STDERR_FILENO) ?? 80) - 1), to: STDERR_FILENO)
    }

    /// A reader that has gone (`| head`) is no error: what is left is dropped.
    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

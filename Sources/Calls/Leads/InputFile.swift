import Glibc

/// A file to read, or standard input for "-". Closed with its owner.
final class InputFile {
    let size: Int?
    private let path: String
    private let status: stat
    private let descriptor: Int32

    init(path: String) throws {
        self.path = path
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw LeadFileError.notReadable(path: path, reason: String(cString: strerror(errno)))
        }
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isFile ? Int(status.st_size) : nil
        self.status = status
    }

    /// Whether that is this file, by whatever path.
    func isSame(_ other: stat) -> Bool { other.st_dev == status.st_dev && other.st_ino == status.st_ino }

    deinit { close(descriptor) }

    /// Fewer bytes only at the end, none after it.
    func read(upTo count: Int) throws -> [UInt8] {
        var failure: Int32?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count, failure == nil {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized..<count])
                let result = Glibc.read(descriptor, rest.baseAddress, rest.count)
                if result == 0 { break }
                if result > 0 {
                    initialized += result
                } else if errno != EINTR {
                    failure = errno
                }
            }
        }
        if let failure { throw LeadFileError.notReadable(path: path, reason: String(cString: strerror(failure))) }
        return bytes
    }
}

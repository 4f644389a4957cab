/// The state of an event stream between the thread that receives and the task that reads.
///
/// `open` (bytes wait, or the reader does) → `ended` (the rest is read, then the end, once).
struct EventChannelState {
    typealias Reader = CheckedContinuation<[UInt8]?, any Error>

    /// A reader and what it gets: taken out under the lock, resumed outside it.
    struct Reading {
        let reader: Reader
        let result: Result<[UInt8]?, any Error>
        func resume() { reader.resume(with: result) }
    }

    struct ReadAction {
        var reading: Reading?
        var unpauses = false
    }

    static let maximumBuffered = 256 << 10

    private var status = 200
    private var headers = HTTPHeaders()
    private var buffer: [UInt8] = []
    private var reader: Reader?
    private var isPaused = false
    private var end: Result<Void, any Error>?

    private var isSuccess: Bool { (200..<300).contains(status) }

    mutating func receive(status: Int, headers: HTTPHeaders) {
        self.status = status
        self.headers = headers
    }

    /// The body of a refusal is kept whole, for the error; libcurl's thread limits its size.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> (ReceivedBytes, Reading?) {
        if isSuccess, buffer.count >= Self.maximumBuffered {
            isPaused = true
            return (.pause, nil)
        }
        buffer.append(contentsOf: bytes)
        guard isSuccess, let reader = reader.take() else { return (.taken, nil) }
        return (.taken, Reading(reader: reader, result: .success(takeBuffer())))
    }

    mutating func read(_ reader: Reader) -> ReadAction {
        if isSuccess, !buffer.isEmpty {
            defer { isPaused = false }
            return ReadAction(reading: Reading(reader: reader, result: .success(takeBuffer())), unpauses: isPaused)
        }
        guard let end else {
            self.reader = reader
            return ReadAction()
        }
        return ReadAction(reading: Reading(reader: reader, result: result(of: end)))
    }

    mutating func end(_ failure: HTTPError?) -> Reading? {
        let end: Result<Void, any Error>
        if let failure {
            end = .failure(failure)
        } else if isSuccess {
            end = .success(())
        } else {
            end = .failure(
                HTTPStatusError(response: HTTPClientResponse(status: status, headers: headers, body: takeBuffer())))
        }
        self.end = end
        return reader.take().map { Reading(reader: $0, result: result(of: end)) }
    }

    private func result(of end: Result<Void, any Error>) -> Result<[UInt8]?, any Error> { end.map { nil } }

    private mutating func takeBuffer() -> [UInt8] {
        defer { buffer = [] }
        return buffer
    }
}

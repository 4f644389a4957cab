import Synchronization
import Testing

@testable import HTTP

@Suite struct ServerSentEventParserTests {
    private static let stream =
        "\u{FEFF}: a comment\r\ndata: first\r\n\r\nevent: update\ndata: línea ñ\ndata:two 🎧\nid: 7\n\nretry: 10\rdata\r\rdata:  x\r\n\nevent: none\n\n"
    private static let events = [
        ServerSentEvent(data: "first"),
        ServerSentEvent(event: "update", data: "línea ñ\ntwo 🎧", id: "7"),
        ServerSentEvent(data: ""),
        ServerSentEvent(data: " x"),
    ]

    @Test("A stream is read the same wherever it is split")
    func everySplit() {
        let bytes = Array(Self.stream.utf8)
        for split in 0...bytes.count {
            var parser = ServerSentEventParser()
            #expect(parser.parse(bytes[..<split]) + parser.parse(bytes[split...]) == Self.events)
        }
        var parser = ServerSentEventParser()
        #expect(bytes.flatMap { parser.parse([$0]) } == Self.events)
    }

    @Test("An event that no blank line ends is dropped")
    func unfinished() {
        var parser = ServerSentEventParser()
        #expect(parser.parse(Array("data: one\n\ndata: two\n".utf8)) == [ServerSentEvent(data: "one")])
    }

    @Test("What a server encodes, the parser reads")
    func roundTrip() {
        let events = [ServerSentEvent(event: "a", data: "one\n\ntwo", id: "1"), ServerSentEvent(data: "")]
        var parser = ServerSentEventParser()
        #expect(parser.parse(events.flatMap(\.encoded)) == events)
    }

    @Test("A reader that does not keep up pauses the transfer, and resumes it when it reads")
    func backpressure() async throws {
        let state = Mutex(EventChannelState())
        let piece = [UInt8](repeating: 1, count: 64 << 10)
        func receive() -> ReceivedBytes {
            piece.withUnsafeBytes { bytes in state.withLock { $0.receive(bytes).0 } }
        }
        for _ in 0..<4 { #expect(receive() == .taken) }
        #expect(receive() == .pause)
        let bytes = try await withCheckedThrowingContinuation { continuation in
            let action = state.withLock { $0.read(continuation) }
            #expect(action.unpauses)
            action.reading?.resume()
        }
        #expect(bytes?.count == 256 << 10)
        #expect(receive() == .taken)
    }
}

import CLibCurl
import Synchronization

/// The reading end of an event stream: sends the request when first asked, parses what comes, ends the transfer when it is
/// dropped.
final class EventSource: Sendable {
    private struct Parsed {
        var parser = ServerSentEventParser()
        var events: [ServerSentEvent] = []
        var next = 0

        mutating func pop() -> ServerSentEvent? {
            guard next < events.count else { return nil }
            defer { next += 1 }
            return events[next]
        }
    }
    private let plan: Result<TransferPlan, any Error>
    private let inbox: CurlInbox?
    /// Its end would end the transfer.
    private let client: HTTPClient
    private let parsed = Mutex(Parsed())
    private let started = Mutex<(transfer: Transfer, channel: EventChannel)?>(nil)

    init(plan: Result<TransferPlan, any Error>, inbox: CurlInbox?, client: HTTPClient) {
        self.plan = plan
        self.inbox = inbox
        self.client = client
    }

    deinit {
        if let transfer = started.withLock({ $0?.transfer }) { inbox?.cancel(transfer) }
    }

    /// The next event, or nil at the end of the stream. Called by one task at a time.
    func next() async throws -> ServerSentEvent? {
        let plan = try plan.get()
        guard let inbox else { throw HTTPError.shutDown(plan) }
        while true {
            if let event = parsed.withLock({ $0.pop() }) { return event }
            let (transfer, channel) = begin(plan, inbox)
            guard let bytes = try await channel.read(transfer, inbox) else { return nil }
            parsed.withLock { parsed in
                parsed.events = parsed.parser.parse(bytes)
                parsed.next = 0
            }
        }
    }

    private func begin(_ plan: TransferPlan, _ inbox: CurlInbox) -> (Transfer, EventChannel) {
        let (transfer, channel, isNew) = started.withLock { started in
            if let started { return (started.transfer, started.channel, false) }
            let channel = EventChannel()
            let transfer = Transfer(plan: plan, receiver: channel)
            started = (transfer, channel)
            return (transfer, channel, true)
        }
        if isNew { inbox.start(transfer) }
        return (transfer, channel)
    }
}

/// The bytes between libcurl's thread and the task that reads the events.
final class EventChannel: TransferReceiver {
    private let state = Mutex(EventChannelState())

    /// The bytes since the last time, or nil at the end. Cancelling the task ends the transfer, whose end wakes the reader.
    func read(_ transfer: Transfer, _ inbox: CurlInbox) async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let action = state.withLock { $0.read(continuation) }
                if action.unpauses { inbox.unpause(transfer) }
                action.reading?.resume()
            }
        } onCancel: {
            inbox.cancel(transfer)
        }
    }

    func receive(status: Int, headers: HTTPHeaders) {
        state.withLock { $0.receive(status: status, headers: headers) }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> ReceivedBytes {
        let (verdict, reading) = state.withLock { $0.receive(bytes) }
        reading?.resume()
        return verdict
    }

    func end(_ failure: HTTPError?) {
        state.withLock { $0.end(failure) }?.resume()
    }
}

import FoundationEssentials
import HTTP
import Platform

/// The status callbacks of one call: sent one after another, beside the conversation, whatever becomes of it.
struct StatusCallbacks {
    private let sender: WebhookSender
    private let sid: String
    private let webhook: Webhook?
    private let events: Set<String>
    private var sequence = 0
    private var last: Task<Void, Never>?
    /// A callback that will arrive after the one that follows it.
    private var heldBack: FormFields?

    init(_ call: NewCall, sid: String, sender: WebhookSender) {
        self.sender = sender
        self.sid = sid
        webhook = call.status
        events = call.statusEvents
    }

    /// - Parameter event: initiated, ringing, answered or completed; the last stands for every way to end.
    mutating func post(_ event: String, _ parameters: FormFields) {
        guard webhook != nil, events.contains(event) else { return }
        var parameters = parameters
        parameters.add("CallbackSource", "call-progress-events")
        parameters.add("SequenceNumber", String(sequence))
        parameters.add("Timestamp", Timestamp.rfc2822(.now))
        sequence += 1
        if heldBack == nil, sender.faults.isReordering {
            heldBack = parameters
        } else {
            send(parameters)
            sendHeldBack()
        }
    }

    /// Returns when all of them are answered or given up.
    mutating func finish() async {
        sendHeldBack()
        await last?.value
    }

    private mutating func sendHeldBack() {
        if let parameters = heldBack.take() { send(parameters) }
    }

    private mutating func send(_ parameters: FormFields) {
        guard let webhook else { return }
        // The task of a call that was hung up is cancelled; these go on.
        last = Task { [sender, sid, last] in
            await last?.value
            _ = try? await sender.send(webhook, .status, of: sid, parameters)
        }
    }
}

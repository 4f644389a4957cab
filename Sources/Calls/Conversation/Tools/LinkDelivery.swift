import Agents
import Jobs
import Platform

/// Gets a link to somebody on the telephone: by e-mail when their address is known, else by text message.
struct LinkDelivery: Sendable {
    let services: CallServices
    let state: TurnState

    func send(_ url: String, as toolName: String) async throws -> ToolResult {
        if let stored = storedResult(url, toolName) { return stored }
        // Job keys have room for 200 bytes.
        let purpose = "link:\(state.call.key):\(Cryptography.sha256(url.utf8).prefix(8).hexadecimal)"
        if services.mailer != nil, let address = state.lead?.email, SpokenEmail.isDeliverable(address) {
            let job = SendEmail(email(to: address, url, purpose))
            try await services.queue.enqueue(job, once(job.options))
            return result(url, "email", "the link is on its way by e-mail: say so")
        }
        if services.tools.messenger != nil, let phone = state.call.phone {
            let job = SendTextMessage(purpose: purpose, to: phone, text: "\(words.line) \(url)")
            try await services.queue.enqueue(job, once(job.options))
            return result(url, "text_message", "the link is on its way by text message to this telephone: say so")
        }
        return MeetingTools.refusal(
            "no_way_to_send",
            "a link cannot be shown on a telephone, and there is no way to send it to this caller: tell them what the page says, "
                + "or how to find it")
    }

    /// The turn may be answered by two workers, one after the other: the second finds the job of the first, also when that has ended.
    private func once(_ options: JobOptions) -> JobOptions {
        var options = options
        options.uniqueFor = .seconds(86_400)
        return options
    }

    /// The same link again, also in a later turn, was sent already.
    private func storedResult(_ url: String, _ toolName: String) -> ToolResult? {
        state.toolCalls.first { $0.name == toolName && $0.success && $0.result["url"]?.string == url }
            .map { ToolResult(success: true, value: $0.result) }
    }

    private func result(_ url: String, _ way: String, _ message: String) -> ToolResult {
        ToolResult(
            success: true,
            value: [
                "success": true, "url": .string(url), "delivered_by": .string(way), "message": .string(message),
            ])
    }

    private func email(to address: String, _ url: String, _ purpose: String) -> Email {
        let (subject, line, greeting) = words
        let name = CallerSpeech.clean(state.lead?.name ?? "")
        return Email(
            purpose: purpose, to: address, recipientName: name.isEmpty ? nil : name, subject: subject,
            text: "\(greeting)\(name.isEmpty ? "" : " \(name)"),\n\n\(line)\n\n\(url)\n")
    }

    private var words: (subject: String, line: String, greeting: String) {
        switch state.call.language {
        case .english: ("The link you asked for", "here is the link from our call:", "Hello")
        case .spanish: ("El enlace que pidió", "este es el enlace de nuestra llamada:", "Hola")
        case .portuguese: ("O link que você pediu", "este é o link da nossa ligação:", "Olá")
        }
    }
}

public import Jobs

/// Answers one turn of a call.
public struct ConversationHandler: Sendable {
    let services: CallServices
    public init(_ services: CallServices) { self.services = services }

    public func handle(_ job: ProcessConversation, context: JobContext) async throws -> JobOutcome {
        fatalError("skeleton")
    }
}

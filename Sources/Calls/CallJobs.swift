public import Jobs

/// The kinds of work that calls consist of, each with its handler, retries and limits.
public enum CallJobs {
    public static func register(in registry: inout JobRegistry, services: CallServices) {
        let conversation = ConversationHandler(services)
        registry.register(ProcessConversation.self, timeLimit: services.settings.turnBudget + .seconds(5)) {
            try await conversation.handle($0, context: $1)
        }
    }
}

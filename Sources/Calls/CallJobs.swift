public import Jobs

/// The kinds of work that calls consist of, each with its handler, retries and limits.
public enum CallJobs {
    public static func register(in registry: inout JobRegistry, services: CallServices) {
        registerCall(in: &registry, services)
        registerEnd(in: &registry, services)
        registerMail(in: &registry, services)
        registry.every(services.settings.reconcileAfter / 2, name: ReconcileCalls.kind, ReconcileCalls())
    }

    private static func registerCall(in registry: inout JobRegistry, _ services: CallServices) {
        let initiate = InitiateCallHandler(services)
        registry.register(
            InitiateCall.self, retry: .exponentialJitter(maximum: .seconds(60)), timeLimit: .seconds(60),
            onFailure: initiate.failed, handler: initiate.handle)
        let conversation = ConversationHandler(services)
        // Somebody is waiting on the line.
        registry.register(
            ProcessConversation.self, retry: .exponentialJitter(base: .milliseconds(200), maximum: .seconds(2)),
            timeLimit: services.settings.turnBudget + .seconds(5), onFailure: conversation.failed,
            handler: conversation.handle)
        let tool = ExecuteToolHandler(services)
        registry.register(
            ExecuteTool.self, retry: .exponentialJitter(base: .milliseconds(200), maximum: .seconds(2)),
            timeLimit: .seconds(60), handler: tool.handle)
        let status = RecordCallStatusHandler(services)
        registry.register(
            RecordCallStatus.self, retry: .exponentialJitter(maximum: .seconds(30)), handler: status.handle)
    }

    private static func registerEnd(in registry: inout JobRegistry, _ services: CallServices) {
        let finalize = FinalizeCallHandler(services)
        registry.register(
            FinalizeCall.self, retry: .exponentialJitter(maximum: .seconds(60)), timeLimit: .seconds(90),
            handler: finalize.handle)
        let price = RecordCallPriceHandler(services)
        registry.register(RecordCallPrice.self, handler: price.handle)
        let finished = CampaignFinishedHandler(services)
        registry.register(CampaignFinished.self, timeLimit: .seconds(60), handler: finished.handle)
        let reconcile = ReconcileCallsHandler(services)
        registry.register(ReconcileCalls.self, timeLimit: .seconds(300), handler: reconcile.handle)
    }

    private static func registerMail(in registry: inout JobRegistry, _ services: CallServices) {
        let send = SendEmailHandler(services)
        registry.register(SendEmail.self, retry: .exponentialJitter(base: .seconds(5)), handler: send.handle)
        let text = SendTextMessageHandler(services)
        registry.register(SendTextMessage.self, retry: .exponentialJitter(base: .seconds(5)), handler: text.handle)
        let remind = RemindGuestHandler(services)
        registry.register(RemindGuest.self, retry: .exponentialJitter(base: .seconds(5)), handler: remind.handle)
    }
}

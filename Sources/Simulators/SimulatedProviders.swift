import FoundationEssentials
public import Platform

/// All the providers of a campaign at once, and the environment that points Operadora at them.
public final class SimulatedProviders: Sendable {
    public struct Configuration: Sendable {
        public var openAI = SimulatedOpenAI.Configuration()
        public var google = SimulatedGoogle.Configuration()
        public var twilio = SimulatedTwilio.Configuration()
        /// What goes wrong at each of them.
        public var faults = FaultPlan.none
        public init() {}
    }

    public let openAI: SimulatedOpenAI
    public let google: SimulatedGoogle
    public let twilio: SimulatedTwilio
    /// The variables that name the simulators: base URLs, keys and credentials.
    public let environment: [String: String]
    private let credentials: String

    /// Starts them on free ports and writes the calendar's credentials into `directory`.
    public init(configuration: Configuration = Configuration(), directory: String, logger: Logger) throws {
        openAI = SimulatedOpenAI(configuration: configuration.openAI, faults: configuration.faults, logger: logger)
        google = try SimulatedGoogle(configuration: configuration.google, faults: configuration.faults, logger: logger)
        twilio = SimulatedTwilio(configuration: configuration.twilio, faults: configuration.faults, logger: logger)
        credentials = directory + "/credentials.json"
        environment = [
            "CALL_PROVIDER": "twilio",
            "TWILIO_API_BASE_URL": try twilio.start(),
            "TWILIO_ACCOUNT_SID": twilio.accountSID,
            "TWILIO_AUTH_TOKEN": twilio.authToken,
            "TWILIO_FROM_NUMBER": configuration.twilio.numbers.sorted().first ?? "",
            "OPENAI_BASE_URL": try openAI.start(),
            "OPENAI_API_KEY": openAI.apiKey,
            "OPENAI_MODEL": configuration.openAI.models.first ?? "",
            "CALENDAR_PROVIDER": "google",
            "GOOGLE_CALENDAR_BASE_URL": try google.start(),
            "GOOGLE_CALENDAR_ID": configuration.google.calendars.first ?? "primary",
            "GOOGLE_CREDENTIALS_FILE": credentials,
            "GOOGLE_IMPERSONATE": configuration.google.delegatedSubjects?.sorted().first ?? "sales@example.com",
        ]
        try google.writeCredentials(to: credentials)
    }

    /// Hangs up every call and stops.
    public func stop() async {
        await twilio.stop()
        await openAI.stop()
        await google.stop()
        try? FileManager.default.removeItem(atPath: credentials)
    }
}

import Platform
import Simulators

/// The simulated providers of a demo, in this process, and the variables that lead to them.
struct DemoProviders: Sendable {
    /// How much faster than people the simulated ones speak.
    private static let speed = 25.0
    private static let thinkTime = Duration.milliseconds(200)

    let twilio: SimulatedTwilio
    private let openAI: SimulatedOpenAI
    private let google: SimulatedGoogle
    let environment: [String: String]

    static func start(home: DemoHome, logger: Logger) async throws -> DemoProviders {
        var twilio = SimulatedTwilio.Configuration()
        twilio.callsPerSecond = .infinity
        twilio.speed = speed
        var openAI = SimulatedOpenAI.Configuration()
        openAI.thinkTime = thinkTime
        return try DemoProviders(
            twilio: SimulatedTwilio(configuration: twilio, logger: logger),
            openAI: SimulatedOpenAI(configuration: openAI, logger: logger),
            google: SimulatedGoogle(logger: logger), number: twilio.numbers.min() ?? "", home: home)
    }

    private init(
        twilio: SimulatedTwilio, openAI: SimulatedOpenAI, google: SimulatedGoogle, number: String, home: DemoHome
    ) throws {
        self.twilio = twilio
        self.openAI = openAI
        self.google = google
        let credentials = "\(home.path)/credentials.json"
        environment = [
            "CALL_PROVIDER": "simulator", "TWILIO_API_BASE_URL": try twilio.start(),
            "TWILIO_ACCOUNT_SID": twilio.accountSID, "TWILIO_AUTH_TOKEN": twilio.authToken,
            "TWILIO_FROM_NUMBER": number, "OPENAI_BASE_URL": try openAI.start(), "OPENAI_API_KEY": openAI.apiKey,
            "GOOGLE_CALENDAR_BASE_URL": try google.start(), "GOOGLE_CREDENTIALS_FILE": credentials,
        ]
        try google.writeCredentials(to: credentials)
    }

    func stop() async {
        await twilio.stop()
        await openAI.stop()
        await google.stop()
    }
}

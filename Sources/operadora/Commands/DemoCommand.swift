import Platform

struct DemoCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "demo", abstract: "Run a whole campaign with simulated providers, and show what comes of it.",
            discussion: """
                Starts a PostgreSQL of its own, simulators of Twilio, OpenAI and Google, an ingress and two
                workers on free ports; imports leads, launches a campaign, shows how it goes, and stops and
                removes everything.

                EXAMPLE:
                  operadora demo --leads 100 --keep
                  operadora demo --json
                """)
    }
    @Option(help: "How many people to call.", valueName: "number") var leads = 40
    @Flag(help: "Leave everything up until Ctrl-C, to look around.") var keep: Bool
    @Flag(help: "Print a summary object instead of a report.") var json: Bool

    func validate() throws {
        guard (1...100_000).contains(leads) else {
            throw ValidationError("The value '\(leads)' is invalid for '--leads <number>': it must be 1 to 100000")
        }
    }

    func run() async throws {
        let logger = Logger(label: "operadora.demo", level: .error)
        let demo = Demo(options: Demo.Options(leads: leads, staysUp: keep, printsJSON: json), logger: logger)
        // What went wrong is said once, at the end.
        let quiet = Logger(label: "operadora.demo", level: .critical)
        try await ServiceGroup(services: [demo], gracefulStopLimit: .seconds(45), logger: quiet).run()
    }
}

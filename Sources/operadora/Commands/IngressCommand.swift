struct IngressCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "ingress", abstract: "Take in webhooks: verify, commit, answer.",
            discussion: """
                Start as many as you like behind a load balancer. PUBLIC_URL is the address that providers
                call: signatures are checked against it.

                EXAMPLE:
                  PUBLIC_URL=https://calls.example.com INGRESS_PORT=8080 operadora ingress
                """)
    }

    func run() async throws {
        let configuration = try Configuration.load(needs: [.database, .webhooks])
        let assembly = try Assembly(configuration, process: "ingress", maximumConnections: 12)
        // Also while the database is away: a caller then hears a pause, not an error.
        try await assembly.run(waitsForDatabase: false) { try assembly.ingress() }
    }
}

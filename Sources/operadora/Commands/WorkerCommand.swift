struct WorkerCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "worker", abstract: "Claim jobs and run them: dial, talk, book, finish.",
            discussion: """
                Start as many as you like, on any machine. On SIGTERM it claims nothing more, finishes what it
                runs and gives back what takes too long; killed, another worker takes over within seconds.

                EXAMPLE:
                  WORKER_QUEUES=turns:64,tools:16,calls:16,default:16 operadora worker
                """)
    }

    func run() async throws {
        let configuration = try Configuration.load(needs: [.database, .providers])
        let assembly = try Assembly(configuration, process: "worker", maximumConnections: 12)
        try await assembly.run(waitsForDatabase: true) { try assembly.worker() }
    }
}

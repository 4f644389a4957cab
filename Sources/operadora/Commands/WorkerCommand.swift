struct WorkerCommand: ParsableCommand {
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: "worker", abstract: "") }
}

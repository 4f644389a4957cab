struct DemoCommand: ParsableCommand {
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: "demo", abstract: "") }
}

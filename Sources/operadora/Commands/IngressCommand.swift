struct IngressCommand: ParsableCommand {
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: "ingress", abstract: "") }
}

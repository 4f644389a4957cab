struct DoctorCommand: ParsableCommand {
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: "doctor", abstract: "") }
}

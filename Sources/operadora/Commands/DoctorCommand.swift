import Platform

struct DoctorCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "doctor", abstract: "Check everything that a campaign needs; say what failed and what to do.",
            discussion: """
                Nothing is changed, dialled or booked.

                EXAMPLE:
                  operadora doctor
                  operadora doctor --json
                """)
    }
    @Flag(help: "Print JSON instead of lines.") var json: Bool

    func run() async throws {
        let findings = await Doctor().findings { finding in
            if !json { Console.print(finding.text) }
        }
        if json { Console.print(JSON.array(findings.map(\.json)).text) }
        if findings.contains(where: { $0.state == .failed }) { throw ExitCode.failure }
    }
}

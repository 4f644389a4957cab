/// A set of arguments: its stored properties marked `@Argument`, `@Option`, `@Flag` or `@OptionGroup`.
///
/// The names and the behaviour are those of swift-argument-parser, so that it can take this one's place.
protocol ParsableArguments {
    init()
    /// Checks what one property alone cannot. Throw `ValidationError`.
    mutating func validate() throws
}

extension ParsableArguments {
    mutating func validate() throws {}
}

/// A command, or a group of commands when its configuration has subcommands.
protocol ParsableCommand: ParsableArguments {
    static var configuration: CommandConfiguration { get }
}

/// A command that does something.
protocol AsyncParsableCommand: ParsableCommand {
    mutating func run() async throws
}

struct CommandConfiguration {
    var commandName: String
    /// One line.
    var abstract: String
    /// What else to know. An example belongs here.
    var discussion: String = ""
    /// What `--version` prints; nil when there is no such option.
    var version: (() -> String)?
    var subcommands: [any ParsableCommand.Type] = []
    /// Runs when no subcommand is named.
    var defaultSubcommand: (any ParsableCommand.Type)?
}

/// The arguments are wrong: said with the usage, exit status 2.
struct ValidationError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// Ends the process with this status when a command throws it; what there is to say has been said.
struct ExitCode: Error, Equatable {
    let rawValue: Int32
    static let failure = ExitCode(rawValue: 1)
    static let usage = ExitCode(rawValue: 2)
}

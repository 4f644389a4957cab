import Calls
import HTTP
import Platform

/// What the agent's tools need beside the calendar and the mail.
struct ToolsConfiguration: Sendable {
    static let usualFile = "data/tools.json"

    /// May not be there when it is the usual one.
    var file: String
    /// Where custom tools may go.
    var destinations: DestinationPolicy
    /// Nil: `consultar_mikrotik` is not offered.
    var mikrotikURL: String?
    /// E.164; nil: nobody is called for a caller who wants a person.
    var transferNumber: String?
    /// Of an environment variable; nil when it is not set.
    private let secret: @Sendable (String) -> Secret?

    init(_ reader: inout EnvironmentReader, _ needs: Configuration.Needs) {
        let environment = reader.environment
        secret = { environment[$0].map { Secret($0) } }
        file = reader.string("TOOLS_FILE", default: Self.usualFile)
        destinations = reader.parsed(
            "TOOLS_ALLOWED_HOSTS", default: .publicOnly,
            expected: "hosts of your own, addresses or blocks of them, such as crm.internal,10.1.0.0/16"
        ) { DestinationPolicy($0) }
        let url = reader.url("MIKROTIK_API_URL", default: nil)
        if reader.bool("ENABLE_MIKROTIK_TOOLS", default: url != nil) {
            mikrotikURL = url
            if reader.string("MIKROTIK_API_URL") == nil {
                reader.report(
                    "MIKROTIK_API_URL",
                    "is not set: set it to the router API, such as http://192.168.1.100:5050, or "
                        + "ENABLE_MIKROTIK_TOOLS to false")
            }
        }
        transferNumber = reader.parsed(
            "TRANSFER_NUMBER", default: nil, expected: "the E.164 number of a person, such as +12125550123"
        ) { text -> String?? in text.isE164 ? .some(text) : .none }
        if needs.contains(.providers) { check(&reader) }
    }

    /// One problem for each mistake in the file.
    private func check(_ reader: inout EnvironmentReader) {
        do {
            let tools = try toolsFile(logger: Logger(label: "operadora", level: .critical))
            if reader.string("TOOLS_FILE") != nil, !tools.isThere {
                reader.report("TOOLS_FILE", "is \"\(file)\": it must be a file that can be read")
            }
        } catch {
            for problem in error.problems { reader.report("TOOLS_FILE", "\(file): \(problem)") }
        }
    }

    /// Throws when the file is broken.
    func toolsFile(logger: Logger) throws(ToolsFileError) -> ToolsFile {
        try ToolsFile(path: file, destinations: destinations, logger: logger, secret: secret)
    }
}

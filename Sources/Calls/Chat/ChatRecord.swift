public import Agents
public import FoundationEssentials
public import Platform

/// One turn of a chat: what was said, what the tools did, what was answered. A line of a record.
public struct ChatExchange: Sendable, Hashable {
    /// The number of the caller's utterance, or of the agent's where the caller was silent.
    public var turn: Int
    /// When it was asked, by the database's clock: "tomorrow" is the day after.
    public var at: Date
    /// Nil for silence.
    public var caller: String?
    public var tools: [ChatToolCall]
    public var agent: String
    public var endsCall: Bool
    /// How the model's work ended; nil when it was not asked, and in a record.
    public var stop: AgentStop?
}

extension ChatExchange: Codable {
    enum CodingKeys: String, CodingKey {
        case turn, at, caller, tools, agent
        case endsCall = "ends_call"
    }

    /// Whether the model was to answer and could not: the caller got an apology.
    public var modelFailed: Bool { stop?.isFailure == true }

    /// The number of the agent's utterance.
    var answerNumber: Int { caller == nil ? turn : turn + 1 }
}

public struct ChatToolCall: Sendable, Hashable, Codable {
    public var name: String
    /// What was not JSON is kept as the text that it is.
    public var arguments: JSON
    public var result: JSON
    public var success: Bool

    init(_ execution: ToolExecution) {
        name = execution.call.name
        arguments = execution.arguments ?? .string(execution.call.arguments)
        result = execution.result.value
        success = execution.result.success
    }
}

/// A stored conversation, as JSON lines: what it was held with, then its exchanges. Each line is written when its turn ends,
/// so that what was said before a crash can be replayed.
public struct ChatRecord: Sendable {
    public struct Head: Sendable, Hashable, Codable {
        public static let currentVersion = 1

        public var version = currentVersion
        public var language: String
        public var timezone: String
        /// The campaign's name; nil without.
        public var campaign: String?

        public init(_ brief: ChatBrief) {
            language = brief.language
            timezone = brief.zone.identifier
            campaign = brief.campaignName
        }

        enum CodingKeys: String, CodingKey {
            case version = "operadora_chat"
            case language, timezone, campaign
        }
    }

    public static let maximumBytes = 8 << 20
    public static let maximumExchanges = 200
    private static let highestTurn = 1_000

    public let head: Head
    public let exchanges: [ChatExchange]

    /// Throws `ChatError.badRecord` with the line that is wrong.
    public init(parsing text: String) throws {
        // A process that was killed may have left half a line at the end; that turn was never answered.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard let first = lines.first else { throw ChatError.badRecord(line: 1, problem: "the record is empty") }
        head = try Self.decode(first, line: 1)
        guard head.version == Head.currentVersion else {
            throw ChatError.badRecord(line: 1, problem: "version \(head.version) is not known")
        }
        guard ["en", "es", "pt"].contains(head.language) else {
            throw ChatError.badRecord(line: 1, problem: "language must be en, es or pt")
        }
        guard Zone(identifier: head.timezone) != nil else {
            throw ChatError.badRecord(line: 1, problem: "timezone is none that is known")
        }
        guard lines.count <= Self.maximumExchanges + 1 else {
            throw ChatError.badRecord(
                line: Self.maximumExchanges + 2, problem: "more than \(Self.maximumExchanges) turns")
        }
        exchanges = try lines.dropFirst().enumerated().map { try Self.decode($1, line: $0 + 2) }
        if let index = exchanges.firstIndex(where: { !(1...Self.highestTurn).contains($0.turn) }) {
            throw ChatError.badRecord(line: index + 2, problem: "turn must be from 1 to \(Self.highestTurn)")
        }
        for (index, pair) in zip(exchanges, exchanges.dropFirst()).enumerated() where pair.0.turn >= pair.1.turn {
            throw ChatError.badRecord(line: index + 3, problem: "turn must be greater than that of the line before")
        }
    }

    private static func decode<Value: Decodable>(_ line: Substring, line number: Int) throws -> Value {
        guard let json = try? JSON(parsing: String(line)) else {
            throw ChatError.badRecord(line: number, problem: "it is not a line of JSON")
        }
        do {
            return try json.decode()
        } catch DecodingError.keyNotFound(let key, _) {
            throw ChatError.badRecord(line: number, problem: "\(key.stringValue) is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context)
        {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw ChatError.badRecord(line: number, problem: "\(path.isEmpty ? "it" : path) is not what it must be")
        }
    }
}

import Agents
public import FoundationEssentials
import Platform

/// Somebody who is called by the agent under evaluation: what they say, and what must stand in the database afterwards.
/// The format is in docs/evaluation.md.
public struct CallerScript: Sendable {
    /// Who is called, as a row of `leads`.
    struct Lead: Sendable {
        var name: String?
        var email: String?
        /// Nil is the campaign's.
        var language: String?
        var timezone = "UTC"
        var variables: JSON = [:]
    }

    /// Said whenever the agent's words hold one of the phrases, a number of times at most.
    struct Reply: Sendable {
        var phrases: [String]
        var words: String
        var times: Int
    }

    struct Expectation: Sendable {
        /// Nil: one may be booked or not, since only some of the outcomes that will do are a meeting.
        var meeting: Meeting?
        /// Any of these will do; nil is not graded.
        var outcomes: [String]?
        /// Whether the caller must, or must not, have been taken for one who is never to be called again.
        var isDoNotCall: Bool?

        enum Meeting: Sendable {
            /// None may be booked.
            case none
            case booked(Time, guestEmail: String?)
        }

        enum Time: Sendable {
            case any
            /// The slot with this number, from 1, of those that were offered last.
            case offered(Int)
            /// In the caller's words and zone: "next tuesday at 10:00".
            case at(String)
        }
    }

    /// The file's name without its ending.
    public let name: String
    let lead: Lead
    /// Said in this order, where no reply is called for; nil is silence. Then the caller hangs up.
    let lines: [String?]
    let replies: [Reply]
    /// What tools that reach outside answer this caller, by their names.
    let answers: [String: JSON]
    let expectation: Expectation

    static let largestFile = 64 * 1_024
    static let mostFiles = 1_000

    /// Reads every `.json` file of a folder, in the order of their names. Throws `CallerScriptError` with everything wrong.
    public static func folder(_ path: String) throws -> [CallerScript] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw CallerScriptError(problems: ["\(path) is no folder that can be read"])
        }
        let files = names.filter { $0.hasSuffix(".json") }.sorted()
        guard (1...mostFiles).contains(files.count) else {
            throw CallerScriptError(problems: [
                "\(path) holds \(files.count) .json files: there must be 1 to \(mostFiles)"
            ])
        }
        var scripts: [CallerScript] = []
        var problems: [String] = []
        for name in files {
            let file = "\(path)/\(name)"
            do throws(CallerScriptError) {
                guard let data = try? Data(contentsOf: URL(filePath: file)) else {
                    throw CallerScriptError(problems: ["\(file) cannot be read"])
                }
                scripts.append(try CallerScript(name: String(name.dropLast(5)), file: file, data))
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw CallerScriptError(problems: problems) }
        return scripts
    }

    /// - Parameters:
    ///   - name: of the caller, with which the place of whatever is wrong begins.
    ///   - file: how a text that is no JSON is called; nil is the name.
    ///   - data: the file's JSON text.
    public init(name: String, file: String? = nil, _ data: Data) throws(CallerScriptError) {
        let file = file ?? name
        guard data.count <= Self.largestFile else {
            throw CallerScriptError(problems: ["\(file) is larger than \(Self.largestFile) bytes"])
        }
        let json: JSON
        do {
            json = try JSON(parsing: data)
        } catch {
            throw CallerScriptError(problems: ["\(file) is not JSON: \(ToolsFileReader.reason(error))"])
        }
        let violations = try Self.schema().violations(of: json, at: name)
        guard violations.isEmpty else { throw CallerScriptError(problems: violations.map(\.description)) }
        self.name = name
        lead = Lead(json["lead"] ?? [:])
        lines = (json["says"]?.array ?? []).map(\.string)
        replies = (json["replies"]?.array ?? []).map(Reply.init)
        answers = json["answers"]?.object ?? [:]
        expectation = Expectation(json["expects"] ?? [:])
        let isEmpty = json["expects"]?.object?.isEmpty == true
        let problems =
            lead.problems + replies.flatMap(\.problems)
            + (isEmpty ? ["expects is empty: name a meeting, an outcome or do_not_call"] : [])
        guard problems.isEmpty else { throw CallerScriptError(problems: problems.map { "\(name).\($0)" }) }
    }
}

/// Why scripts cannot be used: each problem with its file and its place there.
public struct CallerScriptError: Error, Sendable, Hashable, CustomStringConvertible {
    public let problems: [String]
    public var description: String { problems.joined(separator: "\n") }
}

extension CallerScript.Lead {
    init(_ json: JSON) {
        name = json["name"]?.string
        email = json["email"]?.string
        language = json["language"]?.string
        timezone = json["timezone"]?.string ?? timezone
        variables = json["variables"] ?? variables
    }

    var problems: [String] { Zone(identifier: timezone) == nil ? ["lead.timezone is not a time zone"] : [] }
}

extension CallerScript.Reply {
    init(_ json: JSON) {
        phrases = (json["when"]?.array ?? []).compactMap(\.string)
        words = json["says"]?.string ?? ""
        times = Int(json["times"]?.integer ?? 1)
    }

    var problems: [String] {
        phrases.filter { FoldedSentence.sentences(of: $0).count != 1 }.map { "replies: “\($0)” must be a few words" }
    }
}

extension CallerScript.Expectation {
    init(_ json: JSON) {
        let outcome = json["outcome"]
        outcomes = outcome?.string.map { [$0] } ?? outcome?.array?.compactMap(\.string)
        isDoNotCall = json["do_not_call"]?.bool
        guard let meeting = json["meeting"] else {
            // What nobody said is to be booked may not be.
            let isMeeting = outcomes?.contains(CallOutcome.meetingScheduled.rawValue) == true
            if !isMeeting { self.meeting = Meeting.none }
            if isMeeting, outcomes?.count == 1 { self.meeting = .booked(.any, guestEmail: nil) }
            return
        }
        let time = meeting["offered"]?.integer.map { Time.offered(Int($0)) } ?? meeting["at"]?.string.map { .at($0) }
        self.meeting =
            meeting.string == nil ? .booked(time ?? .any, guestEmail: meeting["guest_email"]?.string) : Meeting.none
    }
}

extension CallerScript {
    private static func schema() throws(CallerScriptError) -> JSONSchema {
        do {
            return try JSONSchema(format)
        } catch {
            throw CallerScriptError(problems: ["\(error)"])
        }
    }

    private static let words: JSON = ["type": "string", "minLength": 1, "maxLength": 1_000]

    private static let format: JSON = [
        "type": "object", "required": ["says", "expects"], "additionalProperties": false,
        "properties": [
            "about": ["type": "string"],
            "lead": [
                "type": "object", "additionalProperties": false,
                "properties": [
                    "name": ["type": "string", "minLength": 1, "maxLength": 200],
                    "email": ["type": "string", "format": "email"], "timezone": words,
                    "language": ["type": "string", "enum": ["en", "es", "pt"]], "variables": ["type": "object"],
                ],
            ],
            "says": [
                "type": "array", "maxItems": 50,
                "items": ["type": ["string", "null"], "minLength": 1, "maxLength": 1_000],
            ],
            "replies": [
                "type": "array", "maxItems": 50,
                "items": [
                    "type": "object", "required": ["when", "says"], "additionalProperties": false,
                    "properties": [
                        "when": ["type": "array", "items": words, "minItems": 1, "maxItems": 50], "says": words,
                        "times": ["type": "integer", "minimum": 1, "maximum": 50],
                    ],
                ],
            ],
            "answers": ["type": "object", "additionalProperties": ["type": "object"]],
            "expects": [
                "type": "object", "additionalProperties": false,
                "properties": [
                    "meeting": [
                        "anyOf": [
                            ["type": "string", "enum": ["none"]],
                            [
                                "type": "object", "additionalProperties": false,
                                "properties": [
                                    "offered": ["type": "integer", "minimum": 1, "maximum": 10], "at": words,
                                    "guest_email": words,
                                ],
                            ],
                        ]
                    ],
                    "outcome": ["anyOf": [outcome, ["type": "array", "items": outcome, "minItems": 1]]],
                    "do_not_call": ["type": "boolean"],
                ],
            ],
        ],
    ]

    private static let outcome: JSON = [
        "type": "string", "enum": .array(CallOutcome.allCases.map { .string($0.rawValue) }),
    ]
}

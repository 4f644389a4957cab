import FoundationEssentials

/// The arguments of a job as they stand in the table.
enum ArgumentsCoding {
    // Both are safe to share: they are configured once and keep nothing of a coding.
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = .withoutEscapingSlashes
        return encoder
    }()

    private static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }()

    static func encode(_ job: some Job) throws -> String {
        String(decoding: try encoder.encode(job), as: UTF8.self)
    }

    static func decode<Work: Job>(_ arguments: [UInt8]) throws -> Work {
        do {
            return try decoder.decode(Work.self, from: Data(arguments))
        } catch let error as DecodingError {
            throw UndecodableArguments(kind: Work.kind, reason: error.reason)
        }
    }
}

extension Job {
    init(decodingArguments arguments: [UInt8]) throws { self = try ArgumentsCoding.decode(arguments) }
}

/// The arguments do not have the shape of their kind, and no further attempt would change that.
struct UndecodableArguments: Error, CustomStringConvertible {
    let kind: String
    let reason: String

    var description: String { "the arguments are not those of \(kind): \(reason)" }
}

extension DecodingError {
    /// What is wrong and where, without the value.
    fileprivate var reason: String {
        switch self {
        case .keyNotFound(let key, let context): "\(Self.path(context.codingPath + [key])) is missing"
        case .typeMismatch(let type, let context): "\(Self.path(context.codingPath)) is not of type \(type)"
        case .valueNotFound(_, let context): "\(Self.path(context.codingPath)) is null"
        case .dataCorrupted(let context): "\(Self.path(context.codingPath)) is not valid"
        @unknown default: "they cannot be decoded"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce("$") { path, key in key.intValue.map { "\(path)[\($0)]" } ?? "\(path).\(key.stringValue)" }
    }
}

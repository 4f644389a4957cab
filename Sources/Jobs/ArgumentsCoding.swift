import FoundationEssentials
import Platform

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

    /// Sealed when its kind is. Throws `SealingError`, or what `job` throws.
    static func encode<Work: Job>(_ job: Work, _ keys: Keyring) throws -> String {
        let plain = try encoder.encode(job)
        guard try Work.sealing.applies(to: Work.kind, keys) else { return String(decoding: plain, as: UTF8.self) }
        return try keys.seal(Array(plain), for: .arguments(kind: Work.kind)).text
    }

    /// As a row of `schedules` has them. Throws `SealingError.inSchedule` for a kind that is sealed.
    static func encodeForSchedule<Work: Job>(_ job: Work) throws -> String {
        guard Work.sealing == .never else { throw SealingError.inSchedule(kind: Work.kind) }
        return try encode(job, Keyring())
    }

    static func decode<Work: Job>(_ arguments: Data, _ keys: Keyring) throws -> Work {
        do {
            return try decoder.decode(Work.self, from: open(arguments, of: Work.self, keys))
        } catch let error as DecodingError {
            // The path of what is wrong may lead through keys of a dictionary, which are data.
            let reason = Work.sealing == .never ? error.reason : "what is wrong is not said, because they are sealed"
            throw UndecodableArguments(kind: Work.kind, reason: reason)
        }
    }

    private static func open<Work: Job>(
        _ arguments: Data, of type: Work.Type, _ keys: Keyring
    ) throws(OpeningError) -> Data {
        guard Work.sealing != .never else { return arguments }
        let plain = try keys.open(Array(arguments), for: .arguments(kind: Work.kind))
        // Told before it runs: its result could not be kept.
        if Work.sealing == .always, keys.isEmpty { throw .noKeys }
        return Data(plain)
    }
}

extension Job {
    init(decodingArguments arguments: Data, _ keys: Keyring) throws {
        self = try ArgumentsCoding.decode(arguments, keys)
    }
}

extension Sealing {
    /// Throws `SealingError.noKey`.
    func applies(to kind: String, _ keys: Keyring) throws -> Bool {
        switch self {
        case .never: return false
        case .whenKeyed: return !keys.isEmpty
        case .always:
            if keys.isEmpty { throw SealingError.noKey(kind: kind) }
            return true
        }
    }
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

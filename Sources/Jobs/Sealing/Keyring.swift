import FoundationEssentials
public import Platform

/// The keys that sealed jobs are sealed and opened with, each with a name. The first seals, all open.
public struct Keyring: Sendable, CustomStringConvertible, CustomReflectable {
    private struct Key {
        let name: String
        let bytes: [UInt8]
    }

    private let keys: [Key]

    public var isEmpty: Bool { keys.isEmpty }

    /// No keys: what is kept sealed always is not enqueued, and nothing sealed is opened.
    public init() { keys = [] }

    /// - Parameter text: `name:key` or several of them, separated by commas. A name is 1 to 32 ASCII letters, digits, `-`, `_` or
    ///   `.`, and is shown; a key is the base64 of 32 random bytes (`openssl rand -base64 32`).
    ///
    /// Throws `KeyringError`, which does not show what was given.
    public init(_ text: Secret) throws(KeyringError) {
        var keys: [Key] = []
        for (index, part) in text.reveal().split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            let halves = part.split(separator: ":", maxSplits: 1).map(\.trimmed)
            guard halves.count == 2, Self.isName(halves[0]) else { throw KeyringError(number: index + 1, .name) }
            let name = String(halves[0])
            guard let bytes = Data(base64Encoded: String(halves[1])), bytes.count == Cryptography.keyBytes else {
                throw KeyringError(number: index + 1, .bytes)
            }
            guard !keys.contains(where: { $0.name == name }) else { throw KeyringError(number: index + 1, .repeated) }
            keys.append(Key(name: name, bytes: Array(bytes)))
        }
        self.keys = keys
    }

    private static func isName(_ text: some StringProtocol) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    }

    public var description: String { "Keyring(\(keys.map(\.name).joined(separator: ", ")))" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

public struct KeyringError: Error, Sendable, Hashable, CustomStringConvertible {
    enum Problem: Sendable { case name, bytes, repeated }

    let number: Int
    let problem: Problem

    init(number: Int, _ problem: Problem) {
        self.number = number
        self.problem = problem
    }

    public var description: String {
        switch problem {
        case .name: "has no name at key \(number): it must be name:key, the name of letters, digits, -, _ or ."
        case .bytes:
            "has a wrong key at \(number): it must be base64 of 32 bytes, such as openssl rand -base64 32 prints"
        case .repeated: "has the name of key \(number) twice: each key must have its own"
        }
    }
}

extension Keyring {
    /// What a sealed text belongs to: it opens nowhere else.
    enum Place {
        /// Of any job of the kind: a job that is retried is a new one.
        case arguments(kind: String)
        case result(of: JobID)

        fileprivate var context: [UInt8] {
            switch self {
            case .arguments(let kind): Array("operadora arguments \(kind)".utf8)
            case .result(let id): Array("operadora result \(id)".utf8)
            }
        }
    }

    /// With the first key, which there must be. Throws `SealingError.failed`.
    func seal(_ plain: [UInt8], for place: Place) throws -> JSON {
        guard let key = keys.first else { preconditionFailure("asked to seal without a key") }
        let nonce = Cryptography.randomBytes(Cryptography.nonceBytes)
        guard let data = Cryptography.seal(plain, key: key.bytes, nonce: nonce, context: place.context) else {
            throw SealingError.failed
        }
        return Envelope(key: key.name, nonce: nonce, data: data).json
    }

    /// Returns what was sealed, or the JSON text itself when it is no envelope. Throws `OpeningError`.
    func open(_ text: [UInt8], for place: Place) throws(OpeningError) -> [UInt8] {
        guard let json = try? JSON(parsing: text), let envelope = try Envelope(json) else { return text }
        guard let key = keys.first(where: { $0.name == envelope.key }) else {
            throw .unknownKey(envelope.key)
        }
        guard
            let plain = Cryptography.open(
                envelope.data, key: key.bytes, nonce: envelope.nonce, context: place.context)
        else { throw .notAuthentic(key: envelope.key) }
        return plain
    }
}

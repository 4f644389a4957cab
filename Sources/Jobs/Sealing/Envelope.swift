import FoundationEssentials
import Platform

/// Sealed JSON as it stands in the database: `{"sealed": {"alg": "A256GCM", "key": "2026-11", "nonce": "…", "data": "…"}}`, where
/// `alg` is JOSE's name (RFC 7518), `key` the key's name, and the others are base64.
struct Envelope {
    private static let algorithm = "A256GCM"

    let key: String
    let nonce: [UInt8]
    /// Ciphertext and tag.
    let data: [UInt8]

    var json: JSON {
        [
            "sealed": [
                "alg": .string(Self.algorithm), "key": .string(key),
                "nonce": .string(Data(nonce).base64EncodedString()),
                "data": .string(Data(data).base64EncodedString()),
            ]
        ]
    }
}

extension Envelope {
    /// Nil when it is none. Throws `OpeningError.malformed`.
    init?(_ json: JSON) throws(OpeningError) {
        guard let contents = json["sealed"], contents.object != nil, json.object?.count == 1 else { return nil }
        guard contents["alg"]?.string == Self.algorithm, let key = contents["key"]?.string,
            let nonce = contents["nonce"]?.string.flatMap({ Data(base64Encoded: $0) }),
            let data = contents["data"]?.string.flatMap({ Data(base64Encoded: $0) })
        else { throw .malformed }
        self.init(key: String(key.prefix(32)), nonce: Array(nonce), data: Array(data))
    }
}

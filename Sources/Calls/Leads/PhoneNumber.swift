import CPhoneNumber

/// A telephone number in E.164 form, as libphonenumber reads it.
public struct PhoneNumber: Sendable, Hashable {
    /// `+` and 7 to 15 digits.
    public let e164: String

    /// Reads a number as people write it. One without a country code is read as a number of `country` (ISO 3166
    /// alpha-2); nil is none.
    ///
    /// Numbers that cannot exist by the numbering plan (too short, too long) are refused; whether one is assigned to
    /// anybody only a call can tell.
    public init(_ text: String, country: String?) throws(PhoneNumberProblem) {
        // Far beyond any way of writing fifteen digits; libphonenumber itself refuses more than 250.
        guard text.utf8.count <= 100 else { throw .tooLong }
        // C would read no further than that.
        guard !text.utf8.contains(0) else { throw .notANumber }
        var buffer = [CChar](repeating: 0, count: 32)
        switch operadora_phone_normalize(text, country ?? "ZZ", &buffer, buffer.count) {
        case OPERADORA_PHONE_OK: break
        case OPERADORA_PHONE_INVALID_COUNTRY: throw .unknownCountry(hasDefault: country != nil)
        case OPERADORA_PHONE_TOO_SHORT: throw .tooShort
        case OPERADORA_PHONE_TOO_LONG: throw .tooLong
        case OPERADORA_PHONE_INVALID_LENGTH: throw .impossibleLength
        case OPERADORA_PHONE_LOCAL_ONLY: throw .withoutAreaCode
        case OPERADORA_PHONE_HAS_EXTENSION: throw .hasExtension
        default: throw .notANumber
        }
        let digits = buffer.dropFirst().prefix { $0 != 0 }.count
        // Some countries have longer numbers, and a few shorter ones: E.164 knows none beyond 15 digits, nor can they be dialled.
        guard digits >= 7 else { throw .tooShort }
        guard digits <= 15 else { throw .tooLong }
        e164 = String(decoding: buffer.prefix(digits + 1).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether numbers without a country code can be read as numbers of this country (ISO 3166 alpha-2, upper case).
    public static func isKnown(country: String) -> Bool { operadora_phone_knows_region(country) != 0 }
}

/// Why a text is not a number that can be dialled. `description` completes "the phone …".
public enum PhoneNumberProblem: Error, Sendable, Hashable, CustomStringConvertible {
    case notANumber
    case unknownCountry(hasDefault: Bool)
    case tooShort, tooLong, impossibleLength, withoutAreaCode, hasExtension

    public var description: String {
        switch self {
        case .notANumber: "is not a phone number"
        case .unknownCountry(hasDefault: true): "has a country code that does not exist"
        case .unknownCountry(hasDefault: false):
            "has no known country code: write it as +… , or give the campaign a country"
        case .tooShort: "has too few digits for its country"
        case .tooLong: "has too many digits for its country"
        case .impossibleLength: "has a number of digits that its country does not use"
        case .withoutAreaCode: "lacks its area code"
        case .hasExtension: "has an extension, which cannot be dialled"
        }
    }
}

import Testing

@testable import Calls

@Suite struct PhoneNumberTests {
    @Test(
        "A number is brought to E.164, read as one of the campaign's country when it names none",
        arguments: [
            ("+442079460001", nil, "+442079460001"), ("+55 1155000002", nil, "+551155000002"),
            ("  +1 (212) 555-0191 ", nil, "+12125550191"), ("(212) 555-0193", "US", "+12125550193"),
            ("12125550192", "US", "+12125550192"), ("020 7946 0001", "GB", "+442079460001"),
            ("0044 20 7946 0001", "ES", "+442079460001"), ("915 55 00 09", "ES", "+34915550009"),
            ("55 5555 0199", "MX", "+525555550199"), ("+81 90-5550-0203", "MX", "+819055500203"),
            ("+1212CALLNOW", nil, "+12122255669"), ("+٤٤٢٠٧٩٤٦٠٠٠١", nil, "+442079460001"),
        ] as [(String, String?, String)])
    func normalized(text: String, country: String?, e164: String) throws {
        #expect(try PhoneNumber(text, country: country).e164 == e164)
    }

    @Test("A country is known by two upper-case letters")
    func countries() {
        #expect(["MX", "BR", "US"].allSatisfy { PhoneNumber.isKnown(country: $0) })
        #expect(["XX", "mx", "", "MEX", "ZZ"].allSatisfy { !PhoneNumber.isKnown(country: $0) })
    }

    @Test(
        "A text that cannot be dialled is refused with the reason",
        arguments: [
            ("", nil, .notANumber), ("call me", "US", .notANumber), ("n/a", "US", .notANumber),
            ("-", "US", .notANumber),
            ("+123", nil, .tooShort), ("+12345678901234567", nil, .tooLong), ("+52551000012", nil, .tooShort),
            ("+999 123456789", "US", .unknownCountry(hasDefault: true)),
            ("(212) 555-0193", nil, .unknownCountry(hasDefault: false)),
            ("555-0193", "US", .withoutAreaCode), ("212-555-0193 ext. 5", "US", .hasExtension),
            ("12", "US", .tooShort), (String(repeating: "1", count: 5_000), "US", .tooLong),
            ("+1 212 555 0193\u{0}9", nil, .notANumber),
        ] as [(String, String?, PhoneNumberProblem)])
    func refused(text: String, country: String?, problem: PhoneNumberProblem) {
        #expect(throws: problem) { try PhoneNumber(text, country: country) }
    }
}

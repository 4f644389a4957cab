import Testing

@testable import Calls

@Suite struct LeadRowTests {
    private let zones = ["america/new_york": "America/New_York", "utc": "UTC"]

    private func header(_ titles: String...) throws -> LeadColumns {
        try LeadColumns(header: CSVRecord(line: 1, fields: titles.map { Array($0.utf8) }))
    }

    private func verdict(
        _ columns: LeadColumns, _ fields: [String], country: String? = "US"
    ) -> LeadRowReader.Verdict {
        LeadRowReader(columns: columns, country: country, zones: zones)
            .read(CSVRecord(line: 7, fields: fields.map { Array($0.utf8) }))
    }

    /// "column: reason" of each problem.
    private func problems(_ columns: LeadColumns, _ fields: [String]) -> [String] {
        guard case .bad(let problems) = verdict(columns, fields) else { return [] }
        return problems.map { "\($0.column): \($0.reason)" }
    }

    @Test(
        "The header may be in English, Spanish or Portuguese, in any case, with or without accents",
        arguments: [
            ["Name", "PHONE", "E-Mail", "Language", "Time Zone"],
            ["Nombre", "Teléfono", "Correo electrónico", "IDIOMA", "zona horaria"],
            ["nome", "telefone", "email", "língua", "fuso-horário"], ["NOMBRE", "telefono", "mail", "lang", "tz"],
        ])
    func headerLanguages(titles: [String]) throws {
        let columns = try LeadColumns(header: CSVRecord(line: 1, fields: titles.map { Array($0.utf8) }))
        #expect(
            columns.meanings == [.field(.name), .field(.phone), .field(.email), .field(.language), .field(.timezone)])
    }

    @Test("A second column of the same meaning, and any other, is a variable under its own name")
    func variables() throws {
        #expect(
            try header("Mobile", "phone", "Company").meanings
                == [.variable("Mobile"), .field(.phone), .variable("Company")])
        #expect(try header("celular", "telefono").meanings == [.field(.phone), .variable("telefono")])
    }

    @Test("A header without a phone, with a name twice, or not in UTF-8 is refused as a whole")
    func badHeaders() throws {
        #expect(throws: LeadFileError.withoutPhone(titles: ["name", "address"])) { try header("name", "address") }
        #expect(throws: LeadFileError.header("two columns are named \"Phone\"")) { try header("phone", "Phone") }
        #expect(throws: LeadFileError.self) {
            try LeadColumns(header: CSVRecord(line: 1, fields: [Array("phone".utf8), [0xE9]]))
        }
    }

    @Test(
        "The delimiter is told from the header line",
        arguments: [
            ("name,phone", ","), ("name;phone", ";"), ("name\tphone", "\t"), ("phone", ","),
            ("\"a;b;c\",phone", ","), ("name;phone;\"x,y,z,w\"", ";"),
        ])
    func delimiter(line: String, delimiter: Character) {
        #expect(LeadColumns.delimiter(ofHeader: line.utf8) == delimiter.asciiValue)
    }

    @Test("A good row is trimmed and normalized, and its other columns become variables")
    func goodRow() throws {
        let columns = try header("name", "phone", "email", "language", "timezone", "company", "notes")
        let expected = ImportedLead(
            line: 7, phone: "+12125550191", name: "Spaces Around", email: "a@example.com", language: "en",
            timezone: "America/New_York", variables: [("company", "=HYPERLINK(\"x\")")])
        #expect(
            verdict(
                columns,
                [
                    "  Spaces Around ", " (212) 555-0191\u{A0}", " a@example.com ", "EN", "america/new_YORK",
                    "=HYPERLINK(\"x\")", " ",
                ]) == .lead(expected))
    }

    @Test("A row with fewer columns than the header is complete, one with more is bad")
    func columnCounts() throws {
        let columns = try header("phone", "name")
        #expect(verdict(columns, ["2125550191"]) == .lead(ImportedLead(line: 7, phone: "+12125550191", variables: [])))
        #expect(problems(columns, ["2125550191", "A", "x"]) == ["column 3: has 3 columns where the header has 2"])
        #expect(problems(try header("name", "phone"), ["A"]) == ["phone: is empty"])
    }

    @Test("Columns without a name in the header must be empty")
    func unnamedColumns() throws {
        let columns = try header("phone", "", "")
        #expect(problems(columns, ["2125550191", "", ""]) == [])
        #expect(problems(columns, ["2125550191", "", "x"]) == ["column 3: stands under no name in the header"])
    }

    @Test(
        "Everything that is wrong with a row is named with its column",
        arguments: [
            (["", "a@b.co", "en", "UTC", "x"], ["Teléfono: is empty"]),
            (
                ["+123", "not-an-email", "klingon", "Mars/Olympus", "x"],
                [
                    "Teléfono: has too few digits for its country", "email: is not an e-mail address",
                    "idioma: is not a language: it must be en, es or pt",
                    "zona horaria: is not a time zone: it must be one such as America/Mexico_City",
                ]
            ),
            (
                ["2125550191", "", "", "", String(repeating: "x", count: 201)],
                ["nombre: is longer than 200 characters"]
            ),
            (["2125550191", "", "", "", "a\u{0}b"], ["nombre: contains a zero byte"]),
        ])
    func badRows(fields: [String], expected: [String]) throws {
        #expect(problems(try header("Teléfono", "email", "idioma", "zona horaria", "nombre"), fields) == expected)
    }

    @Test("Bytes that are not UTF-8 make their row bad, and the report shows them as U+FFFD")
    func notUTF8() throws {
        let columns = try header("phone", "name")
        let record = CSVRecord(line: 7, fields: [Array("2125550191".utf8), [0x4A, 0xF6, 0x72, 0x67]])
        let verdict = LeadRowReader(columns: columns, country: "US", zones: zones).read(record)
        #expect(
            verdict
                == .bad([LeadRowProblem(line: 7, column: "name", value: "J\u{FFFD}rg", reason: "is not UTF-8 text")]))
    }

    @Test(
        "A language may be written as a code, with a country, or in full",
        arguments: [
            ("es", "es"), ("ES", "es"), ("es-MX", "es"), ("pt_BR", "pt"), ("Español", "es"), ("português", "pt"),
            ("English", "en"), ("Inglés", "en"),
        ])
    func languages(text: String, language: String) throws {
        guard case .lead(let lead) = verdict(try header("phone", "language"), ["2125550191", text]) else {
            Issue.record("\(text) was refused")
            return
        }
        #expect(lead.language == language)
    }

    @Test(
        "An e-mail address has one @, a local part and a dotted domain",
        arguments: [
            ("a@example.com", true), ("first.last+tag@sub.example.co.uk", true), ("josé@correo.example", true),
            ("o'brien@example.org", true), ("", false), ("a", false), ("a@b", false), ("a@@example.com", false),
            ("a b@example.com", false), ("a@example..com", false), (".a@example.com", false), ("a@-x.com", false),
            ("a@example.com, b@example.com", false), ("a@example.com\r\nBcc: x@example.com", false),
            ("<a@example.com>", false), (String(repeating: "a", count: 65) + "@example.com", false),
        ])
    func emails(text: String, isPlausible: Bool) {
        #expect(EmailAddress.isPlausible(text) == isPlausible)
    }

    @Test("A row of the COPY format survives tabs, line breaks, backslashes, quotes and control characters")
    func copyText() {
        var bytes: [UInt8] = []
        LeadCopy.append(
            ImportedLead(
                line: 3, phone: "+1", name: "a\tb\\c\nd", language: "es",
                variables: [("k\"", "x\r\n\u{1}\\"), ("l", "é")]),
            to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"3|+1|a\tb\\c\nd|\N|es|\N|{"k\\"":"x\\u000d\\u000a\\u0001\\\\","l":"é"}"#
                .replacing("|", with: "\t") + "\n")
    }
}

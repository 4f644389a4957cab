import Platform

/// What each column of a file is, told from its header: one of a lead's own fields, or a variable.
struct LeadColumns: Sendable, Equatable {
    enum Field: String, Sendable, CaseIterable { case phone, name, email, language, timezone }
    enum Meaning: Sendable, Equatable {
        case field(Field)
        /// Kept under the header's own name.
        case variable(String)
        /// No name in the header: nothing may stand below it.
        case unnamed
    }

    let meanings: [Meaning]
    /// As the header spells them; an unnamed one by its number.
    let titles: [String]
    /// The column of the phone, from 0.
    let phoneIndex: Int

    /// Throws `LeadFileError` when the header cannot be used.
    init(header: CSVRecord) throws {
        let titles = try header.fields.enumerated().map { index, bytes in
            guard let title = String(validating: bytes, as: UTF8.self) else {
                throw LeadFileError.header("the name of column \(index + 1) is not UTF-8 text")
            }
            return String(title.trimmed)
        }
        var taken: Set<Field> = []
        var seen: Set<String> = []
        for title in titles where !title.isEmpty && !seen.insert(Self.normalized(title)).inserted {
            throw LeadFileError.header("two columns are named \"\(title)\"")
        }
        let exact = Set(titles.map(Self.normalized)).intersection(Field.allCases.map(\.rawValue))
        meanings = titles.map { title in
            let name = Self.normalized(title)
            if name.isEmpty { return .unnamed }
            guard let field = Self.names[name] else { return .variable(title) }
            // "phone" beside "mobile": the plain name is the field, the other one a variable.
            if exact.contains(field.rawValue) && name != field.rawValue { return .variable(title) }
            return taken.insert(field).inserted ? .field(field) : .variable(title)
        }
        self.titles = titles.enumerated().map { $1.isEmpty ? "column \($0 + 1)" : $1 }
        guard let phoneIndex = meanings.firstIndex(of: .field(.phone)) else {
            throw LeadFileError.withoutPhone(titles: titles)
        }
        self.phoneIndex = phoneIndex
    }

    /// The delimiter that a header line uses: the most frequent one outside quotes.
    static func delimiter(ofHeader line: some Sequence<UInt8>) -> UInt8 {
        var counts: [UInt8: Int] = [.comma: 0, .semicolon: 0, .tab: 0]
        var isQuoted = false
        for byte in line {
            if byte == .quote { isQuoted.toggle() }
            if !isQuoted, counts[byte] != nil { counts[byte, default: 0] += 1 }
        }
        return [UInt8.comma, .semicolon, .tab].max { counts[$0, default: 0] < counts[$1, default: 0] } ?? .comma
    }

    /// Lower case, without accents; spaces and hyphens as `_`.
    private static func normalized(_ title: String) -> String {
        String(
            title.lowercased().map { character in
                accents[character] ?? (character == "-" || character.isWhitespace ? "_" : character)
            })
    }

    private static let accents: [Character: Character] = [
        "á": "a", "à": "a", "â": "a", "ã": "a", "é": "e", "ê": "e", "í": "i", "ó": "o", "ô": "o", "õ": "o", "ú": "u",
        "ü": "u", "ñ": "n", "ç": "c",
    ]

    /// What the fields are called in English, Spanish and Portuguese.
    private static let names: [String: Field] = {
        let synonyms: [Field: [String]] = [
            .phone: [
                "phone", "phone_number", "telephone", "tel", "mobile", "mobile_phone", "cell", "cell_phone", "telefono",
                "numero_de_telefono", "movil", "celular", "telefone", "numero_de_telefone", "telemovel", "whatsapp",
            ],
            .name: [
                "name", "full_name", "contact", "nombre", "nombre_completo", "contacto", "nome", "nome_completo",
                "contato",
            ],
            .email: [
                "email", "e_mail", "mail", "email_address", "correo", "correo_electronico", "correio_eletronico",
                "endereco_de_email",
            ],
            .language: ["language", "lang", "idioma", "lengua", "lingua"],
            .timezone: ["timezone", "time_zone", "tz", "zona_horaria", "huso_horario", "fuso", "fuso_horario"],
        ]
        return Dictionary(
            synonyms.flatMap { field, names in names.map { ($0, field) } }, uniquingKeysWith: { first, _ in first })
    }()
}

/// A file that cannot be imported at all: nothing of it was.
public enum LeadFileError: Error, Sendable, Equatable, CustomStringConvertible {
    case notReadable(path: String, reason: String)
    case notWritable(path: String, reason: String)
    case empty
    case utf16
    case header(String)
    case withoutPhone(titles: [String])

    public var description: String {
        switch self {
        case .notReadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .notWritable(let path, let reason):
            "the report \(path) cannot be written: \(reason); name another place with --report"
        case .empty: "the file is empty: its first line must name the columns"
        case .utf16: "the file is UTF-16 text: save it as \"CSV UTF-8\""
        case .header(let problem): "line 1, the header: \(problem)"
        case .withoutPhone(let titles):
            "line 1, the header, names no column for the phone: call one of its columns phone, teléfono or telefone "
                + "(found: \(titles.prefix(20).map { "\"\($0.prefix(40))\"" }.joined(separator: ", ")))"
        }
    }
}

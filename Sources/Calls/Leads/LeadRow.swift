import FoundationEssentials
import Platform

/// A lead as a row of a file gives it; nil is left to the campaign.
struct ImportedLead: Sendable, Equatable {
    var line: Int
    var phone: String
    var name: String?
    var email: String?
    var language: String?
    var timezone: String?
    /// In the order of the columns; empty ones are left out.
    var variables: [(key: String, value: String)]

    static func == (left: ImportedLead, right: ImportedLead) -> Bool {
        left.line == right.line && left.phone == right.phone && left.name == right.name && left.email == right.email
            && left.language == right.language && left.timezone == right.timezone
            && left.variables.elementsEqual(right.variables, by: ==)
    }
}

/// One thing that is wrong with one row of a file.
public struct LeadRowProblem: Sendable, Hashable {
    /// The physical line on which the row starts, from 1.
    public var line: Int
    /// As the file's header names it.
    public var column: String
    public var value: String
    /// A sentence about the value, without it.
    public var reason: String
}

/// Judges the rows of one file: pure, so that each verdict can be tested as a table.
struct LeadRowReader: Sendable {
    static let maximumNameLength = 200
    static let maximumValueLength = 10_000

    private let columns: LeadColumns
    private let country: String?
    /// The database's time zones by their names in lower case.
    private let zones: [String: String]

    init(columns: LeadColumns, country: String?, zones: [String: String]) {
        self.columns = columns
        self.country = country
        self.zones = zones
    }

    enum Verdict: Equatable {
        case lead(ImportedLead)
        case bad([LeadRowProblem])
    }

    func read(_ record: CSVRecord) -> Verdict {
        var lead = ImportedLead(line: record.line, phone: "", variables: [])
        var problems = shapeProblems(of: record)
        for (index, bytes) in record.fields.prefix(columns.meanings.count).enumerated() {
            do throws(Refusal) {
                if let value = try text(bytes) {
                    try set(value, of: columns.meanings[index], in: &lead)
                } else if index == columns.phoneIndex {
                    throw Refusal(reason: "is empty")
                }
            } catch {
                problems.append(problem(record.line, columns.titles[index], bytes, error.reason))
            }
        }
        if record.fields.count <= columns.phoneIndex {
            problems.append(problem(record.line, columns.titles[columns.phoneIndex], [], "is empty"))
        }
        return problems.isEmpty ? .lead(lead) : .bad(problems)
    }

    private struct Refusal: Error { let reason: String }

    /// A row with fewer fields than the header is complete: what is missing is empty.
    private func shapeProblems(of record: CSVRecord) -> [LeadRowProblem] {
        var problems: [LeadRowProblem] = []
        let count = columns.meanings.count
        if let index = record.fieldWithTextAfterQuote, index < min(count, record.fields.count) {
            let reason = "has text after its closing quote; a quote inside a quoted value is written twice"
            problems.append(problem(record.line, columns.titles[index], record.fields[index], reason))
        }
        if record.fields.count > count {
            let surplus = record.fields[count]
            let reason = "has \(record.fields.count) columns where the header has \(count)"
            problems.append(problem(record.line, "column \(count + 1)", surplus, reason))
        }
        return problems
    }

    /// The trimmed text of a field; nil when nothing is left.
    private func text(_ bytes: [UInt8]) throws(Refusal) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Refusal(reason: "is not UTF-8 text")
        }
        if text.utf8.contains(0) { throw Refusal(reason: "contains a zero byte") }
        let trimmed = text.trimmed
        return trimmed.isEmpty ? nil : String(trimmed)
    }

    private func set(_ value: String, of meaning: LeadColumns.Meaning, in lead: inout ImportedLead) throws(Refusal) {
        switch meaning {
        case .field(.phone): lead.phone = try phone(value)
        case .field(.name): lead.name = try limited(value, to: Self.maximumNameLength)
        case .field(.email): lead.email = try email(value)
        case .field(.language): lead.language = try language(value)
        case .field(.timezone): lead.timezone = try timezone(value)
        case .variable(let key): lead.variables.append((key, try limited(value, to: Self.maximumValueLength)))
        case .unnamed: throw Refusal(reason: "stands under no name in the header")
        }
    }

    private func phone(_ value: String) throws(Refusal) -> String {
        do {
            return try PhoneNumber(value, country: country).e164
        } catch {
            throw Refusal(reason: "\(error)")
        }
    }

    private func limited(_ value: String, to limit: Int) throws(Refusal) -> String {
        guard value.count <= limit else { throw Refusal(reason: "is longer than \(limit) characters") }
        return value
    }

    private func email(_ value: String) throws(Refusal) -> String {
        guard EmailAddress.isPlausible(value) else { throw Refusal(reason: "is not an e-mail address") }
        return value
    }

    private func language(_ value: String) throws(Refusal) -> String {
        // "pt-BR" and "es_MX" are languages with a country.
        let primary = value.lowercased().split { $0 == "-" || $0 == "_" }.first.map(String.init) ?? ""
        guard let language = Self.languages[value.lowercased()] ?? Self.languages[primary] else {
            throw Refusal(reason: "is not a language: it must be en, es or pt")
        }
        return language
    }

    private func timezone(_ value: String) throws(Refusal) -> String {
        guard let zone = zones[value.lowercased()] else {
            throw Refusal(reason: "is not a time zone: it must be one such as America/Mexico_City")
        }
        return zone
    }

    private func problem(_ line: Int, _ column: String, _ value: [UInt8], _ reason: String) -> LeadRowProblem {
        // A report is to be read: the start of a long value tells which one it is.
        let text = String(decoding: value.prefix(800), as: UTF8.self)
        let shown = text.count > 200 ? text.prefix(200) + "…" : text[...]
        return LeadRowProblem(line: line, column: column, value: String(shown), reason: reason)
    }

    private static let languages = [
        "en": "en", "english": "en", "inglés": "en", "ingles": "en", "inglês": "en", "es": "es", "spanish": "es",
        "español": "es", "espanol": "es", "espanhol": "es", "castellano": "es", "pt": "pt", "portuguese": "pt",
        "portugués": "pt", "portugues": "pt", "português": "pt",
    ]
}

import Platform

/// What the system prompt tells the agent of the lead and the language.
struct PromptFacts: Sendable {
    let language: SpokenLanguage
    let leadName: String?
    let leadEmail: String?

    init(_ prompt: ChatPrompt) {
        let instructions = prompt.messages.filter(\.isInstruction)
        let text = instructions.compactMap(\.text).joined(separator: "\n")
        let spoken = prompt.messages.filter { $0.role == "user" }.compactMap(\.text).joined(separator: " ")
        language = Self.language(in: text) ?? SpokenLanguage(of: spoken) ?? .english
        let data = Self.data(in: text)
        leadName = data["name"]?.string ?? Self.value(of: ["name", "lead name", "nombre", "nome"], in: text)
        leadEmail =
            data["email"]?.string ?? Self.value(of: ["email", "e-mail"], in: text).flatMap { emailAddress(in: $0) }
    }

    /// The first mention of a language in a sentence about what to speak.
    private static func language(in text: String) -> SpokenLanguage? {
        let names: [(String, SpokenLanguage)] = [
            ("english", .english), ("ingles", .english), ("spanish", .spanish), ("espanol", .spanish),
            ("castellano", .spanish), ("portuguese", .portuguese), ("portugues", .portuguese),
        ]
        for line in text.split(separator: "\n") {
            let words = SpokenWords(String(line))
            let isAboutSpeech = words.containWord(beginningWith: [
                "language", "speak", "answer", "reply", "habla", "responde", "idioma", "lingua", "fale", "responda",
            ])
            guard isAboutSpeech else { continue }
            if let found = words.words.lazy.compactMap({ word in names.first { $0.0 == word }?.1 }).first {
                return found
            }
            if let code = words.words.lazy.compactMap({ SpokenLanguage(rawValue: $0) }).first { return code }
        }
        return nil
    }

    /// The first JSON object that ends a line: facts are often given so.
    private static func data(in text: String) -> JSON {
        for line in text.split(separator: "\n") {
            guard let brace = line.firstIndex(of: "{") else { continue }
            if let data = try? JSON(parsing: String(line[brace...])), data.object != nil { return data }
        }
        return .null
    }

    /// What stands after one of the labels and a colon at the beginning of a line.
    private static func value(of labels: [String], in text: String) -> String? {
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let label = line[..<colon].lowercased().drop { " -*".contains($0) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            if labels.contains(String(label)), !value.isEmpty { return String(value) }
        }
        return nil
    }
}

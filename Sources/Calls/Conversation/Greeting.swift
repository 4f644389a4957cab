import Platform

/// The first words of a call, without a model: nobody should wait for "hello".
enum Greeting {
    /// The campaign's own greeting with its `{placeholders}` filled in, or one in the call's language.
    static func text(_ state: TurnState) -> String {
        let language = state.call.language
        if let template = state.campaign?.greeting, template.contains(where: { !$0.isWhitespace }) {
            return fill(template, with: values(state))
        }
        let phrase: Phrase = state.call.isInbound ? .greetingToCaller : .greeting(name: state.lead?.name ?? "")
        return phrase.text(in: language)
    }

    /// What a placeholder may name: `{name}`, `{first_name}`, `{email}`, `{phone}`, `{campaign}`, or any of the lead's variables.
    private static func values(_ state: TurnState) -> [String: String] {
        var values: [String: String] = [:]
        for (name, value) in state.lead?.variables.object ?? [:] {
            values[name] = value.string ?? value.text
        }
        values["name"] = state.lead?.name ?? ""
        values["first_name"] = state.lead?.name?.split(separator: " ").first.map(String.init) ?? ""
        values["email"] = state.lead?.email ?? ""
        values["phone"] = state.call.phone ?? ""
        values["campaign"] = state.campaign?.name ?? ""
        return values
    }

    /// A placeholder without a value leaves no gap: "Hello {name}, how are you?" becomes "Hello, how are you?".
    static func fill(_ template: String, with values: [String: String]) -> String {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            text += rest[..<open]
            let name = rest[rest.index(after: open)..<close]
            text += CallerSpeech.clean(values[String(name)] ?? "")
            rest = rest[rest.index(after: close)...]
        }
        text += rest
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return [",", ".", "!", "?", ";"].reduce(words) { $0.replacing(" \($1)", with: $1) }
    }
}

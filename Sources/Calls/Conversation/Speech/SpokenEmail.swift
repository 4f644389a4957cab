/// An e-mail address as people say it: "john at example dot com", "ana arroba correo punto mx", "joao ponto silva arroba …".
enum SpokenEmail {
    /// The address, or nil when none can be made of it.
    static func address(_ text: String) -> String? {
        let written = String(text.filter { !$0.isWhitespace })
        if EmailAddress.isPlausible(written) { return written }
        let parts = text.lowercased().split(whereSeparator: \.isWhitespace).map { words[$0] ?? String($0) }
        let spoken = parts.joined()
        return EmailAddress.isPlausible(spoken) ? spoken : nil
    }

    private static let words: [Substring: String] = [
        "at": "@", "arroba": "@", "dot": ".", "punto": ".", "ponto": ".", "underscore": "_", "dash": "-", "hyphen": "-",
        "guion": "-", "guión": "-", "hífen": "-",
    ]
}

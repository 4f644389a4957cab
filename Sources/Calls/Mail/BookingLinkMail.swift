import Platform

/// The e-mail with the link where somebody books a meeting for themselves: as text and as HTML, with a button, and with the
/// link in words for mail programs that show no buttons.
struct BookingLinkMail: Sendable {
    /// An http or https URL.
    var link: String
    var language: Language
    var recipient: String
    var recipientName: String?
    /// Tells this mail from all others, and is its Message-ID.
    var purpose: String

    var email: Email {
        let words = words
        let greeting = words.greeting(recipientName.map(CallerSpeech.clean) ?? "")
        let text = "\(greeting)\n\n\(words.invitation)\n\n\(link)\n\n\(words.thanks)\n"
        let html = """
            <!DOCTYPE html>
            <html lang="\(language.rawValue)"><head><meta charset="utf-8"><title>\(Self.escape(words.subject))</title></head>
            <body style="font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5;color:#222222">
            <p>\(Self.escape(greeting))</p>
            <p>\(Self.escape(words.invitation))</p>
            <p><a href="\(Self.escape(link))" style="display:inline-block;padding:12px 24px;border-radius:6px;\
            background-color:#1a56db;color:#ffffff;text-decoration:none">\(Self.escape(words.button))</a></p>
            <p style="font-size:14px">\(Self.escape(words.fallback))<br>
            <a href="\(Self.escape(link))">\(Self.escape(link))</a></p>
            <p>\(Self.escape(words.thanks))</p>
            </body></html>

            """
        return Email(
            purpose: purpose, to: recipient, recipientName: recipientName.map(CallerSpeech.clean),
            subject: words.subject, text: text, html: html)
    }

    private struct Words {
        var subject: String, hello: String, invitation: String, button: String, fallback: String, thanks: String

        func greeting(_ name: String) -> String { name.isEmpty ? "\(hello):" : "\(hello) \(name):" }
    }

    private var words: Words {
        switch language {
        case .english:
            Words(
                subject: "Your link to book a meeting", hello: "Hello",
                invitation: "As agreed, here is the link where you can choose the day and time that suit you:",
                button: "Choose a time", fallback: "If the button does not open, copy this address into your browser:",
                thanks: "Thank you, and see you soon.")
        case .spanish:
            Words(
                subject: "Su enlace para agendar una reunión", hello: "Hola",
                invitation: "Como acordamos, en este enlace puede elegir el día y la hora que mejor le queden:",
                button: "Elegir horario",
                fallback: "Si el botón no abre, copie esta dirección en su navegador:",
                thanks: "Gracias, y hasta pronto.")
        case .portuguese:
            Words(
                subject: "Seu link para marcar uma reunião", hello: "Olá",
                invitation: "Como combinamos, neste link você pode escolher o dia e o horário que preferir:",
                button: "Escolher horário",
                fallback: "Se o botão não abrir, copie este endereço no seu navegador:",
                thanks: "Obrigado, e até breve.")
        }
    }

    static func escape(_ text: String) -> String {
        var escaped = ""
        // By scalars: what a letter before it or a mark behind it makes one character with is still markup to a browser.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

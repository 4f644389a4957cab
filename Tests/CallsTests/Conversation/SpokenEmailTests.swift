import Agents
import Platform
import Testing

@testable import Calls

@Suite("E-mail addresses as they are said")
struct SpokenEmailTests {
    @Test(
        "An address is understood in English, Spanish and Portuguese",
        arguments: [
            ("john@example.com", "john@example.com"), ("John.Smith@Example.com", "John.Smith@Example.com"),
            ("<john@example.com>.", "john@example.com"), ("mailto:john@example.com", "john@example.com"),
            ("john at example dot com", "john@example.com"), (" John @ Example.com ", "john@example.com"),
            ("John AT Example DOT com", "john@example.com"),
            ("john dot smith @ example.com", "john.smith@example.com"),
            ("john underscore smith at example dot co dot uk", "john_smith@example.co.uk"),
            ("john dash smith plus news at my dash company dot com", "john-smith+news@my-company.com"),
            ("j o h n at example dot com", "john@example.com"), ("j o @ g m a i l . c o m", "jo@gmail.com"),
            ("my email is john at example dot com", "john@example.com"),
            ("it's john at example dot com please", "john@example.com"),
            ("info at example dot com", "info@example.com"), ("mail at example dot com", "mail@example.com"),
            ("john at example.com, thanks", "john@example.com"), ("john at my company dot com", "john@mycompany.com"),
            ("ana arroba correo punto mx", "ana@correo.mx"),
            ("mi correo es ana arroba correo punto mx", "ana@correo.mx"),
            ("ana guion bajo ruiz arroba correo punto com punto mx", "ana_ruiz@correo.com.mx"),
            ("ana guión bajo ruiz arroba correo punto mx", "ana_ruiz@correo.mx"),
            ("ana guión ruiz arroba correo punto mx", "ana-ruiz@correo.mx"),
            ("José punto Núñez arroba correo punto mx por favor", "jose.nunez@correo.mx"),
            ("joão ponto silva arroba exemplo ponto com ponto br", "joao.silva@exemplo.com.br"),
            ("o meu email é joao arroba exemplo ponto com", "joao@exemplo.com"),
            ("joao traço silva arroba exemplo ponto com", "joao-silva@exemplo.com"),
            ("joao underline silva arroba exemplo ponto com", "joao_silva@exemplo.com"),
            ("ana2 at example dot com", "ana2@example.com"),
        ])
    func understood(_ said: String, _ meant: String) {
        #expect(SpokenEmail.address(said) == meant)
    }

    @Test(
        "What is no address to which mail can be sent is none",
        arguments: [
            "", "   ", "@", "john", "at dot com", "a@b@c.de", "john at example", "john@example", "@example.com",
            "john@", "at dot",
            "john@@example.com",
            "john at home at example dot com", "not given", "josé@example.com",
            "john@example.com\r\nBcc: eva@example.com",
            "john@exa mple", "john@-example.com", "john..smith@example.com", "john@example..com",
            "\"john smith\"@example.com",
            "a@b.c, d@e.f", String(repeating: "a", count: 65) + "@example.com",
        ])
    func refused(_ said: String) {
        #expect(SpokenEmail.address(said) == nil)
    }

    @Test("The model is told what to do about it")
    func refusal() async throws {
        let result = SpokenEmail.refusal("guest_email")
        #expect(!result.success)
        #expect(result.value["reason"] == "invalid_email")
        #expect(result.value["error"]?.string?.contains("guest_email") == true)
    }
}

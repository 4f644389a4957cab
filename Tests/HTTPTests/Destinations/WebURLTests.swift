import Testing

@testable import HTTP

@Suite struct WebURLTests {
    @Test(
        "What a person types becomes a whole URL",
        arguments: [
            ("canaco.com", "https://canaco.com/"), ("  www.canaco.com/socios \n", "https://www.canaco.com/socios"),
            ("HTTP://Canaco.COM", "http://Canaco.COM/"), ("//canaco.com/a", "https://canaco.com/a"),
            ("canaco.com:8443/a?b=c#d", "https://canaco.com:8443/a?b=c#d"),
            ("https://canaco.com", "https://canaco.com/"), ("españa.es", "https://españa.es/"),
            ("https://canaco.com/a/../b", "https://canaco.com/b"),
        ])
    func typed(_ text: String, _ url: String) {
        #expect(WebURL(typed: text)?.text == url)
    }

    @Test(
        "What is not of the web, or is read in different ways, is none",
        arguments: [
            "", "   ", "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,hello",
            "file:///etc/passwd", "ftp://example.com/a", "mailto:ana@example.com", "tel:+525512345678", "vbscript:x",
            "about:blank",
            "intent://scan/#Intent;scheme=zxing;end", "chrome://settings", "https://",
            "http:example.com",
            "https://good.com\\@evil.com", "https://exa mple.com", "https://example.com:99999",
            "https://\u{202E}moc.live",
            "gopher://example.com", "http://１２７.0.0.1", "http://127。0。0。1", "https://ｌocalhost.com",
            "dict://example.com:2628", "://example.com", "https://example.com:80:90",
        ])
    func refused(_ text: String) {
        #expect(WebURL(typed: text) == nil)
    }

    @Test(
        "Every spelling of an address is read as the address",
        arguments: [
            "http://2130706433", "http://0x7f000001", "http://017700000001", "http://127.1", "http://0x7f.1",
            "http://0177.0.0.1", "http://127.0.1", "http://１２７.0.0.1", "http://127。0。0。1", "http://127.0.0.1.",
            "http://127.0.0x1.", "http://%6cocalhost/",
            "http://[::1]", "http://[::ffff:127.0.0.1]", "http://[0:0:0:0:0:ffff:7f00:1]", "http://localhost",
            "http://LOCALHOST.", "http://a.localhost", "http://router", "http://printer.local", "http://db.internal",
            "http://user@8.8.8.8", "http://8.8.8.8@127.0.0.1/",
        ])
    func privateSpellings(_ text: String) throws {
        guard let url = WebURL(text) else { return }
        #expect(DestinationPolicy.publicOnly.objection(to: url) != nil)
    }

    @Test("A public host is let through, and so is one that is named")
    func allowed() throws {
        for text in ["https://example.com", "http://8.8.8.8/", "https://[2606:4700::1111]:8443/a"] {
            #expect(DestinationPolicy.publicOnly.objection(to: try #require(WebURL(text))) == nil)
        }
        let policy = try #require(DestinationPolicy("crm.internal, BILLING.lan:8443 ,10.1.0.0/16"))
        for (text, isAllowed) in [
            ("http://crm.internal:99/a", true), ("https://billing.lan:8443", true), ("https://billing.lan", false),
            ("http://10.1.2.3", true), ("http://10.2.2.3", false), ("http://evil.crm.internal", false),
            ("http://u:p@crm.internal", false),
        ] {
            #expect((policy.objection(to: try #require(WebURL(text))) == nil) == isAllowed, "\(text)")
        }
        for wrong in ["http://crm", "crm:0", "crm:x", "10.0.0.0/40", "2130706433", "a b/c", "crm:1:2"] {
            #expect(DestinationPolicy(wrong) == nil, "\(wrong)")
        }
    }

    @Test("A Location leads from where it stands, and nowhere else but the web")
    func redirects() throws {
        let base = try #require(WebURL("https://example.com/a/b?c=d"))
        #expect(base.resolving("../e")?.text == "https://example.com/e")
        #expect(base.resolving("//other.com/f")?.text == "https://other.com/f")
        #expect(base.resolving("http://other.com")?.host == "other.com")
        #expect(base.resolving("file:///etc/passwd") == nil)
    }
}

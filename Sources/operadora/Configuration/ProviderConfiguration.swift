import FoundationEssentials
import HTTP
import Platform
import Providers

struct TwilioConfiguration: Sendable {
    /// Both speak Twilio's protocol.
    enum Provider: String, CaseIterable, Sendable { case twilio, simulator }

    var provider: Provider
    var accountSID: String
    var authToken: Secret
    /// E.164.
    var fromNumber: String
    var baseURL: String

    init(_ reader: inout EnvironmentReader, _ needs: Configuration.Needs) {
        provider = reader.choice("CALL_PROVIDER", default: Provider.twilio)
        let isNeeded = needs.contains(.providers)
        accountSID = isNeeded ? reader.required("TWILIO_ACCOUNT_SID", "the account's SID, AC…") : ""
        if !isNeeded { accountSID = reader.string("TWILIO_ACCOUNT_SID", default: "") }
        if !accountSID.isEmpty, !accountSID.hasPrefix("AC") {
            reader.report("TWILIO_ACCOUNT_SID", "is not an account's SID: it must start with AC")
        }
        authToken =
            needs.isDisjoint(with: [.webhooks, .providers])
            ? reader.secret("TWILIO_AUTH_TOKEN") ?? Secret("")
            : reader.requiredSecret("TWILIO_AUTH_TOKEN", "the auth token of the Twilio account")
        fromNumber = reader.parsed(
            "TWILIO_FROM_NUMBER", default: "", expected: "an E.164 number of the account, such as +12125550123"
        ) { $0.isE164 ? $0 : nil }
        if isNeeded, reader.string("TWILIO_FROM_NUMBER") == nil {
            _ = reader.required("TWILIO_FROM_NUMBER", "an E.164 number of the account, such as +12125550123")
        }
        let standard = "https://api.twilio.com"
        baseURL = reader.url("TWILIO_API_BASE_URL", default: standard) ?? standard
        if provider == .simulator, reader.string("TWILIO_API_BASE_URL") == nil {
            reader.report(
                "TWILIO_API_BASE_URL", "is not set: with CALL_PROVIDER=simulator, set it to the simulator's address")
        }
    }
}

struct ModelConfiguration: Sendable {
    enum Kind: String, CaseIterable, Sendable { case openai, baml }

    var kind: Kind
    /// Nil is sent as no key: servers on one's own machine need none.
    var apiKey: Secret?
    var baseURL: String
    var name: String
    /// Of `baml-cli serve`, which has the model's address and key in its own environment.
    var bamlURL: String
    var bamlPassword: Secret?
    /// Asked when the model has failed; nil without OPENAI_FALLBACK_MODEL.
    var fallback: Server?

    /// A server of Chat Completions, and its model that is to be asked.
    struct Server: Sendable {
        var apiKey: Secret?
        var baseURL: String
        var name: String
    }

    init(_ reader: inout EnvironmentReader, _ needs: Configuration.Needs) {
        kind = reader.choice("LANGUAGE_MODEL", default: Kind.openai)
        let local = "http://127.0.0.1:2024"
        bamlURL = reader.url("BAML_URL", default: local) ?? local
        bamlPassword = reader.secret("BAML_PASSWORD")
        apiKey = reader.secret("OPENAI_API_KEY")
        let standard = "https://api.openai.com/v1"
        baseURL = reader.url("OPENAI_BASE_URL", default: standard) ?? standard
        name = reader.string("OPENAI_MODEL", default: "gpt-4.1-mini")
        let isAsked = !needs.isDisjoint(with: [.providers, .model])
        if isAsked, kind == .openai, baseURL == standard {
            _ = reader.requiredSecret(
                "OPENAI_API_KEY", "a key of the OpenAI project, unless OPENAI_BASE_URL leads elsewhere")
        }
        fallback = fallback(&reader, standard: standard, isAsked: isAsked)
    }

    /// Without an address of its own it is at the model's, with the model's key.
    private func fallback(_ reader: inout EnvironmentReader, standard: String, isAsked: Bool) -> Server? {
        let url = reader.url("OPENAI_FALLBACK_BASE_URL", default: nil)
        let key = reader.secret("OPENAI_FALLBACK_API_KEY")
        guard let name = reader.string("OPENAI_FALLBACK_MODEL") else {
            for variable in ["OPENAI_FALLBACK_BASE_URL", "OPENAI_FALLBACK_API_KEY"]
            where reader.string(variable) != nil {
                reader.report(variable, "is set, and OPENAI_FALLBACK_MODEL is not: set that too")
            }
            return nil
        }
        let fallback = Server(apiKey: key ?? (url == nil ? apiKey : nil), baseURL: url ?? baseURL, name: name)
        if isAsked, fallback.apiKey == nil, fallback.baseURL == standard {
            reader.report(
                "OPENAI_FALLBACK_API_KEY",
                "is not set: set it to a key of the OpenAI project, unless OPENAI_FALLBACK_BASE_URL leads elsewhere")
        }
        return fallback
    }
}

struct CalendarConfiguration: Sendable {
    enum Provider: String, CaseIterable, Sendable { case google, local }

    var provider: Provider
    /// Of Google; nil when the calendar is not needed, or not Google's.
    var account: GoogleServiceAccount?
    var calendarID: String
    /// The user to act as, with domain-wide delegation.
    var impersonate: String?
    var baseURL: String

    init(_ reader: inout EnvironmentReader, _ needs: Configuration.Needs) {
        let problemsBefore = reader.problems.count
        provider = reader.choice("CALENDAR_PROVIDER", default: Provider.google)
        let isProviderKnown = reader.problems.count == problemsBefore
        calendarID = reader.string("GOOGLE_CALENDAR_ID", default: "primary")
        impersonate = reader.string("GOOGLE_IMPERSONATE")
        let standard = "https://www.googleapis.com/calendar/v3"
        baseURL = reader.url("GOOGLE_CALENDAR_BASE_URL", default: standard) ?? standard
        guard isProviderKnown, provider == .google, !needs.isDisjoint(with: [.providers, .calendar]) else { return }
        let file = reader.string("GOOGLE_CREDENTIALS_FILE", default: "credentials.json")
        do {
            account = try GoogleServiceAccount(contentsOf: file)
        } catch {
            reader.report(
                "GOOGLE_CREDENTIALS_FILE",
                "cannot be used (\(error)): it must be a service account's JSON key, or CALENDAR_PROVIDER must be local"
            )
        }
    }
}

struct MailConfiguration: Sendable {
    var server: MailServer
    var sender: String

    /// Nil without SMTP_SERVER.
    init?(_ reader: inout EnvironmentReader) {
        let port = reader.integer("SMTP_PORT", default: 587, in: 1...65_535)
        let security = reader.choice("SMTP_TLS", default: MailServer.Security.required)
        guard let host = reader.string("SMTP_SERVER") else { return nil }
        server = MailServer(host: host, port: port)
        server.security = security
        server.user = reader.string("EMAIL_USER")
        server.password = reader.secret("EMAIL_PASSWORD")
        if server.user != nil, server.password == nil {
            reader.report("EMAIL_PASSWORD", "is not set: set it to the password of EMAIL_USER, or leave both out")
        }
        sender = reader.string("FROM_EMAIL") ?? server.user ?? ""
        if !sender.contains("@") {
            reader.report("FROM_EMAIL", "is not an address: set it to the address that mails come from")
        }
    }
}

extension String {
    /// `+` and 7 to 15 digits.
    var isE164: Bool {
        hasPrefix("+") && (8...16).contains(utf8.count) && dropFirst().utf8.allSatisfy { (48...57).contains($0) }
            && !hasPrefix("+0")
    }
}

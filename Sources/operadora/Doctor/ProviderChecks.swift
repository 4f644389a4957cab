import Agents
import Calls
import FoundationEssentials
import HTTP
import Platform
import Providers

/// Asks the providers, with requests that cost nothing and change nothing.
struct ProviderChecks: Sendable {
    let configuration: Configuration
    let http: HTTPClient
    /// Nil when the calendar is not Google's.
    let googleCalendar: GoogleCalendarClient?

    /// Whether an ingress answers where the providers will look for one.
    func publicURL() async -> Finding {
        let check = "PUBLIC_URL"
        let url = configuration.calls.publicURL
        return await ask(check, HTTPClientRequest(.get, url + "/health"), startAdvice) { response in
            switch response.status {
            case 200: .ok(check, "an ingress answers at \(url)")
            case 503: .failed(check, "the ingress at \(url) does not reach its database", "look at the ingress's log")
            case let status:
                .failed(check, "\(url)/health answers \(status)", "let PUBLIC_URL lead to operadora ingress")
            }
        }
    }

    private var startAdvice: String {
        "start operadora ingress, and let PUBLIC_URL lead to it (by a reverse proxy, or a tunnel to try it out)"
    }

    func twilio() async -> Finding {
        let check = "Twilio"
        let settings = configuration.twilio
        let login = Data("\(settings.accountSID):\(settings.authToken.reveal())".utf8).base64EncodedString()
        let request = HTTPClientRequest(
            .get, "\(settings.baseURL)/2010-04-01/Accounts/\(settings.accountSID).json",
            headers: ["Authorization": "Basic \(login)"])
        return await ask(check, request, "look at TWILIO_API_BASE_URL and the network") { response in
            switch response.status {
            case 200:
                let status = (try? response.json())?["status"]?.string ?? "active"
                return status == "active"
                    ? .ok(check, "account \(settings.accountSID) is active")
                    : .failed(check, "account \(settings.accountSID) is \(status)", "settle it in Twilio's console")
            case 401:
                return .failed(check, "the login is refused", "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN anew")
            case 404:
                return .failed(check, "there is no account \(settings.accountSID)", "set TWILIO_ACCOUNT_SID anew")
            case let status: return .failed(check, "Twilio answers \(status)", "try again later")
            }
        }
    }

    func languageModel() async -> Finding {
        let model = configuration.model
        let server = ModelConfiguration.Server(apiKey: model.apiKey, baseURL: model.baseURL, name: model.name)
        return await chatCompletions("language model", server, "OPENAI")
    }

    /// Nil when there is none.
    func fallbackModel() async -> Finding? {
        guard let fallback = configuration.model.fallback else { return nil }
        return await chatCompletions("fallback model", fallback, "OPENAI_FALLBACK")
    }

    /// - Parameter prefix: what the names of its variables begin with.
    private func chatCompletions(
        _ check: String, _ server: ModelConfiguration.Server, _ prefix: String
    ) async -> Finding {
        func ask(_ request: HTTPClientRequest, _ judge: (HTTPClientResponse) async -> Finding) async -> Finding {
            var request = request
            if let key = server.apiKey { request.headers["Authorization"] = "Bearer \(key.reveal())" }
            return await self.ask(check, request, "look at \(prefix)_BASE_URL and the network", judge)
        }
        func refusal(_ status: Int) -> Finding {
            switch status {
            case 401, 403: .failed(check, "the key is refused", "set \(prefix)_API_KEY anew")
            case 429: .failed(check, "the quota is used up", "look at the account's plan and limits")
            default: .failed(check, "\(server.baseURL) answers \(status)", "try again later")
            }
        }
        return await ask(HTTPClientRequest(.get, server.baseURL + "/models")) { response in
            guard response.status == 404 else {
                return response.status == 200
                    ? known(check, server.name, prefix, response) : refusal(response.status)
            }
            // There are servers that do not list their models. What asks for nothing is refused, by who knows the path.
            return await ask(HTTPClientRequest(.post, server.baseURL + "/chat/completions", json: [:])) { response in
                switch response.status {
                case 200, 400, 422: .ok(check, "\(server.baseURL) answers, and does not list its models")
                case 404, 405:
                    .failed(
                        check, "\(server.baseURL) has neither /models nor /chat/completions",
                        "look at \(prefix)_BASE_URL: does its path end in /v1, or as the server says?")
                case let status: refusal(status)
                }
            }
        }
    }

    private func known(_ check: String, _ name: String, _ prefix: String, _ response: HTTPClientResponse) -> Finding {
        let models = (try? response.json())?["data"]?.array?.compactMap { $0["id"]?.string } ?? []
        if models.contains(name) || models.isEmpty { return .ok(check, "\(name) is served") }
        let suggestion = Suggestion.nearest(to: name, among: models) ?? models[0]
        return .failed(
            check, "the server has no model \(name)", "set \(prefix)_MODEL to one that it has, such as \(suggestion)")
    }

    /// Whether the server is there, takes the password, and has the functions of this release.
    func baml() async -> Finding {
        let check = "language model"
        let settings = Assembly.baml(configuration.model)
        var request = HTTPClientRequest(.get, settings.baseURL + "/openapi.json")
        request.headers["x-baml-api-key"] = settings.password
        let start = "start baml-cli serve --from baml_src, or look at BAML_URL"
        return await ask(check, request, start) { response in
            switch response.status {
            case 200:
                let paths = (try? response.json())?["paths"]?.object ?? [:]
                let missing = settings.neededFunctions.filter { paths["/call/\($0)"] == nil }.sorted()
                return missing.isEmpty
                    ? .ok(check, "BAML at \(settings.baseURL) serves \(settings.neededFunctions.count) functions")
                    : .failed(
                        check, "the BAML server has no function \(missing.joined(separator: ", "))",
                        "let it serve the baml_src of this release")
            case 401, 403: return .failed(check, "the BAML server refuses the password", "set BAML_PASSWORD anew")
            case let status: return .failed(check, "\(settings.baseURL) answers \(status)", start)
            }
        }
    }

    /// Gets a token, and asks the calendar what is taken in the next hour.
    func calendar() async -> Finding {
        let check = "calendar"
        guard let googleCalendar else {
            return .ok(check, "business hours and the meetings table alone (CALENDAR_PROVIDER=local)")
        }
        let calendarID = configuration.calendar.calendarID
        let account = configuration.calendar.account?.clientEmail ?? "the service account"
        do {
            _ = try await googleCalendar.busy(from: .now, to: .now.addingTimeInterval(3_600))
            return .ok(check, "\(account) can read \(calendarID)")
        } catch let error as GoogleCalendarError {
            return .failed(check, "\(error)", advice(error.code, account, calendarID))
        } catch {
            return .failed(check, "\(error)", "")
        }
    }

    private func advice(_ code: GoogleCalendarError.Code, _ account: String, _ calendarID: String) -> String {
        switch code {
        case .unauthenticated: "make a new key for the service account, or look at GOOGLE_IMPERSONATE"
        case .notFound, .forbidden: "share the calendar \(calendarID) with \(account), or set GOOGLE_CALENDAR_ID anew"
        case .quotaExceeded: "raise the project's quota in Google's console"
        default: "try again later"
        }
    }

    /// Connects and logs in; sends nothing.
    func mail() async -> Finding {
        let check = "mail"
        guard let settings = configuration.mail else {
            // Whether its credentials are right is for another check.
            let calendar = configuration.calendar
            if calendar.provider == .google, calendar.impersonate != nil {
                return .skipped(check, "no SMTP_SERVER: no mail is sent")
            }
            return Finding(
                check: check, state: .skipped,
                detail: "no SMTP_SERVER, and the calendar invites nobody: guests get neither invitation nor reminder",
                advice: "set SMTP_SERVER, or let the service account act for a user with GOOGLE_IMPERSONATE")
        }
        var server = settings.server
        server.timeout = .seconds(15)
        do {
            try await http.checkMail(through: server)
            return .ok(check, "\(server.host):\(server.port) takes mail from us")
        } catch let error as HTTPError where error.code == .mailLogin {
            return .failed(check, "\(error)", "set EMAIL_USER and EMAIL_PASSWORD anew, or look at SMTP_TLS")
        } catch {
            return .failed(
                check, "\(error)",
                "look at SMTP_SERVER, SMTP_PORT and SMTP_TLS; SSL_CERT_FILE names the authorities of its certificate")
        }
    }

    func mikrotik() async -> Finding {
        let check = "MikroTik"
        guard let client = Assembly.mikrotik(configuration.tools, http) else {
            return .skipped(
                check, "no MIKROTIK_API_URL, or ENABLE_MIKROTIK_TOOLS is false: consultar_mikrotik is not offered")
        }
        do {
            return .ok(check, "\(try await client.checkHealth()) is well")
        } catch {
            return .failed(
                check, "\(error)", "look at MIKROTIK_API_URL, and whether the API runs and lets this host in")
        }
    }

    /// Sends a request; a failure below HTTP is a finding of its own.
    private func ask(
        _ check: String, _ request: HTTPClientRequest, _ advice: String,
        _ judge: (HTTPClientResponse) async -> Finding
    ) async -> Finding {
        var request = request
        request.timeout = .seconds(10)
        do {
            return await judge(try await http.send(request))
        } catch {
            return .failed(check, "\(error)", advice)
        }
    }
}

import CLibCurl
public import Platform

/// An SMTP server that takes outgoing mail.
public struct MailServer: Sendable {
    public enum Security: String, Sendable, CaseIterable {
        /// No STARTTLS, no mail.
        case required
        /// STARTTLS when the server offers it.
        case optional
        case off

        var curlValue: Int {
            switch self {
            case .required: operadora_curl_use_ssl_all
            case .optional: operadora_curl_use_ssl_try
            case .off: operadora_curl_use_ssl_none
            }
        }
    }
    public var host: String
    /// 465 means TLS from the first byte; any other STARTTLS according to `security`.
    public var port: Int
    public var security: Security = .required
    /// Nil means no login.
    public var user: String?
    public var password: Secret?
    /// For the whole exchange with the server.
    public var timeout: Duration = .seconds(60)
    public var connectTimeout: Duration = .seconds(10)
    /// PEM file of the authorities to trust for this server, instead of the client's.
    public var certificateAuthorityFile: String?

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Refuses what would make another URL of it.
    func check() throws(HTTPError) {
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && !"/@?#\u{7F}".utf8.contains($0) }) else {
            throw HTTPError(.badURL, "mail: the server's name is not a host name", requestWasSent: false)
        }
    }

    var usesTLSFromStart: Bool { port == 465 }

    var url: String { "\(usesTLSFromStart ? "smtps" : "smtp")://\(host):\(port)" }
}

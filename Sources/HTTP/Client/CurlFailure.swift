import CLibCurl

/// What is known of a transfer that libcurl ended with an error, and the error that it makes for the caller.
struct CurlFailure {
    let code: CURLcode
    /// libcurl's own words; empty when it had none beyond the code.
    let detail: String
    /// Why one of our callbacks ended the transfer.
    let refusal: HTTPError.Code?
    let mayHaveBeenProcessed: Bool
    /// Of a mail server.
    let replyCode: Int?

    func error(_ plan: TransferPlan) -> HTTPError {
        let kind: HTTPError.Code
        switch plan.purpose {
        case .http: kind = refusal ?? common ?? (mayHaveBeenProcessed ? .connectionLost : .notConnected)
        case .mail: kind = common ?? mail
        }
        return HTTPError(
            kind, plan, message(kind), requestWasSent: mayHaveBeenProcessed,
            replyCode: [.mail, .mailLogin].contains(kind) ? replyCode : nil)
    }

    private var common: HTTPError.Code? {
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .badURL
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_FILESIZE_EXCEEDED: .responseTooLarge
        default: nil
        }
    }

    /// "Authentication required", "mechanism too weak", "credentials invalid", "encryption required" (RFC 4954, 6).
    private static let loginReplies = [530, 534, 535, 538]

    private var mail: HTTPError.Code {
        if let replyCode, Self.loginReplies.contains(replyCode) { return .mailLogin }
        // A 4xx is for now, as of any other command.
        if code == CURLE_LOGIN_DENIED, !(400..<500).contains(replyCode ?? 0) { return .mailLogin }
        if let replyCode, replyCode >= 400 { return .mail }
        switch code {
        case CURLE_USE_SSL_FAILED, CURLE_WEIRD_SERVER_REPLY: return .mail
        default: return mayHaveBeenProcessed ? .connectionLost : .notConnected
        }
    }

    private func message(_ kind: HTTPError.Code) -> String {
        switch kind {
        case .responseTooLarge: "the answer is larger than allowed"
        case .connectionLost where refusal == .connectionLost: "the kept-alive connection ended before the answer"
        case .badURL where refusal == .badURL: "this leads to an address that it may not reach"
        case .mail, .mailLogin: words + (replyCode.map { " (reply \($0))" } ?? "")
        default: words
        }
    }

    private var words: String { detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail }
}

extension HTTPError {
    init(_ code: Code, _ plan: TransferPlan, _ message: String, requestWasSent: Bool, replyCode: Int? = nil) {
        self.init(code, "\(plan.label): \(message)", requestWasSent: requestWasSent, replyCode: replyCode)
    }

    /// For a transfer that never began, as the next one.
    static func cancelled(_ plan: TransferPlan) -> HTTPError {
        HTTPError(.cancelled, plan, "cancelled", requestWasSent: false)
    }

    static func shutDown(_ plan: TransferPlan) -> HTTPError {
        HTTPError(.shutDown, plan, "the client is shut down", requestWasSent: false)
    }
}

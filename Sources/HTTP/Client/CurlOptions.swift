import CLibCurl
import Platform

/// Sets the options of an easy handle and owns the memory that libcurl reads while the handle is in use.
final class CurlOptions {
    private let easy: UnsafeMutableRawPointer
    private let errorBuffer: UnsafeMutablePointer<CChar>
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private(set) var firstError = CURLE_OK

    init(_ easy: UnsafeMutableRawPointer) {
        self.easy = easy
        errorBuffer = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        for list in lists { curl_slist_free_all(list) }
        errorBuffer.deallocate()
    }

    /// What libcurl said about its error, beyond the code. Empty when it said nothing.
    var errorText: String { String(cString: errorBuffer) }

    func set(_ option: CURLoption, _ value: Int) { note(operadora_curl_set_long(easy, option, value)) }

    func set(_ option: CURLoption, _ value: String) { note(operadora_curl_set_string(easy, option, value)) }

    func set(_ option: CURLoption, _ pointer: UnsafeMutableRawPointer) {
        note(operadora_curl_set_pointer(easy, option, pointer))
    }

    func set(_ option: CURLoption, lines: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else { return note(CURLE_OUT_OF_MEMORY) }
            list = longer
        }
        guard let list else { return }
        lists.append(list)
        note(operadora_curl_set_list(easy, option, list))
    }

    func set(body: [UInt8]) {
        note(operadora_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
        // An empty body still needs an address: null would mean that a callback gives the body.
        note((body.isEmpty ? [0] : body).withUnsafeBytes { operadora_curl_copy_body(easy, $0.baseAddress) })
    }

    func setSize(_ option: CURLoption, _ value: Int) {
        note(operadora_curl_set_offset(easy, option, curl_off_t(value)))
    }

    func setFunction(_ option: CURLoption, _ function: @escaping operadora_curl_data_function) {
        note(operadora_curl_set_data_function(easy, option, function))
    }

    func setPrerequest(_ function: @escaping curl_prereq_callback) {
        note(operadora_curl_set_prerequest_function(easy, function))
    }

    /// Made to open each socket, or not to.
    func setOpenSocket(_ function: @escaping curl_opensocket_callback) {
        note(operadora_curl_set_open_socket_function(easy, function))
    }

    /// Told of each socket that is made, and made to close it.
    func setSocketFunctions(
        opened: @escaping curl_sockopt_callback, close: @escaping curl_closesocket_callback
    ) {
        note(operadora_curl_set_socket_function(easy, opened))
        note(operadora_curl_set_close_function(easy, close))
    }

    private func note(_ code: CURLcode) {
        if firstError == CURLE_OK { firstError = code }
    }
}

extension CurlOptions {
    /// What holds for every transfer.
    func setCommon(_ plan: TransferPlan, timeout: Duration) {
        set(CURLOPT_URL, plan.url)
        set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorBuffer))
        set(CURLOPT_NOSIGNAL, 1)
        // A name that is still being looked up at a time-out must not hold up the other transfers of this thread.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_TIMEOUT_MS, Self.milliseconds(timeout))
        set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(plan.connectTimeout))
        if let file = plan.certificateAuthorityFile { set(CURLOPT_CAINFO, file) }
    }

    func set(_ request: HTTPClientRequest, plan: TransferPlan) {
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_USERAGENT, plan.userAgent)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        // Over TLS, rather wait for a connection in the making than open another: it may speak HTTP/2.
        if request.url.lowercased().hasPrefix("https:") { set(CURLOPT_PIPEWAIT, 1) }
        // Servers and balancers close idle connections after a minute or more; a request sent into that moment is lost.
        set(CURLOPT_MAXAGE_CONN, 45)
        setSize(CURLOPT_MAXFILESIZE_LARGE, plan.maximumResponseBytes)
        // Behind a proxy nobody could tell which address is reached.
        if plan.destinations != nil { set(CURLOPT_PROXY, "") }
        set(method: request.method, body: request.body)
        set(CURLOPT_HTTPHEADER, lines: Self.headerLines(request))
    }

    private func set(method: HTTPClientRequest.Method, body: [UInt8]?) {
        if let body { set(body: body) }
        switch method {
        case .get where body == nil: set(CURLOPT_HTTPGET, 1)
        case .head: set(CURLOPT_NOBODY, 1)
        case .post:
            set(CURLOPT_POST, 1)
            if body == nil { set(body: []) }
        case .get, .put, .patch, .delete: set(CURLOPT_CUSTOMREQUEST, method.rawValue)
        }
    }

    /// A line without a value takes away the header that libcurl would add: it waits for a "100 Continue" when it sends
    /// `Expect`, and calls every body a form.
    private static func headerLines(_ request: HTTPClientRequest) -> [String] {
        var lines = request.headers.fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        if request.headers["Expect"] == nil { lines.append("Expect:") }
        if request.headers["Content-Type"] == nil { lines.append("Content-Type:") }
        return lines
    }

    func set(_ envelope: MailEnvelope?, _ server: MailServer) {
        set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        set(CURLOPT_USE_SSL, server.usesTLSFromStart ? operadora_curl_use_ssl_all : server.security.curlValue)
        if let envelope {
            set(CURLOPT_UPLOAD, 1)
            setSize(CURLOPT_INFILESIZE_LARGE, envelope.message.count)
            set(CURLOPT_MAIL_FROM, "<\(envelope.sender)>")
            set(CURLOPT_MAIL_RCPT, lines: envelope.recipients.map { "<\($0)>" })
        } else {
            // Without a recipient libcurl says this after the login, and no more.
            set(CURLOPT_NOBODY, 1)
            set(CURLOPT_CUSTOMREQUEST, "NOOP")
        }
        // libcurl says QUIT when it closes the connection, and waits for the reply: not longer than for any other.
        set(CURLOPT_SERVER_RESPONSE_TIMEOUT, max(1, Self.milliseconds(server.timeout) / 1_000))
        set(CURLOPT_FORBID_REUSE, 1)
        if let user = server.user {
            set(CURLOPT_USERNAME, user)
            set(CURLOPT_PASSWORD, server.password?.reveal() ?? "")
        }
    }

    /// Zero would mean no limit to libcurl.
    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        guard seconds < 86_400 * 365 else { return 86_400 * 365 * 1_000 }
        return max(1, Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}

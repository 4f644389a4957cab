import CLibCurl
import Glibc

/// One transfer on libcurl's thread: its easy handle, its callbacks, and what is known of its way so far.
///
/// libcurl holds an unretained pointer to it while the handle is in use; `CurlThread.running` keeps it alive for that
/// long.
final class CurlTransfer {
    let transfer: Transfer
    let easy: UnsafeMutableRawPointer
    private let options: CurlOptions
    private var head = ResponseHead()
    private var receivedBytes = 0
    private var sentMailBytes = 0
    /// Of a mail, whose connection ends with it.
    private var sockets: Set<Int32> = []
    /// Why one of our callbacks ended the transfer: libcurl only knows that one did.
    private var refusal: HTTPError.Code?

    init(_ transfer: Transfer, easy: UnsafeMutableRawPointer) {
        self.transfer = transfer
        self.easy = easy
        options = CurlOptions(easy)
    }

    /// The transfer that a handle works for.
    static func of(_ easy: UnsafeMutableRawPointer) -> CurlTransfer? { at(operadora_curl_private(easy)) }

    /// Sets every option. After a code other than OK the handle must not be started.
    func prepare() -> CURLcode {
        let context = Unmanaged.passUnretained(self).toOpaque()
        options.set(CURLOPT_PRIVATE, context)
        options.set(CURLOPT_WRITEDATA, context)
        options.setFunction(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            CurlTransfer.at(context)?.receive(bytes, size * count) ?? 0
        }
        options.set(CURLOPT_HEADERDATA, context)
        options.setFunction(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            CurlTransfer.at(context)?.receiveHeader(bytes, size * count) ?? 0
        }
        options.setCommon(transfer.plan, timeout: transfer.deadline - .now)
        switch transfer.plan.purpose {
        case .http(let request):
            options.set(request, plan: transfer.plan)
            options.set(CURLOPT_PREREQDATA, context)
            options.setPrerequest { context, address, _, _, _ in
                CurlTransfer.at(context)?.mayBeSent(to: address) ?? CURL_PREREQFUNC_ABORT
            }
            guard transfer.plan.destinations != nil else { break }
            options.set(CURLOPT_OPENSOCKETDATA, context)
            options.setOpenSocket { context, _, address in
                CurlTransfer.at(context)?.openSocket(to: address) ?? CURL_SOCKET_BAD
            }
        case .mail(let envelope, let server):
            options.set(envelope, server)
            options.set(CURLOPT_READDATA, context)
            options.setFunction(CURLOPT_READFUNCTION) { bytes, size, count, context in
                CurlTransfer.at(context)?.give(bytes, size * count) ?? Int(CURL_READFUNC_ABORT)
            }
            options.set(CURLOPT_SOCKOPTDATA, context)
            options.set(CURLOPT_CLOSESOCKETDATA, context)
            options.setSocketFunctions(
                opened: { context, socket, _ in
                    CurlTransfer.at(context)?.sockets.insert(socket)
                    return CURL_SOCKOPT_OK
                },
                close: { context, socket in
                    CurlTransfer.at(context)?.sockets.remove(socket)
                    return close(socket)
                })
        }
        return options.firstError
    }

    /// To be called before a transfer is broken off. Of a mail libcurl would send the end of the message, however much of it is
    /// missing, and hold up its thread until the server has answered.
    func cut() {
        for socket in sockets { endTraffic(of: socket) }
    }

    func unpause() { curl_easy_pause(easy, CURLPAUSE_CONT) }

    private static func at(_ context: UnsafeMutableRawPointer?) -> CurlTransfer? {
        context.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
    }
}

/// Callbacks. A return value that libcurl does not expect ends the transfer.
extension CurlTransfer {
    /// Called before a connection is made: not so much as a handshake goes to an address that the request may not reach.
    private func openSocket(to address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
        guard let address,
            let destination = operadora_curl_address(address).flatMap({
                IPAddress($0, family: address.pointee.family)
            }),
            transfer.plan.destinations?.allows(destination) == true
        else {
            refusal = .badURL
            return CURL_SOCKET_BAD
        }
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        return socket(address.pointee.family, type, address.pointee.protocol)
    }

    /// Called whenever a connection stands and the request is about to be written. The connection may have been made for
    /// another request, so its address is looked at here as well.
    ///
    /// When a kept-alive connection ends before a byte of the answer came, libcurl quietly sends the request again on a
    /// new one. The first one may have been processed, so that is only right when nothing of it was written or when twice
    /// is as good as once.
    private func mayBeSent(to address: UnsafePointer<CChar>?) -> Int32 {
        if let destinations = transfer.plan.destinations {
            guard let destination = address.flatMap({ IPAddress(String(cString: $0)) }),
                destinations.allows(destination)
            else {
                refusal = .badURL
                return CURL_PREREQFUNC_ABORT
            }
        }
        guard case .http(let request) = transfer.plan.purpose, !request.method.isIdempotent, requestSize > 0 else {
            return CURL_PREREQFUNC_OK
        }
        refusal = .connectionLost
        return CURL_PREREQFUNC_ABORT
    }

    private func receiveHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard case .http = transfer.plan.purpose else { return count }
        switch head.add(UnsafeRawBufferPointer(start: bytes, count: count)) {
        case .incomplete: break
        case .complete(let status, let headers): transfer.receiver.receive(status: status, headers: headers)
        case .tooLarge: return refuse(.responseTooLarge)
        }
        return count
    }

    private func receive(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard case .http = transfer.plan.purpose else { return count }
        guard receivedBytes + count <= transfer.plan.maximumResponseBytes else { return refuse(.responseTooLarge) }
        switch transfer.receiver.receive(UnsafeRawBufferPointer(start: bytes, count: count)) {
        case .taken: receivedBytes += count
        case .pause: return Int(CURL_WRITEFUNC_PAUSE)
        }
        return count
    }

    private func give(_ bytes: UnsafeMutablePointer<CChar>?, _ capacity: Int) -> Int {
        guard case .mail(let envelope?, _) = transfer.plan.purpose, let bytes else { return Int(CURL_READFUNC_ABORT) }
        let piece = envelope.message[sentMailBytes...].prefix(capacity)
        piece.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(start: bytes, count: capacity).copyMemory(from: source)
        }
        sentMailBytes += piece.count
        return piece.count
    }

    private func refuse(_ code: HTTPError.Code) -> Int {
        refusal = code
        return Int(CURL_WRITEFUNC_ERROR)
    }
}

/// What to tell the caller when it did not end well.
extension CurlTransfer {
    /// An end that our side decided.
    func failure(_ code: HTTPError.Code) -> HTTPError {
        HTTPError(code, transfer.plan, "\(code)", requestWasSent: mayHaveBeenProcessed)
    }

    /// An end that libcurl reports.
    func failure(_ code: CURLcode) -> HTTPError {
        CurlFailure(
            code: code, detail: options.errorText, refusal: refusal, mayHaveBeenProcessed: mayHaveBeenProcessed,
            replyCode: replyCode
        ).error(transfer.plan)
    }

    /// How many bytes of requests libcurl has written for this transfer, repeated ones included.
    private var requestSize: Int { info(CURLINFO_REQUEST_SIZE) }

    private var mayHaveBeenProcessed: Bool {
        switch transfer.plan.purpose {
        case .http: requestSize > 0
        // A message counts once its data has begun, until the server has refused it.
        case .mail: sentMailBytes > 0 && (replyCode ?? 0) < 400
        }
    }

    private var replyCode: Int? {
        guard case .mail = transfer.plan.purpose else { return nil }
        let code = info(CURLINFO_RESPONSE_CODE)
        return code > 0 ? code : nil
    }

    private func info(_ info: CURLINFO) -> Int {
        var value = 0
        return operadora_curl_get_long(easy, info, &value) == CURLE_OK ? value : 0
    }
}

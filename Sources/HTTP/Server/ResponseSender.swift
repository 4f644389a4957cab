import CMicroHTTPD
import Platform

/// Turns an answer into libmicrohttpd's and queues it. On libmicrohttpd's thread.
struct ResponseSender {
    let exchange: Exchange
    let connection: OpaquePointer
    /// The connection is not kept after this answer.
    let closes: Bool
    let logger: Logger

    /// False when the connection should be closed without an answer.
    func send(_ response: HTTPServerResponse) -> Bool {
        guard (200...599).contains(response.status), response.headers.firstInvalidName == nil else {
            let name = response.headers.firstInvalidName ?? "none"
            logger.error(
                "a handler's answer cannot be sent", metadata: ["status": "\(response.status)", "bad header": name])
            return queue(HTTPServerResponse(status: 500))
        }
        return queue(response)
    }

    private func queue(_ response: HTTPServerResponse) -> Bool {
        guard let handle = handle(for: response.body) else { return false }
        defer { MHD_destroy_response(handle) }
        for field in response.headers.fields where !Self.isOurs(field.name) {
            MHD_add_response_header(handle, field.name, field.value)
        }
        if closes { MHD_add_response_header(handle, "Connection", "close") }
        return MHD_queue_response(connection, UInt32(response.status), handle) == .YES
    }

    /// libmicrohttpd writes these itself, from the body.
    private static func isOurs(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "connection"].contains(name.lowercased())
    }

    private func handle(for body: HTTPServerResponse.Body) -> OpaquePointer? {
        switch body {
        case .bytes(let bytes):
            return bytes.withUnsafeBytes {
                MHD_create_response_from_buffer(
                    $0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .stream(let stream):
            let channel = BodyChannel(connection)
            channel.start(stream)
            return handle(for: channel, size: operadora_mhd_size_unknown)
        case .drop(let sent) where sent.isEmpty: return nil
        case .drop(let sent):
            // One byte more is promised than ever comes.
            return handle(for: BodyChannel(connection, breakingOffAfter: sent), size: UInt64(sent.count + 1))
        }
    }

    private func handle(for channel: BodyChannel, size: UInt64) -> OpaquePointer? {
        let context = Unmanaged.passRetained(channel)
        let handle = MHD_create_response_from_callback(
            size, 16 << 10,
            { context, _, buffer, capacity in
                guard let context, let buffer else { return operadora_mhd_end_with_error }
                return Unmanaged<BodyChannel>.fromOpaque(context).takeUnretainedValue()
                    .read(into: UnsafeMutableRawBufferPointer(start: buffer, count: capacity))
            },
            context.toOpaque(),
            { context in
                guard let context else { return }
                let channel = Unmanaged<BodyChannel>.fromOpaque(context)
                channel.takeUnretainedValue().abort()
                channel.release()
            })
        if handle == nil { context.release() } else { exchange.send(through: channel) }
        return handle
    }
}

import CLibCurl
import Glibc
import Platform

/// The only user of its curl handles: takes commands from the inbox, lets libcurl work, and reports each end.
final class CurlThread {
    private let multi: CurlMulti
    private let inbox: CurlInbox
    private let configuration: HTTPClient.Configuration
    private let logger: Logger
    private var running: [ObjectIdentifier: CurlTransfer] = [:]
    private var queue: HostQueue<Transfer>
    /// Easy handles of ended transfers: keeping a few saves their allocation.
    private var spareHandles: [UnsafeMutableRawPointer] = []

    /// Starts the thread. Nil when libcurl has no memory for its handle.
    static func start(_ configuration: HTTPClient.Configuration, logger: Logger) -> CurlInbox? {
        guard isLibraryReady, let handle = curl_multi_init() else { return nil }
        let multi = CurlMulti(handle: handle)
        let inbox = CurlInbox(multi)
        OwnThread.start { CurlThread(multi, inbox, configuration, logger).run() }
        return inbox
    }

    /// A peer that goes away while it is written to must not end the process, hence SIGPIPE.
    private static let isLibraryReady: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()

    private init(
        _ multi: CurlMulti, _ inbox: CurlInbox, _ configuration: HTTPClient.Configuration, _ logger: Logger
    ) {
        self.multi = multi
        self.inbox = inbox
        self.configuration = configuration
        self.logger = logger
        queue = HostQueue(limitPerHost: configuration.maximumConcurrentRequestsPerHost)
        set(CURLMOPT_MAXCONNECTS, configuration.maximumIdleConnections)
        set(CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
    }

    private func set(_ option: CURLMoption, _ value: Int) {
        operadora_curl_multi_set_long(multi.handle, option, value)
    }

    private func run() {
        var isOpen = true
        while isOpen {
            for command in inbox.take() where !obey(command) { isOpen = false }
            guard isOpen else { break }
            var count: Int32 = 0
            check(curl_multi_perform(multi.handle, &count), "curl_multi_perform")
            reportEnded()
            reportExpired()
            // libcurl shortens the wait to its own next time-out; a wake-up that came meanwhile ends it at once.
            check(curl_multi_poll(multi.handle, nil, 0, longestWait, nil), "curl_multi_poll")
        }
        end()
    }

    private func check(_ code: CURLMcode, _ function: String) {
        guard code != CURLM_OK else { return }
        logger.error(
            "libcurl failed", metadata: ["function": function, "error": String(cString: curl_multi_strerror(code))])
    }

    /// False when the thread is to end.
    private func obey(_ command: CurlInbox.Command) -> Bool {
        switch command {
        case .start(let transfer): enter(transfer)
        case .cancel(let id):
            running[id].map { finish($0, with: $0.failure(.cancelled)) }
            queue.remove(id).map { $0.receiver.end(.cancelled($0.plan)) }
        case .unpause(let id): running[id]?.unpause()
        case .shutDown: return false
        }
        return true
    }

    private func enter(_ transfer: Transfer) {
        guard !transfer.isCancelled else { return transfer.receiver.end(.cancelled(transfer.plan)) }
        guard running.count + queue.waitingCount < configuration.maximumConcurrentRequests else {
            let limit = "\(configuration.maximumConcurrentRequests) requests are under way already"
            return transfer.receiver.end(HTTPError(.tooManyRequests, transfer.plan, limit, requestWasSent: false))
        }
        let id = ObjectIdentifier(transfer)
        if queue.enter(transfer, id: id, host: transfer.plan.host, deadline: transfer.deadline) { start(transfer) }
    }

    private func start(_ transfer: Transfer) {
        guard let easy = spareHandles.popLast() ?? curl_easy_init() else {
            transfer.receiver.end(HTTPError(.notConnected, transfer.plan, "no memory", requestWasSent: false))
            return startNext(afterOneTo: transfer.plan.host)
        }
        let started = CurlTransfer(transfer, easy: easy)
        running[ObjectIdentifier(transfer)] = started
        let code = started.prepare()
        if code != CURLE_OK { return finish(started, with: started.failure(code)) }
        check(curl_multi_add_handle(multi.handle, easy), "curl_multi_add_handle")
    }

    private func startNext(afterOneTo host: String) { queue.leave(host: host).map(start) }

    private func reportExpired() {
        for transfer in queue.removeExpired(at: .now) {
            let reason =
                "timed out while \(configuration.maximumConcurrentRequestsPerHost) other requests went to this host"
            transfer.receiver.end(HTTPError(.timeout, transfer.plan, reason, requestWasSent: false))
        }
    }

    private var longestWait: Int32 {
        let minute = Duration.seconds(60)
        let wait = min(queue.nextDeadline.map { $0 - .now } ?? minute, minute)
        return Int32(max(0, wait / .milliseconds(1)) + 1)
    }

    private func reportEnded() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi.handle, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = CurlTransfer.of(easy)
            else { continue }
            let result = operadora_curl_result(message)
            finish(transfer, with: result == CURLE_OK ? nil : transfer.failure(result))
        }
    }

    private func finish(_ transfer: CurlTransfer, with failure: HTTPError?) {
        running[ObjectIdentifier(transfer.transfer)] = nil
        if failure != nil { transfer.cut() }
        curl_multi_remove_handle(multi.handle, transfer.easy)
        curl_easy_reset(transfer.easy)
        if spareHandles.count < 32 { spareHandles.append(transfer.easy) } else { curl_easy_cleanup(transfer.easy) }
        transfer.transfer.receiver.end(failure)
        startNext(afterOneTo: transfer.transfer.plan.host)
    }

    private func end() {
        for transfer in queue.removeAll() { transfer.receiver.end(.shutDown(transfer.plan)) }
        for transfer in running.values { finish(transfer, with: transfer.failure(.shutDown)) }
        for easy in spareHandles { curl_easy_cleanup(easy) }
        let rest = inbox.close()
        curl_multi_cleanup(multi.handle)
        for case .start(let transfer) in rest { transfer.receiver.end(.shutDown(transfer.plan)) }
    }
}

import CLibPQ
import Glibc

extension PostgresConfiguration {
    /// Whether libpq's own parser can read it. Nothing is connected to.
    public static func isConnectionString(_ text: String) -> Bool {
        (try? ConnectionTarget(PostgresConfiguration(connectionString: text))) != nil
    }
}

/// What to connect to: libpq's keywords and values, with several hosts taken apart.
struct ConnectionTarget: Sendable {
    /// Later ones win, as in libpq.
    private let parameters: [(String, String)]
    /// As many as hosts: a host, its address, its port; empty where the connection string says nothing.
    private(set) var hosts: [Host]

    struct Host: Sendable, Equatable {
        var host = ""
        var address = ""
        var port = ""
    }

    /// Throws when the connection string is not one. Nothing of it is in the message: it may hold a password.
    init(_ configuration: PostgresConfiguration) throws {
        let settings = try Self.settings(of: configuration.connectionString)
        func list(_ keyword: String) -> [String] {
            (settings[keyword] ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        hosts = (0..<max(names.count, addresses.count)).map { index in
            Host(
                host: names.count > index ? names[index] : "", address: addresses.count > index ? addresses[index] : "",
                port: ports.count == 1 ? ports[0] : ports.count > index ? ports[index] : "")
        }
        parameters =
            [
                ("fallback_application_name", configuration.applicationName),
                ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
                ("tcp_user_timeout", "30000"),
            ] + settings.filter { !["host", "hostaddr", "port"].contains($0.key) }.sorted { $0.key < $1.key }
            // Every String is UTF-8.
            + [("client_encoding", "UTF8")]
    }

    /// Leaves out the host that libpq was busy with, as libpq tells it: with every default filled in.
    mutating func remove(_ tried: Host) {
        let index = hosts.firstIndex { host in
            (host.host.isEmpty || host.host == tried.host) && (host.port.isEmpty || host.port == tried.port)
                && (host.address.isEmpty || host.address == tried.address)
        }
        if let index { hosts.remove(at: index) } else { hosts = [] }
    }

    /// Starts a connection, without waiting for it. Looking up names blocks.
    func start() -> OpaquePointer? {
        func joined(_ part: (Host) -> String) -> String? {
            let parts = hosts.map(part)
            return parts.allSatisfy(\.isEmpty) ? nil : parts.joined(separator: ",")
        }
        let places = [("host", joined(\.host)), ("hostaddr", joined(\.address)), ("port", joined(\.port))]
        let all = parameters + places.compactMap { keyword, value in value.map { (keyword, $0) } }
        var keywords: [UnsafePointer<CChar>?] = all.map { UnsafePointer(strdup($0.0)) }
        var values: [UnsafePointer<CChar>?] = all.map { UnsafePointer(strdup($0.1)) }
        defer { for copy in keywords + values { free(UnsafeMutablePointer(mutating: copy)) } }
        keywords.append(nil)
        values.append(nil)
        return PQconnectStartParams(keywords, values, 0)
    }

    private static func settings(of connectionString: String) throws -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        defer { PQfreemem(message) }
        guard let options = PQconninfoParse(connectionString, &message) else {
            var error = PostgresError(
                .connection, "the connection string is not one that libpq reads (host=… dbname=…, or postgresql://…)")
            error.isPermanent = true
            throw error
        }
        defer { PQconninfoFree(options) }
        var settings: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { settings[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return settings
    }
}

import FoundationEssentials
import Glibc

/// Where the installed PostgreSQL server's programs are, and as whom they run.
struct ServerBinaries: Sendable {
    let directory: String
    /// PostgreSQL refuses to run as root: then it is the system's user `postgres`.
    let owner: Owner?

    struct Owner: Sendable {
        let user: uid_t
        let group: gid_t
    }

    /// Throws a `PostgresError` that says what to install.
    static func find() throws -> ServerBinaries {
        guard let directory = candidates().first(where: isServer) else {
            throw PostgresError(
                .connection,
                "no PostgreSQL server is installed: initdb and postgres are neither in PATH nor in "
                    + "/usr/lib/postgresql/*/bin (on Debian: apt-get install postgresql)")
        }
        return ServerBinaries(directory: directory, owner: geteuid() == 0 ? try postgresUser() : nil)
    }

    /// The command line that runs a program as the right user, in the same process.
    func command(_ program: String, _ arguments: [String]) -> [String] {
        let run = [path(of: program)] + arguments
        guard let owner else { return run }
        return ["setpriv", "--reuid=\(owner.user)", "--regid=\(owner.group)", "--clear-groups", "--"] + run
    }

    /// PATH may have links to some of the programs only: the others are where these lead to.
    private func path(of program: String) -> String {
        let named = "\(directory)/\(program)"
        guard access(named, X_OK) != 0 else { return named }
        return URL(filePath: "\(directory)/postgres").resolvingSymlinksInPath().deletingLastPathComponent().path
            + "/\(program)"
    }

    /// Debian and Red Hat keep the server's programs out of PATH. Newest version first.
    private static func candidates() -> [String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let named = path.split(separator: ":").map(String.init)
        return named + versions(in: "/usr/lib/postgresql", "bin") + versions(in: "/usr", "bin", prefix: "pgsql-")
            + ["/usr/local/pgsql/bin", "/usr/lib/postgresql/bin"]
    }

    private static func versions(in parent: String, _ child: String, prefix: String = "") -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        let versions = names.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst(prefix.count)) }
        return versions.sorted(by: >).map { "\(parent)/\(prefix)\($0)/\(child)" }
    }

    private static func isServer(_ directory: String) -> Bool {
        ["initdb", "postgres"].allSatisfy { access("\(directory)/\($0)", X_OK) == 0 }
    }

    private static func postgresUser() throws -> Owner {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        getpwnam_r("postgres", &entry, &buffer, buffer.count, &found)
        guard found != nil else {
            throw PostgresError(
                .connection, "PostgreSQL does not run as root, and there is no user postgres to run it as")
        }
        return Owner(user: entry.pw_uid, group: entry.pw_gid)
    }
}

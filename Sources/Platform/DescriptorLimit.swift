import Glibc

/// How many files and sockets the process may have open.
public enum DescriptorLimit {
    /// An ingress at its limit of connections, and everything else, have room.
    private static let wanted: rlim_t = 65_536

    /// Lifts the usual soft limit of 1,024 (RLIMIT_NOFILE) as far as the hard one allows. A process that is given a lower hard limit
    /// keeps that.
    public static func raise() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(wanted, limit.rlim_max)
        _ = setrlimit(resource, &limit)
    }
}

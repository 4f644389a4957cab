/// Whether what a kind's jobs carry, and how they end, is kept sealed: only processes that have the keys read it.
///
/// A worker also takes arguments of a sealed kind that are not sealed: from SQL, or from before the kind was.
public enum Sealing: Sendable {
    case never
    /// If the process that enqueues, or runs, the job has keys; else it is kept as it is.
    case whenKeyed
    /// Without a key nothing is enqueued: `SealingError.noKey`.
    case always
}

public enum SealingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind is always sealed, and this process has no keys.
    case noKey(kind: String)
    /// The arguments of a cron schedule stand in the code and in `schedules`, which shows them.
    case inSchedule(kind: String)
    /// OpenSSL could not do it.
    case failed

    public var description: String {
        switch self {
        case .noKey(let kind): "jobs of kind \(kind) are kept sealed, and there is no key: set JOB_SEALING_KEYS"
        case .inSchedule(let kind):
            "a cron schedule cannot keep \(kind) sealed: give it a kind that looks up its secrets"
        case .failed: "sealing failed: the system has no memory left"
        }
    }
}

/// What this process cannot open. Its description is recorded with the job.
enum OpeningError: Error, CustomStringConvertible {
    /// What its kind keeps sealed cannot be kept so here.
    case noKeys
    /// Another process may have the key, or this one after it was configured and restarted.
    case unknownKey(String)
    /// Changed, moved here from elsewhere, or sealed with another key of the same name.
    case notAuthentic(key: String)
    case malformed

    var description: String {
        switch self {
        case .noKeys: "its kind is kept sealed, and this worker has no key: set JOB_SEALING_KEYS and restart it"
        case .unknownKey(let key):
            "it is sealed with the key \(key), which this worker does not have: add it to JOB_SEALING_KEYS and restart it"
        case .notAuthentic(let key):
            "it does not open with the key \(key): it was changed or moved, or JOB_SEALING_KEYS has other bytes under that name"
        case .malformed: "its envelope is damaged"
        }
    }

    /// Whether it is this process that lacks something, and not the job.
    var isOfThisProcess: Bool {
        switch self {
        case .noKeys, .unknownKey: true
        case .notAuthentic, .malformed: false
        }
    }
}

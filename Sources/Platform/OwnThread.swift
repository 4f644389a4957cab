import Glibc

/// Threads for calls of C that block, and for loops around C libraries: the cooperative pool must not wait for those.
public enum OwnThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a new detached thread with a stack of 512 KiB. The process ends when the system refuses a thread.
    public static func start(_ body: @escaping @Sendable () -> Void) {
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        let status = withDetachedAttributes { attributes in
            var thread = pthread_t()
            return pthread_create(
                &thread, attributes,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, argument)
        }
        precondition(status == 0, "the system refuses another thread (error \(status))")
    }

    /// In memory that nobody initialized: OpenSSL's headers have this type too, and whose its `init()` is depends on what is
    /// compiled together.
    private static func withDetachedAttributes<Result>(_ body: (UnsafeMutablePointer<pthread_attr_t>) -> Result)
        -> Result
    {
        withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer in
            guard let attributes = buffer.baseAddress else { preconditionFailure("a buffer of one has an address") }
            pthread_attr_init(attributes)
            pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
            pthread_attr_setstacksize(attributes, 512 << 10)
            defer { pthread_attr_destroy(attributes) }
            return body(attributes)
        }
    }

    /// Runs `body` on a thread of its own and waits for it without holding the caller's. Goes on when the task is cancelled.
    public static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: body()) }
        }
    }
}

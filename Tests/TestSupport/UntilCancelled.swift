/// For what hangs in a test: never ends by itself, and returns when its task is cancelled.
public func untilCancelled() async {
    let (never, continuation) = AsyncStream<Void>.makeStream()
    for await _ in never {}
    withExtendedLifetime(continuation) {}
}

/// Asks again and again until `condition` holds; for states of another process that nobody notifies of, such as
/// pg_stat_activity. `condition` should do something that takes its time, like a query. False after `limit`.
public func eventually(
    within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        await Task.yield()
    }
    return false
}

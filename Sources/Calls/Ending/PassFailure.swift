import Postgres

extension Error {
    /// Whether a pass over many ends with it, since the others would fare no better: the database is away, or the pass is
    /// cancelled. What is wrong with one alone is logged, and the pass goes on.
    var endsPass: Bool { self is CancellationError || (self as? PostgresError)?.isTransient == true }
}

/// Compares what a database has with what we know: pure, so that every refusal can be tested without a database.
struct MigrationPlan {
    /// Applied already, oldest first, as the database tells.
    let applied: [Migrator.Migration]
    /// Still to be applied, in order.
    let pending: [MigrationDirectory.Entry]
    /// Why nothing may be changed in this database, or nil.
    let refusal: MigrationError?

    init(applied: [Migrator.Migration], known: [MigrationDirectory.Entry]) {
        self.applied = applied
        let appliedNumbers = Set(applied.map(\.number))
        pending = known.filter { !appliedNumbers.contains($0.migration.number) }
        refusal = Self.refusal(applied, known, firstPending: pending.first)
    }

    private static func refusal(
        _ applied: [Migrator.Migration], _ known: [MigrationDirectory.Entry], firstPending: MigrationDirectory.Entry?
    ) -> MigrationError? {
        for migration in applied {
            guard let entry = known.first(where: { $0.migration.number == migration.number }) else {
                return MigrationError(
                    "the database has migration \(migration.label), which this version does not know: run the version that "
                        + "applied it, or a newer one")
            }
            guard entry.migration.name == migration.name else {
                return MigrationError(
                    "the database has migration \(migration.label) where this version has \(entry.label): it is the "
                        + "schema of something else")
            }
            guard entry.migration.checksum == migration.checksum else {
                return MigrationError(
                    "\(entry.label).up.sql was changed after it was applied (checksum \(entry.migration.checksum.prefix(12)), "
                        + "applied \(migration.checksum.prefix(12))): restore the file and write a new migration")
            }
        }
        if let firstPending, let newest = applied.last, newest.number > firstPending.migration.number {
            return MigrationError(
                "the database has \(newest.label) but not \(firstPending.label): rows are missing in schema_migrations")
        }
        return nil
    }
}

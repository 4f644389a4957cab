import Platform

extension JobQueue {
    /// A result as its handler returned it; as it stands in the database when it was not sealed, or cannot be opened here.
    func opened(_ result: JSON?, of id: JobID) -> JSON? {
        do {
            return try result.map { try JSON(parsing: keys.open($0.bytes, for: .result(of: id))) }
        } catch {
            logger.warning("a sealed result cannot be opened", metadata: ["job": "\(id)", "error": "\(error)"])
            return result
        }
    }
}

import Platform

extension JobQueue {
    /// A result as its handler returned it; as it stands in the database when it was not sealed, or cannot be opened here.
    func opened(_ result: JSON?, of id: JobID) -> JSON? {
        // As a rule it is not.
        guard let result, result["sealed"] != nil else { return result }
        do {
            return try JSON(parsing: keys.open(result.bytes, for: .result(of: id)))
        } catch {
            logger.warning("a sealed result cannot be opened", metadata: ["job": "\(id)", "error": "\(error)"])
            return result
        }
    }
}

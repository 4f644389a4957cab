import CLibPQ

/// Sending statements: binds and results in binary.
extension OpaquePointer {
    func send(prepared name: String, _ query: PostgresQuery) -> Bool {
        withParameters(query.binds) { values, lengths, formats in
            PQsendQueryPrepared(self, name, Int32(query.binds.count), values, lengths, formats, 1) == 1
        }
    }

    func send(_ query: PostgresQuery, _ types: [UInt32]) -> Bool {
        withParameters(query.binds) { values, lengths, formats in
            PQsendQueryParams(self, query.sql, Int32(types.count), types, values, lengths, formats, 1) == 1
        }
    }

    /// Lays the binds out as libpq wants them: one buffer, a pointer each.
    private func withParameters(
        _ binds: [PostgresBind], _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> Bool
    ) -> Bool {
        if binds.isEmpty { return body([], [], []) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(binds.reduce(1) { $0 + ($1.bytes?.count ?? 0) })
        for bind in binds { bytes.append(contentsOf: bind.bytes ?? []) }
        // An empty value needs an address too: a null pointer is NULL.
        bytes.append(0)
        return bytes.withUnsafeBytes { buffer in
            var offset = 0
            let values: [UnsafePointer<CChar>?] = binds.map { bind in
                guard let count = bind.bytes?.count else { return nil }
                defer { offset += count }
                return buffer.baseAddress.map { ($0 + offset).assumingMemoryBound(to: CChar.self) }
            }
            return body(values, binds.map { Int32($0.bytes?.count ?? 0) }, binds.map { _ in 1 })
        }
    }
}

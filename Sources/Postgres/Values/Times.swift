public import FoundationEssentials

/// PostgreSQL counts microseconds from 2000-01-01 00:00 UTC.
private let epochOffset: TimeInterval = 946_684_800

extension Date: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.timestamptz }
    public static var postgresArrayOID: UInt32 { 1185 }

    /// The distant past and future are PostgreSQL's infinities.
    public func encode(into bytes: inout [UInt8]) {
        let microseconds = ((timeIntervalSince1970 - epochOffset) * 1_000_000).rounded()
        switch self {
        case .distantPast: bytes.append(bigEndian: Int64.min)
        case .distantFuture: bytes.append(bigEndian: Int64.max)
        default: bytes.append(bigEndian: Int64(exactly: microseconds) ?? (microseconds < 0 ? .min : .max))
        }
    }

    /// A timestamptz, a timestamp (read as UTC) or a date (its midnight in UTC).
    public init(from cell: PostgresCell) throws {
        let seconds: TimeInterval? = try cell.withBytes { bytes in
            switch cell.oid {
            case TypeOID.timestamptz, TypeOID.timestamp: bytes.integer(Int64.self).map { TimeInterval($0) / 1_000_000 }
            case TypeOID.date: bytes.integer(Int32.self).map { TimeInterval($0) * 86_400 }
            default: nil
            }
        }
        guard let seconds else { throw cell.mismatch(Date.self) }
        switch seconds {
        case TimeInterval(Int64.min) / 1_000_000, TimeInterval(Int32.min) * 86_400: self = .distantPast
        case TimeInterval(Int64.max) / 1_000_000, TimeInterval(Int32.max) * 86_400: self = .distantFuture
        default: self = Date(timeIntervalSince1970: seconds + epochOffset)
        }
    }
}

extension Duration: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.interval }
    public static var postgresArrayOID: UInt32 { 1187 }

    /// Whole microseconds.
    public func encode(into bytes: inout [UInt8]) {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        bytes.append(bigEndian: overflow ? Int64.max : whole + attoseconds / 1_000_000_000_000)
        bytes.append(bigEndian: Int32(0))
        bytes.append(bigEndian: Int32(0))
    }

    /// An interval, its days of 24 hours. One with months has no length and is refused.
    public init(from cell: PostgresCell) throws {
        let parts: (Int64, Int32)? = try cell.withBytes { bytes in
            guard let time: Int64 = bytes.integer(at: 0), let days: Int32 = bytes.integer(at: 8),
                let months: Int32 = bytes.integer(at: 12), months == 0
            else { return nil }
            return (time, days)
        }
        guard cell.oid == TypeOID.interval, let (time, days) = parts else { throw cell.mismatch(Duration.self) }
        self = .microseconds(time) + .seconds(Int64(days) * 86_400)
    }
}

public import FoundationEssentials
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A time zone by its IANA name, from the system's zone files.
///
/// Foundation's `TimeZone` would bring ICU and some 40 MB into every process; this needs `tzdata` installed
/// (`/usr/share/zoneinfo`, or the directory named by `TZDIR`).
public struct Zone: Sendable, Hashable {
    public static let utc = Zone(identifier: "UTC", file: ZoneFile(offset: 0))

    /// Such as "America/Mexico_City".
    public let identifier: String
    private let file: ZoneFile

    /// Nil when the system knows no zone of that name. Short names such as "CST" mean different hours in different places.
    public init?(identifier: String) {
        if identifier == "UTC" {
            self = Zone.utc
        } else if let file = Zone.files.file(named: identifier) {
            self.init(identifier: identifier, file: file)
        } else {
            return nil
        }
    }

    init(identifier: String, file: ZoneFile) {
        self.identifier = identifier
        self.file = file
    }

    /// Seconds east of UTC at that instant.
    public func offset(at date: Date) -> Int { file.offset(at: Int(date.timeIntervalSince1970.rounded(.down))) }

    /// What clocks there show at that instant; fractions of a second are dropped.
    public func civilTime(at date: Date) -> CivilTime {
        let seconds = Int(date.timeIntervalSince1970.rounded(.down))
        return CivilTime(secondsSince1970: seconds + file.offset(at: seconds))
    }

    /// When clocks there show that time: the first time of two when the hour is repeated; when it is skipped, as long
    /// after the change as the time lies in the skipped hour.
    public func date(of time: CivilTime) -> Date {
        let wanted = time.secondsSince1970
        let before = file.offset(at: wanted - 86_400)
        let after = file.offset(at: wanted + 86_400)
        let instants = [wanted - before, wanted - after].sorted()
        let instant = instants.first { $0 + file.offset(at: $0) == wanted } ?? wanted - before
        return Date(timeIntervalSince1970: Double(instant))
    }

    /// ISO 8601 with the offset: "2026-03-08T09:30:00-06:00".
    public func iso8601(_ date: Date) -> String {
        let time = civilTime(at: date)
        let offset = offset(at: date)
        let minutes = abs(offset) / 60
        return "\(padded(time.year, 4))-\(padded(time.month))-\(padded(time.day))T"
            + "\(padded(time.hour)):\(padded(time.minute)):\(padded(time.second))"
            + "\(offset < 0 ? "-" : "+")\(padded(minutes / 60)):\(padded(minutes % 60))"
    }

    private func padded(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    public static func == (left: Zone, right: Zone) -> Bool { left.identifier == right.identifier }
    public func hash(into hasher: inout Hasher) { hasher.combine(identifier) }

    private static let files = ZoneFiles()
}

/// The zone files read so far: each is read once in the life of a process.
private final class ZoneFiles: Sendable {
    private let known = Mutex<[String: ZoneFile]>([:])
    private let directory = getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo"

    func file(named name: String) -> ZoneFile? {
        if let file = known.withLock({ $0[name] }) { return file }
        guard isZoneName(name), let data = contents(name) ?? properCase(name).flatMap(contents),
            let file = ZoneFile(parsing: [UInt8](data))
        else { return nil }
        known.withLock { $0[name] = file }
        return file
    }

    private func contents(_ name: String) -> Data? { FileManager.default.contents(atPath: "\(directory)/\(name)") }

    /// Names are written in any case, as PostgreSQL takes them: "america/mexico_city".
    private func properCase(_ name: String) -> String? {
        var path = ""
        for part in name.split(separator: "/", omittingEmptySubsequences: false) {
            let entries = try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(path)")
            guard let entry = entries?.first(where: { $0.lowercased() == part.lowercased() }) else { return nil }
            path += path.isEmpty ? entry : "/\(entry)"
        }
        return path
    }

    /// A name never leads out of the directory. Without a place it is UTC.
    private func isZoneName(_ name: String) -> Bool {
        name.utf8.count <= 64 && (name.contains("/") || name.uppercased() == "UTC") && !name.contains("..")
            && name.first.map { $0.isASCII && $0.isLetter } == true
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_+-/".contains($0)) }
    }
}

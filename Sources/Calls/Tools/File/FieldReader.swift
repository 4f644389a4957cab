import Platform

/// Reads the members of one object of a tools file and collects what is wrong instead of stopping at the first.
struct FieldReader {
    let path: String
    /// What is no object has no fields, and one problem.
    let isObject: Bool
    private let members: [String: JSON]
    private var known: Set<String> = []
    private(set) var problems: [ToolsFileProblem] = []

    init(_ json: JSON, at path: String) {
        self.path = path
        members = json.object ?? [:]
        isObject = json.object != nil
        if !isObject { problems.append(ToolsFileProblem(path: path, problem: "must be an object")) }
    }

    /// The whole object.
    var json: JSON { .object(members) }

    mutating func report(_ name: String, _ problem: String) {
        problems.append(ToolsFileProblem(path: "\(path).\(name)", problem: problem))
    }

    mutating func add(_ more: [ToolsFileProblem]) { problems += more }

    mutating func value(_ name: String) -> JSON? {
        known.insert(name)
        return members[name]
    }

    /// A text that is not blank.
    mutating func text(_ name: String, atMost limit: Int) -> String? {
        guard let value = value(name) else {
            report(name, "is missing")
            return nil
        }
        guard let text = value.string, text.contains(where: { !$0.isWhitespace }), text.count <= limit else {
            report(name, "must be a text of 1 to \(limit) characters")
            return nil
        }
        return text
    }

    mutating func flag(_ name: String, default fallback: Bool) -> Bool {
        guard let value = value(name) else { return fallback }
        guard let flag = value.bool else {
            report(name, "must be true or false")
            return fallback
        }
        return flag
    }

    mutating func number(_ name: String, default fallback: Double, in range: ClosedRange<Double>) -> Double {
        guard let value = value(name) else { return fallback }
        guard let number = value.number, range.contains(number) else {
            report(name, "must be a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
            return fallback
        }
        return number
    }

    /// After everything was asked for: what was not is a mistake, most likely of spelling.
    mutating func refuseOthers() {
        for name in members.keys.sorted() where !known.contains(name) {
            report(
                String(name.prefix(64)), "is not known here: the fields are \(known.sorted().joined(separator: ", "))")
        }
    }
}

import Platform

/// What of a service's answer the model is told: one place, or several under names of their own.
enum ResultMapping: Sendable, Hashable {
    case place(JSONPath)
    case places([String: JSONPath])

    /// Nil when the answer has none of it.
    func apply(to answer: JSON) -> JSON? {
        switch self {
        case .place(let path): return path.value(in: answer)
        case .places(let paths):
            let found = paths.mapValues { $0.value(in: answer) ?? .null }
            return found.values.allSatisfy(\.isNull) ? nil : .object(found)
        }
    }
}

/// A place in a JSON value: `$` is the whole, `.name` a member, `[0]` an element.
struct JSONPath: Sendable, Hashable {
    private enum Step: Sendable, Hashable {
        case member(String)
        case element(Int)
    }

    private let steps: [Step]

    /// Nil when the text is no such path.
    init?(_ text: String) {
        guard text.first == "$", text.utf8.count <= 500 else { return nil }
        var steps: [Step] = []
        var rest = text.dropFirst()
        while let mark = rest.popFirst() {
            let name = rest.prefix { !".[]".contains($0) }
            rest = rest.dropFirst(name.count)
            if mark == ".", !name.isEmpty {
                steps.append(.member(String(name)))
            } else if mark == "[", let index = Int(name), index >= 0, rest.popFirst() == "]" {
                steps.append(.element(index))
            } else {
                return nil
            }
        }
        self.steps = steps
    }

    /// Nil when there is no such place.
    func value(in json: JSON) -> JSON? {
        var value: JSON? = json
        for step in steps {
            switch step {
            case .member(let name): value = value?[name]
            case .element(let index): value = value?[index]
            }
        }
        return value
    }
}

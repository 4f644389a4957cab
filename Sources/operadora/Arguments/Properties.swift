/// A value that can be written on a command line.
protocol ExpressibleByArgument {
    init?(argument: String)
    /// As a help text shows it.
    var defaultValueDescription: String { get }
    /// All values that there are, when they can be listed.
    static var allValueStrings: [String] { get }
}

extension ExpressibleByArgument {
    var defaultValueDescription: String { "\(self)" }
    static var allValueStrings: [String] { [] }
}

extension String: ExpressibleByArgument {
    init?(argument: String) { self = argument }
}
extension Int: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
extension Int64: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
extension Double: ExpressibleByArgument {
    init?(argument: String) {
        guard let value = Double(argument), value.isFinite else { return nil }
        self = value
    }
}
extension ExpressibleByArgument where Self: RawRepresentable<String> & CaseIterable {
    init?(argument: String) { self.init(rawValue: argument) }
    var defaultValueDescription: String { rawValue }
    static var allValueStrings: [String] { allCases.map(\.rawValue) }
}

/// Where a property's value waits until the parser has filled it. A class: the parser reaches it through a mirror.
final class ArgumentBox<Value> {
    var value: Value?
    init(_ value: Value?) { self.value = value }

    /// The parser refuses a command line that leaves a required value out, before anyone can read it.
    var parsed: Value {
        guard let value else { preconditionFailure("a command's properties can be read once it was parsed") }
        return value
    }
}

/// What the parser and the help text know of one property.
struct ArgumentDefinition {
    enum Kind { case positional, option, flag }
    let kind: Kind
    let help: String
    /// What stands for the value in a help text; the property's name when nil.
    var valueName: String?
    let isRequired: Bool
    var isRepeating = false
    var defaultValue: String?
    var choices: [String] = []
    /// Takes the text (nil for a flag); false when it is not such a value.
    let assign: (String?) -> Bool
}

/// A property wrapper that the parser finds in a command.
protocol ArgumentProperty {
    var definition: ArgumentDefinition { get }
}

/// A value without a name, by its position.
@propertyWrapper
struct Argument<Value>: ArgumentProperty {
    private let box: ArgumentBox<Value>
    let definition: ArgumentDefinition
    var wrappedValue: Value { box.parsed }

    init(help: String, valueName: String? = nil) where Value: ExpressibleByArgument {
        let box = ArgumentBox<Value>(nil)
        self.box = box
        definition = .value(.positional, help, valueName, required: true, default: nil) { (value: Value) in
            box.value = value
        }
    }

    init<Wrapped: ExpressibleByArgument>(help: String, valueName: String? = nil) where Value == Wrapped? {
        let box = ArgumentBox<Value>(.some(nil))
        self.box = box
        definition = .value(.positional, help, valueName, required: false, default: nil) { (value: Wrapped) in
            box.value = .some(value)
        }
    }

    /// Any number of them, none included; whoever needs one says so in `validate`. The last argument of its command.
    init<Element: ExpressibleByArgument>(help: String, valueName: String? = nil) where Value == [Element] {
        let box = ArgumentBox<Value>([])
        self.box = box
        var repeating = ArgumentDefinition.value(
            .positional, help, valueName, required: false, default: nil
        ) { (value: Element) in box.value?.append(value) }
        repeating.isRepeating = true
        definition = repeating
    }
}

/// `--name value` or `--name=value`; the name is the property's, in kebab case.
@propertyWrapper
struct Option<Value>: ArgumentProperty {
    private let box: ArgumentBox<Value>
    let definition: ArgumentDefinition
    var wrappedValue: Value { box.parsed }

    init(help: String, valueName: String? = nil) where Value: ExpressibleByArgument {
        let box = ArgumentBox<Value>(nil)
        self.box = box
        definition = .value(.option, help, valueName, required: true, default: nil) { (value: Value) in
            box.value = value
        }
    }

    init(wrappedValue: Value, help: String, valueName: String? = nil) where Value: ExpressibleByArgument {
        let box = ArgumentBox<Value>(wrappedValue)
        self.box = box
        let shown = wrappedValue.defaultValueDescription
        definition = .value(.option, help, valueName, required: false, default: shown) { (value: Value) in
            box.value = value
        }
    }

    init<Wrapped: ExpressibleByArgument>(help: String, valueName: String? = nil) where Value == Wrapped? {
        let box = ArgumentBox<Value>(.some(nil))
        self.box = box
        definition = .value(.option, help, valueName, required: false, default: nil) { (value: Wrapped) in
            box.value = .some(value)
        }
    }
}

/// `--name`, present or not.
@propertyWrapper
struct Flag: ArgumentProperty {
    private let box: ArgumentBox<Bool>
    let definition: ArgumentDefinition
    var wrappedValue: Bool { box.parsed }

    init(help: String) {
        let box = ArgumentBox(false)
        self.box = box
        definition = ArgumentDefinition(kind: .flag, help: help, isRequired: false) { _ in
            box.value = true
            return true
        }
    }
}

/// The arguments of another set, as if they were declared here.
@propertyWrapper
struct OptionGroup<Group: ParsableArguments>: ArgumentGroup {
    private let box = ArgumentBox(Group())
    var wrappedValue: Group { box.parsed }
    var group: any ParsableArguments { wrappedValue }
}

protocol ArgumentGroup {
    var group: any ParsableArguments { get }
}

extension ArgumentDefinition {
    fileprivate static func value<Value: ExpressibleByArgument>(
        _ kind: Kind, _ help: String, _ valueName: String?, required: Bool, default shown: String?,
        store: @escaping (Value) -> Void
    ) -> ArgumentDefinition {
        ArgumentDefinition(
            kind: kind, help: help, valueName: valueName, isRequired: required,
            defaultValue: shown.flatMap { $0.isEmpty ? nil : $0 }, choices: Value.allValueStrings
        ) { text in
            guard let text, let value = Value(argument: text) else { return false }
            store(value)
            return true
        }
    }
}

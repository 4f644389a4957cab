import Platform
import Testing

@testable import Agents

@Suite("JSON Schema")
struct JSONSchemaTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var schema: JSON
        var value: JSON
        /// Empty when the value satisfies the schema.
        var violations: [String]
        init(_ schema: JSON, _ value: JSON, _ violations: String...) {
            self.schema = schema
            self.value = value
            self.violations = violations
        }
        var testDescription: String { "\(value.text) against \(schema.text)" }
    }

    private static let types: [Case] = [
        Case(["type": "string"], "a"),
        Case(["type": "string"], 1, "value must be a string"),
        Case(["type": "integer"], 30.0),
        Case(["type": "integer"], 30.5, "value must be an integer"),
        Case(["type": "number"], 30),
        Case(["type": "boolean"], 1, "value must be a boolean"),
        Case(["type": ["string", "null"]], nil),
        Case(["type": ["string", "null"]], 1, "value must be a string or null"),
        Case(true, 1),
        Case(false, 1, "value is not allowed"),
        Case(["enum": ["en", "es"]], "fr", #"value must be one of "en", "es""#),
        Case(["const": 1], 1.0),
        Case(["const": 1], 2, "value must be 1"),
    ]

    private static let objects: [Case] = [
        Case(["required": ["a"]], [:], "value.a is required"),
        Case(["properties": ["a": ["type": "string"]]], ["a": 1], "value.a must be a string"),
        Case(["properties": ["a": true], "additionalProperties": false], ["b": 1], "value.b is not allowed"),
        Case(["additionalProperties": ["type": "integer"]], ["b": "x"], "value.b must be an integer"),
        Case(
            ["properties": ["guests": ["type": "array", "items": ["required": ["email"]]]]],
            ["guests": [["email": "a"], [:]]], "value.guests[1].email is required"),
        Case(["minItems": 1, "maxItems": 2], [], "value must have at least 1 elements"),
        Case(["minItems": 1, "maxItems": 2], [1, 2, 3], "value must have at most 2 elements"),
    ]

    private static let scalars: [Case] = [
        Case(["minimum": 15, "maximum": 240], 10, "value must be at least 15"),
        Case(["minimum": 15, "maximum": 240], 241, "value must be at most 240"),
        Case(["exclusiveMinimum": 0, "exclusiveMaximum": 1], 0, "value must be more than 0"),
        Case(["exclusiveMinimum": 0, "exclusiveMaximum": 1], 1, "value must be less than 1"),
        Case(["minLength": 2, "maxLength": 3], "a", "value must have at least 2 characters"),
        Case(["maxLength": 3], "ñandú", "value must have at most 3 characters"),
        Case(["pattern": "^[a-z]+$"], "abc"),
        Case(["pattern": "^[a-z]+$"], "ABC", "value must match ^[a-z]+$"),
        Case(["format": "date-time"], "2025-01-07T14:00:00-06:00"),
        Case(["format": "date-time"], "2024-02-29T14:00:00.25Z"),
        Case(["format": "email"], "josé.pérez@correo.example"),
        Case(["format": "unheard-of"], "anything"),
    ]

    private static let combinations: [Case] = [
        Case(["anyOf": [["type": "string"], ["type": "null"]]], nil),
        Case(
            ["anyOf": [["type": "string"], ["required": ["a"]]]], [:],
            "value fits none of its alternatives (value.a is required)"),
        Case(
            ["anyOf": [["type": "string"], ["type": "null"]]], 1,
            "value fits none of its alternatives (value must be a string)"),
        Case(["oneOf": [["type": "integer"], ["minimum": 5]]], 3),
        Case(
            ["oneOf": [["type": "integer"], ["minimum": 5]]], 7,
            "value must fit exactly one of its alternatives, and fits 2"),
        Case(["allOf": [["type": "integer"], ["minimum": 5]]], 3, "value must be at least 5"),
        Case(
            ["$defs": ["Guest": ["required": ["email"]]], "items": ["$ref": "#/$defs/Guest"]], [[:]],
            "value[0].email is required"),
        Case(
            ["properties": ["child": ["$ref": "#"]], "required": ["name"]], ["name": 1, "child": [:]],
            "value.child.name is required"),
    ]

    @Test(
        "A value is accepted, or refused with the path of what is wrong",
        arguments: types + objects + scalars + combinations)
    func validates(_ one: Case) throws {
        #expect(try JSONSchema(one.schema).violations(of: one.value).map(\.description) == one.violations)
    }

    @Test(
        "A date and time needs a day that exists, a time that exists and an offset",
        arguments: [
            "2025-01-07", "2025-01-07T14:00:00", "2026-02-30T14:00:00Z", "2023-02-29T10:00:00Z", "2025-13-01T10:00:00Z",
            "2025-01-07T24:00:00Z", "2025-01-07T10:60:00Z", "tomorrow", "",
        ])
    func refusesDateTimes(_ text: String) throws {
        #expect(try JSONSchema(["format": "date-time"]).violations(of: .string(text)).count == 1)
    }

    @Test(
        "An e-mail address has one @, a name and a dotted domain",
        arguments: [
            "john", "john@example", "john@@example.com", "john at example dot com", "a@b..c", "a b@c.de", "@c.de",
        ])
    func refusesAddresses(_ text: String) throws {
        #expect(try JSONSchema(["format": "email"]).violations(of: .string(text)).count == 1)
    }

    @Test(
        "A mistake in the schema itself is refused with its place",
        arguments: [
            (["type": "text"], "#/type"),
            (["properties": ["a": ["type": 1]]], "#/properties/a/type"),
            (["items": ["pattern": "("]], "#/items/pattern"),
            (["$ref": "#/$defs/Missing"], "#/$ref"),
            (["required": "a"], "#/required"),
            (["if": ["type": "string"]], "#/if"),
            ("string", "#"),
        ] as [(JSON, String)])
    func refusesSchemas(_ schema: JSON, _ place: String) {
        #expect { try JSONSchema(schema) } throws: { ($0 as? JSONSchemaError)?.place == place }
    }

    @Test("A reference that leads to itself ends")
    func endsCircles() throws {
        let schema = try JSONSchema(["$defs": ["A": ["$ref": "#/$defs/A"]], "$ref": "#/$defs/A"])
        #expect(schema.violations(of: 1).map(\.problem) == ["is nested too deeply"])
    }

    @Test("A value that is wrong everywhere gets a bounded list")
    func boundsViolations() throws {
        let schema = try JSONSchema(["items": ["type": "string"]])
        #expect(schema.violations(of: .array(Array(repeating: 1, count: 1_000))).count == 20)
    }
}

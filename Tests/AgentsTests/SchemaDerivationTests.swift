import FoundationEssentials
import Platform
import Testing

@testable import Agents

@Suite("A schema that is derived from a type")
struct SchemaDerivationTests {
    private enum Unit: String, Decodable, CaseIterable { case celsius, fahrenheit }
    private enum Level: Int, Decodable, CaseIterable {
        case low = 1
        case high = 2
    }
    private struct Guest: Decodable, Encodable, Equatable { var email: String }
    private struct Everything: Decodable, DescribedProperties {
        var text: String
        var days: Int?
        var share: Double
        var isUrgent: Bool
        var unit: Unit
        var level: Level?
        var guests: [Guest]
        var tags: [String: Int]?
        var at: Date
        var link: URL?
        var count: UInt8
        var anything: JSON?
        static let properties: [String: JSON] = [
            "text": "What to say",
            "days": ["description": "How many", "minimum": 1, "maximum": 7],
        ]
    }

    @Test("Every property has its type, optional ones are not required, others are not allowed")
    func derives() throws {
        let guest: JSON = [
            "type": "object", "properties": ["email": ["type": "string"]], "required": ["email"],
            "additionalProperties": false,
        ]
        #expect(
            try JSONSchema(of: Everything.self).root == [
                "type": "object",
                "properties": [
                    "text": ["type": "string", "description": "What to say"],
                    "days": ["type": "integer", "description": "How many", "minimum": 1, "maximum": 7],
                    "share": ["type": "number"],
                    "isUrgent": ["type": "boolean"],
                    "unit": ["type": "string", "enum": ["celsius", "fahrenheit"]],
                    "level": ["type": "integer", "enum": [1, 2]],
                    "guests": ["type": "array", "items": guest],
                    "tags": ["type": "object", "additionalProperties": ["type": "integer"]],
                    "at": ["type": "string", "format": "date-time"],
                    "link": ["type": "string", "format": "uri"],
                    "count": ["type": "integer", "minimum": 0, "maximum": 255],
                    "anything": [:],
                ],
                "required": ["at", "count", "guests", "isUrgent", "share", "text", "unit"],
                "additionalProperties": false,
            ])
    }

    @Test("A value that satisfies the schema decodes as the type")
    func agrees() throws {
        let value: JSON = [
            "text": "a", "share": 0.5, "isUrgent": true, "unit": "celsius", "guests": [["email": "a@b.example"]],
            "at": "2025-01-31T15:00:00-06:00", "count": 3, "days": 2,
        ]
        #expect(try JSONSchema(of: Everything.self).violations(of: value).isEmpty)
        #expect(try value.decode(Everything.self).guests == [Guest(email: "a@b.example")])
    }

    private struct Answer: Decodable {
        var outcome: Unit?
        var reason: String?
        var score: Int
    }

    @Test("Strict ones require everything and let the optional be null")
    func strict() throws {
        let schema = try JSONSchema(of: Answer.self, isStrict: true)
        #expect(schema.root["required"] == ["outcome", "reason", "score"])
        #expect(schema.violations(of: ["outcome": nil, "reason": nil, "score": 1]).isEmpty)
        #expect(schema.root["properties"]?["outcome"]?["enum"] == ["celsius", "fahrenheit", nil])
        #expect(schema.violations(of: ["score": 1]).count == 2)
    }

    private struct Defaulted: Decodable {
        var count = 3
        enum CodingKeys: String, CodingKey { case count = "num_slots" }
        init(from decoder: any Decoder) throws {
            count = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Int.self, forKey: .count) ?? 3
        }
    }

    @Test("Coding keys name the properties, and what is decoded if present is optional")
    func byKeys() throws {
        let root = try JSONSchema(of: Defaulted.self).root
        #expect(root["properties"] == ["num_slots": ["type": "integer"]])
        #expect(root["required"] == nil)
    }

    private final class Tree: Decodable { var children: [Tree] = [] }
    private enum Bare: String, Decodable { case one }
    private struct HasBare: Decodable { var bare: Bare }
    private struct Misdescribed: Decodable, DescribedProperties {
        var city: String
        static let properties: [String: JSON] = ["town": "Where"]
    }

    @Test("What a schema cannot be derived of is refused, with its place")
    func refuses() {
        #expect(throws: JSONSchemaError.self) { try JSONSchema(of: Tree.self) }
        #expect { try JSONSchema(of: HasBare.self) } throws: { "\($0)".contains("HasBare.bare cannot be derived") }
        #expect { try JSONSchema(of: Misdescribed.self) } throws: {
            "\($0)" == "JSON Schema: Misdescribed.town is described and is no property"
        }
    }
}

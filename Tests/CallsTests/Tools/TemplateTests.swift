import Platform
import Testing

@testable import Calls

@Suite("Templates of custom tools") struct TemplateTests {
    private let secrets = ["KEY": Secret("s3cret")]

    @Test("Places take arguments and secrets, doubled braces are braces")
    func fills() throws {
        let template = try TextTemplate("a {x} ${KEY} {{b}} $5 {y}")
        #expect(
            template.filled(with: ["x": 3, "y": ["k": true]], secrets: secrets) == #"a 3 s3cret {b} $5 {"k":true}"#)
        #expect(template.filled(with: [:], secrets: [:]) == "a   {b} $5 ")
        #expect(template.arguments == ["x", "y"] && template.secrets == ["KEY"])
    }

    @Test("What an argument holds is never read as a template", arguments: ["{y}", "${KEY}", "}}", "{"])
    func fillsOnce(_ value: String) throws {
        #expect(try TextTemplate("{x}").filled(with: ["x": .string(value), "y": "z"], secrets: secrets) == value)
    }

    @Test(
        "A brace without its other, or around what is no name, is a mistake",
        arguments: ["{", "a}", "{a b}", "{}", "${", "{1}"])
    func refuses(_ text: String) {
        #expect(throws: TextTemplate.Mistake.self) { try TextTemplate(text) }
    }

    @Test("In a body an argument alone keeps its type, and one that is not given leaves its member out")
    func fillsBodies() throws {
        let body = JSONTemplate.object([
            "count": .text(try TextTemplate("{count}")), "note": .text(try TextTemplate("n: {note}")),
            "gone": .text(try TextTemplate("{gone}")), "list": .array([.text(try TextTemplate("{gone}")), .value(1)]),
        ])
        #expect(
            body.filled(with: ["count": 7, "note": "a\"b"], secrets: [:])
                == ["count": 7, "note": "n: a\"b", "list": [nil, 1]])
    }

    @Test("A result is taken from the places that are named")
    func mapsResults() throws {
        let answer: JSON = ["data": ["items": [["name": "Ana"]], "n": 0]]
        func place(_ path: String) throws -> JSONPath { try #require(JSONPath(path)) }
        #expect(ResultMapping.place(try place("$.data.items[0].name")).apply(to: answer) == "Ana")
        #expect(ResultMapping.place(try place("$")).apply(to: answer) == answer)
        #expect(ResultMapping.place(try place("$.data.items[1].name")).apply(to: answer) == nil)
        let both = ResultMapping.places(["name": try place("$.data.items[0].name"), "other": try place("$.x")])
        #expect(both.apply(to: answer) == ["name": "Ana", "other": nil])
        #expect(both.apply(to: ["error": "none"]) == nil)
        for wrong in ["", "data", "$data", "$.", "$..a", "$[", "$[a]", "$[0", "$.a[-1]", "$]"] {
            #expect(JSONPath(wrong) == nil)
        }
    }
}

import Agents
import FoundationEssentials
import HTTP
import Platform
import TestSupport
import Testing

@testable import Calls

@Suite("The tools file") struct ToolsFileTests {
    private typealias Text = ToolsFileText

    @Test("Each file that the page shows is one that the reader takes as it stands")
    func pageExamples() throws {
        let blocks = try DocumentationPage("tools.md").blocks(of: "json")
        #expect(blocks.count == 2)
        for block in blocks {
            let definitions = try Text.read(try JSON(parsing: block), secrets: ["CRM_TOKEN": "t"])
            #expect(definitions.systemTools.map(\.kind) == SystemToolDefinition.Kind.allCases)
        }
        let tool = try #require(try Text.read(JSON(parsing: blocks[0]), secrets: ["CRM_TOKEN": "t"]).customTools.first)
        #expect(tool.isEnabled && tool.tool.name == "find_customer" && tool.method == "GET")
        let renamed = try Text.read(JSON(parsing: blocks[1]))
        #expect(renamed.enabled(.disconnect)?.name == "colgar" && renamed.enabled(.openURL) == nil)
    }

    @Test("Without system_tools a file leaves the program's own as they are, and their names are taken all the same")
    func needsNoSystemTools() throws {
        let definitions = try Text.read(["tools": [Text.tool()]])
        #expect(definitions.systemTools == ToolDefinitions.standard.systemTools)
        #expect(definitions.customTools.map(\.tool.name) == ["find_customer"])
        #expect(
            Text.problems(["tools": [Text.tool(["name": "abrirEnlace", "id": "system_disconnect"])]]) == [
                "$.tools[0].name is taken by a tool of the program", "$.tools[0].id is taken by a tool of the program",
            ])
        #expect(!Text.problems(["system_tools": .null, "tools": []]).isEmpty)
    }

    @Test("A system tool may get another name and description, and may be switched off")
    func customizesSystemTools() throws {
        let renamed = Text.disconnect.with([
            "name": "finalizarConversacion", "description": "Solo cuando diga «colgar».",
        ])
        let definitions = try Text.read(Text.file(system: [renamed, Text.openURL.with(["enabled": false])]))
        let hangUp = try #require(definitions.enabled(.disconnect))
        #expect(hangUp.name == "finalizarConversacion" && hangUp.description == "Solo cuando diga «colgar».")
        #expect(definitions.enabled(.openURL) == nil)
    }

    @Test(
        "What is fixed in a system tool cannot be changed",
        arguments: [
            ("id", JSON.string("system_other"), "$.system_tools[1].id must be system_disconnect or system_open_url"),
            ("system", false, "$.system_tools[1].system must stay true"),
            ("type", "disconnect", "$.system_tools[1].type must stay open_url"),
            (
                "parameters", ["type": "object", "properties": ["link": ["type": "string"]], "required": ["link"]],
                "$.system_tools[1].parameters must stay as it is"
            ),
            (
                "parameters", ["type": "object", "properties": ["url": ["type": "string"]]],
                "$.system_tools[1].parameters"
            ),
        ] as [(String, JSON, String)])
    func protectsSystemTools(_ field: String, _ value: JSON, _ expected: String) throws {
        let problems = Text.problems(Text.file(system: [Text.disconnect, Text.openURL.with([field: value])]))
        #expect(problems.contains { $0.hasPrefix(expected) }, "\(problems)")
    }

    @Test("No system tool can be removed, named twice, or added", arguments: [0, 1, 2])
    func keepsSystemTools(_ change: Int) {
        let (system, expected): ([JSON], String) =
            switch change {
            case 0: ([Text.disconnect], "$.system_tools lacks system_open_url")
            case 1: ([Text.disconnect, Text.openURL, Text.openURL], "$.system_tools[2].id is taken")
            default:
                (
                    [
                        Text.disconnect, Text.openURL,
                        Text.openURL.with(["id": "system_new", "type": "new", "name": "n"]),
                    ],
                    "$.system_tools[2].id must be"
                )
            }
        let problems = Text.problems(Text.file(system: system))
        #expect(problems.contains { $0.hasPrefix(expected) }, "\(problems)")
    }

    @Test(
        "Each mistake in a custom tool is named with its place and what would be right",
        arguments: [
            (["name": "two words"], "$.tools[0].name must have letters"),
            (["name": "book_meeting"], "$.tools[0].name is taken by a tool of the program"),
            (["name": "abrirEnlace"], "$.tools[0].name is taken by $.system_tools[1]"),
            (["description": " "], "$.tools[0].description must be a text"),
            (["enabled": "yes"], "$.tools[0].enabled must be true or false"),
            (["parameters": ["type": "array"]], "$.tools[0].parameters.type must be object"),
            (
                ["parameters": ["type": "object", "properties": ["number": ["type": "text"]]]],
                "$.tools[0].parameters.properties.number.type must be one or more of"
            ),
            (["url": "crm.example.com/{number}"], "$.tools[0].url must begin with https://"),
            (["url": "https://{number}.example.com/"], "$.tools[0].url must begin with https://"),
            (["url": "https://crm.example.com{number}"], "$.tools[0].url must begin with https://"),
            (["url": "ftp://crm.example.com/{number}"], "$.tools[0].url must be an http or https URL"),
            (["url": "https://crm.example.com/../{number}"], "$.tools[0].url must be an http or https URL"),
            (["url": "https://crm.example.com/{id}"], "$.tools[0].url has a place for {id}"),
            (["url": "https://crm.example.com/{number"], "$.tools[0].url has a “{” that no name"),
            (["url": "http://169.254.169.254/latest/{number}"], "$.tools[0].url cannot be asked: its address is not"),
            (["url": "http://2130706433/{number}"], "$.tools[0].url cannot be asked"),
            (["url": "http://localhost/{number}"], "$.tools[0].url cannot be asked: its name is not"),
            (
                ["url": "https://user:word@crm.example.com/{number}"],
                "$.tools[0].url cannot be asked: it has a user name"
            ),
            (["method": "FETCH"], "$.tools[0].method must be GET, POST, PUT, PATCH or DELETE"),
            (["headers": ["X A": "b"]], "$.tools[0].headers.X A has characters that may not be sent"),
            (["headers": ["X-A": "b\r\nX-B: c"]], "$.tools[0].headers.X-A has characters that may not be sent"),
            (["headers": ["X-A": 5]], "$.tools[0].headers.X-A must be a text"),
            (["headers": ["Authorization": "Bearer ${MISSING}"]], "$.tools[0].headers.Authorization refers to MISSING"),
            (
                ["headers": ["Authorization": "${DATABASE_URL}"]],
                "$.tools[0].headers.Authorization may not use DATABASE_URL"
            ),
            (
                ["headers": ["Authorization": "${OPENAI_FALLBACK_API_KEY}"]],
                "$.tools[0].headers.Authorization may not use OPENAI_FALLBACK_API_KEY"
            ),
            (["body": ["a": "{number}"]], "$.tools[0].body cannot be sent with GET"),
            (["method": "POST", "body": ["a": ["b": "{other}"]]], "$.tools[0].body.a.b has a place for {other}"),
            (["result": "data.name"], "$.tools[0].result must be a path"),
            (["result": ["name": "$.data..name"]], "$.tools[0].result.name must be a path"),
            (["timeout_seconds": 16], "$.tools[0].timeout_seconds must be a number from 1 to 15"),
            (["timeout_seconds": "5"], "$.tools[0].timeout_seconds must be a number from 1 to 15"),
            (["maximum_response_bytes": 10], "$.tools[0].maximum_response_bytes must be a number from 1024 to 1048576"),
            (["method": "POST", "cache_seconds": 5], "$.tools[0].cache_seconds is for GET alone"),
            (["heders": [:]], "$.tools[0].heders is not known here: the fields are body, cache_seconds"),
            (["system": true], "$.tools[0].system must be false"),
        ] as [([String: JSON], String)])
    func findsMistakes(_ changes: [String: JSON], _ expected: String) {
        let problems = Text.problems(Text.file(tools: [Text.tool(changes)]), secrets: ["DATABASE_URL": "secret"])
        #expect(problems.contains { $0.hasPrefix(expected) }, "\(problems)")
        #expect(!problems.joined().contains("word"))
    }

    @Test("The longest tool that a file may have leaves its turn ten seconds for the model")
    func fitsTurns() {
        let longest = Duration.seconds(CustomToolDefinition.timeouts.upperBound)
        #expect(CallSettings().turnBudget - longest >= .seconds(10))
        #expect(CustomToolDefinition.usualTimeout <= longest)
    }

    @Test("Everything that is wrong is told at once, wherever it stands")
    func tellsAllAtOnce() {
        let file = Text.file(
            system: [Text.disconnect.with(["type": "other"])],
            tools: [
                Text.tool(without: "url"), "no tool", Text.tool(["name": "find_customer", "method": 1]),
            ]
        ).with(["extra": 1])
        #expect(
            Text.problems(file).map { String($0.prefix { $0 != " " }) } == [
                "$.system_tools[0].type", "$.system_tools", "$.tools[0].url", "$.tools[1]", "$.tools[2].method",
                "$.tools[2].name", "$.extra",
            ])
    }

    @Test(
        "What is no JSON, no object or too large is refused", arguments: ["{\"tools\": [}", "[]", "", "null", "html"])
    func refusesOtherTexts(_ text: String) {
        let reader = ToolsFileReader(secret: { _ in nil }, destinations: .publicOnly)
        let error = #expect(throws: ToolsFileError.self) { try reader.read(Array(text.utf8)) }
        #expect(error?.problems.allSatisfy { $0.path.hasPrefix("$") } == true)
        #expect(throws: ToolsFileError.self) { try reader.read([UInt8](repeating: 32, count: 2 << 20)) }
    }

    @Test("The file that comes with the program says what the program says without it")
    func shippedFile() throws {
        let file = URL(filePath: TestDatabase.migrations).deletingLastPathComponent().appending(path: "data/tools.json")
        let definitions = try Text.read(try JSON(parsing: Data(contentsOf: file)))
        #expect(definitions.systemTools == ToolDefinitions.standard.systemTools)
        #expect(definitions.customTools.isEmpty)
    }
}

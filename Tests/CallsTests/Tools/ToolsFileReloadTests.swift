import Agents
import FoundationEssentials
import Platform
import Testing

@testable import Calls

@Suite("A tools file that changes") struct ToolsFileReloadTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "tools-\(UUID().uuidString).json").path

    private func write(_ file: JSON) throws { try write(file.text) }

    private func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private func open() throws -> ToolsFile {
        try ToolsFile(path: path, logger: Logger(label: "test", level: .critical)) { _ in nil }
    }

    private func names(_ file: ToolsFile) -> [String] {
        file.definitions.systemTools.map(\.name) + file.definitions.customTools.map(\.tool.name)
    }

    @Test("A change is in force the next time that tools are asked for, without a restart")
    func readsChanges() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(ToolsFileText.file())
        let file = try open()
        #expect(names(file) == ["terminarLlamada", "abrirEnlace"])
        try write(
            ToolsFileText.file(
                system: [ToolsFileText.disconnect.with(["name": "colgar"]), ToolsFileText.openURL],
                tools: [ToolsFileText.tool()]))
        #expect(names(file) == ["colgar", "abrirEnlace", "find_customer"])
    }

    @Test("A file that is broken, or gone, leaves in force what it said before; one that is mended counts")
    func keepsWhatWasGood() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(ToolsFileText.file(tools: [ToolsFileText.tool()]))
        let file = try open()
        let before = ["terminarLlamada", "abrirEnlace", "find_customer"]
        for broken in ["{", "{\"system_tools\": []}", ""] {
            try write(broken)
            #expect(names(file) == before)
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(names(file) == before)
        try write(ToolsFileText.file())
        #expect(names(file) == ["terminarLlamada", "abrirEnlace"])
    }

    @Test("Without a file the program's own tools stand; a file that comes later counts")
    func needsNoFile() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try open()
        #expect(!file.isThere)
        #expect(names(file) == ["terminarLlamada", "abrirEnlace"])
        try write(ToolsFileText.file(tools: [ToolsFileText.tool()]))
        #expect(names(file).last == "find_customer")
        #expect(file.isThere)
    }

    @Test("A file that is broken when the process starts is refused, with everything that is wrong")
    func refusesBrokenStart() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write("{\"system_tools\": [], \"tools\": {}}")
        let error = #expect(throws: ToolsFileError.self) { try open() }
        #expect(error?.problems.map(\.path) == ["$.system_tools", "$.system_tools", "$.tools"])
    }
}

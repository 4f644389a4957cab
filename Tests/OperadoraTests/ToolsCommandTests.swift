import FoundationEssentials
import Platform
import Simulators
import TestSupport
import Testing

@Suite struct ToolsCommandTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "tools-\(UUID().uuidString).json").path

    private func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

    private func shipped() throws -> String {
        let file = URL(filePath: TestDatabase.migrations).deletingLastPathComponent().appending(path: "data/tools.json")
        return try String(contentsOf: file, encoding: .utf8)
    }

    @Test("What is switched off is listed as not offered: a system tool in the file, the routers in the environment")
    func listsDisabled() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let lines = try shipped().split(separator: "\n")
        let place = try #require(lines.firstIndex { $0.contains("\"name\": \"abrirEnlace\"") })
        var changed = lines.map(String.init)
        changed[place + 2].replace("true", with: "false")
        try write(changed.joined(separator: "\n"))
        let run = try await Executable.run(
            "tools", "list", "--json",
            environment: [
                "TOOLS_FILE": path, "MIKROTIK_API_URL": "http://192.168.1.100:5050", "ENABLE_MIKROTIK_TOOLS": "false",
            ])
        let rows = try JSON(parsing: run.output).array ?? []
        let disabled = rows.filter { $0["enabled"] == false }.map { $0["name"]?.string ?? "" }
        #expect(disabled == ["schedule_meeting", "consultar_mikrotik", "abrirEnlace"], "\(run.error)")
    }

    @Test("Every tool is listed, with what it is and whether it is offered; no secret shows")
    func lists() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let tool = """
            "tools": [{"name": "find_customer", "description": "Finds a customer.", "enabled": false,
                "parameters": {"type": "object", "properties": {"number": {"type": "string"}}},
                "url": "https://crm.example.com/customers/{number}", "headers": {"Authorization": "Bearer ${CRM_TOKEN}"}}]
            """
        try write(shipped().replacing("\"tools\": []", with: tool))
        let environment = [
            "TOOLS_FILE": path, "CRM_TOKEN": "hunter2", "MIKROTIK_API_URL": "http://192.168.1.100:5050",
            "TRANSFER_NUMBER": "+525598765432",
        ]
        let run = try await Executable.run("tools", "list", "--json", environment: environment)
        #expect(run.exit == .status(0), "\(run.error)")
        let rows = try JSON(parsing: run.output).array ?? []
        func row(_ name: String) -> JSON? { rows.first { $0["name"]?.string == name } }
        #expect(row("book_meeting")?["kind"] == "program" && row("book_meeting")?["enabled"] == true)
        #expect(row("consultar_mikrotik")?["about"] == "http://192.168.1.100:5050")
        #expect(row("transfer_to_human")?["about"] == "+525598765432")
        #expect(row("abrirEnlace") == ["name": "abrirEnlace", "kind": "system", "enabled": true, "about": "open_url"])
        #expect(row("find_customer")?["about"] == "GET https://crm.example.com:443")
        #expect(row("find_customer")?["enabled"] == false)
        let table = try await Executable.run("tools", "list", environment: environment).output
        #expect(table.hasPrefix("name") && table.contains("find_customer"))
        #expect(!(run.output + table).contains("hunter2"))

        let bare = try await Executable.run("tools", "list", "--json", environment: [:])
        let routers = try JSON(parsing: bare.output).array?.first { $0["name"] == "consultar_mikrotik" }
        #expect(routers?["enabled"] == false && routers?["about"] == "set MIKROTIK_API_URL to offer it")
    }

    @Test("A good file is right, a bad one has each mistake named with its place")
    func checks() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(shipped())
        let good = try await Executable.run("tools", "check", path, environment: [:])
        #expect(good.exit == .status(0) && good.output == "\(path) is right: 0 custom tools.\n")

        try write(
            """
            {"system_tools": [], "tools": [{"name": "a b", "description": "c", "url": "http://10.0.0.1/x"}]}
            """)
        let bad = try await Executable.run("tools", "check", path, environment: [:])
        #expect(bad.exit == .status(1) && bad.output.isEmpty)
        #expect(bad.error.split(separator: "\n").count == 4, "\(bad.error)")
        #expect(bad.error.contains("\(path): $.tools[0].url cannot be asked"))
        let list = try await Executable.run("tools", "list", environment: ["TOOLS_FILE": path])
        #expect(list.exit == .status(1) && list.output.isEmpty)
        let mistakes = bad.error.split(separator: "\n").map { "operadora: \($0)" }
        #expect(list.error.split(separator: "\n").map(String.init) == mistakes)
        let json = try await Executable.run("tools", "check", "--json", environment: ["TOOLS_FILE": path])
        #expect(json.exit == .status(1))
        let report = try JSON(parsing: json.output)
        #expect(report["valid"] == false)
        #expect(
            report["problems"]?.array?.map { $0["path"]?.string ?? "" } == [
                "$.system_tools", "$.system_tools", "$.tools[0].name", "$.tools[0].url",
            ])
        let allowed = try await Executable.run(
            "tools", "check", path, "--json", environment: ["TOOLS_ALLOWED_HOSTS": "10.0.0.0/8"])
        #expect(try JSON(parsing: allowed.output)["problems"]?.array?.count == 3)
    }

    @Test("A file that is not there is no good file, and the help has an example")
    func missing() async throws {
        let run = try await Executable.run("tools", "check", "/nowhere/tools.json", environment: [:])
        #expect(run.exit == .status(1) && run.error.contains("there is no file /nowhere/tools.json"))
        for command in ["list", "check"] {
            #expect(try await Executable.run("tools", command, "--help").output.contains("EXAMPLE"))
        }
    }

    @Test("The doctor asks the router API how it is; of one that is not there it says where to look")
    func doctor() async throws {
        let simulator = SimulatedMikroTik(logger: Logger(label: "test", level: .critical))
        let url = try simulator.start()
        func finding() async throws -> JSON? {
            let run = try await Executable.run("doctor", "--json", environment: ["MIKROTIK_API_URL": url])
            return try JSON(parsing: run.output).array?.first { $0["check"] == "MikroTik" }
        }
        #expect(try await finding()?["state"] == "ok")
        simulator.isHealthy = false
        #expect(try await finding()?["state"] == "failed")
        await simulator.stop()
        let away = try await finding()
        #expect(away?["state"] == "failed")
        #expect(away?.text.contains("look at MIKROTIK_API_URL, and whether the API runs") == true)
    }
}

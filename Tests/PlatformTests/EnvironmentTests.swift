import FoundationEssentials
import Platform
import Testing

@Suite struct EnvironmentTests {
    private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "env-\(UUID())").path
        try Data(text.utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test("Real variables win over the file, and an empty one counts as not set")
    func precedence() throws {
        let environment = try withFile("A=file\nB=file\nC=file\n") {
            try Environment.load(process: ["A": "real", "B": ""], file: $0)
        }
        #expect(environment["A"] == "real")
        #expect(environment["B"] == "file")
        #expect(environment["C"] == "file")
        #expect(environment["D"] == nil)
    }

    @Test(
        "A .env line is read as a shell would",
        arguments: [
            ("A=1", "1"), ("export A = 1 ", "1"), ("A=a b # comment", "a b"), ("A=a#b", "a#b"),
            ("A='a # \"b\"'", "a # \"b\""),
            (#"A="line\n\"two\" \$x" # c"#, "line\n\"two\" $x"), ("A=a=b", "a=b"), ("# A=2\r\nA=1\r", "1"),
        ])
    func line(text: String, value: String) throws {
        #expect(try withFile(text) { try Environment.load(process: [:], file: $0) }["A"] == value)
    }

    @Test("Every unreadable line of a .env file is reported with its number and nothing of its text")
    func badLines() throws {
        let text = "GOOD=1\nsecret-token\n1A=2\nB=\"open\nC='x' y\n"
        let error = #expect(throws: ConfigurationError.self) {
            try withFile(text) { try Environment.load(process: [:], file: $0) }
        }
        let problems = try #require(error?.problems)
        #expect(
            problems.map { $0.split(separator: " ").dropFirst().prefix(2).joined(separator: " ") } == [
                "line 2", "line 3", "line 4", "line 5",
            ])
        #expect(!problems.joined().contains("secret-token"))
    }

    @Test("A missing .env file is no error")
    func missingFile() throws {
        #expect(try Environment.load(process: ["A": "1"], file: "/nonexistent/.env")["A"] == "1")
    }

    private enum Colour: String, CaseIterable { case red, green }

    @Test("All wrong variables are reported at once, each with what would be right")
    func allProblems() {
        var reader = EnvironmentReader(
            Environment([
                "PORT": "70000", "WAIT": "soon", "COLOUR": "blue", "URL": "calls.example.com", "ON": "perhaps",
            ]))
        #expect(reader.integer("PORT", default: 8080, in: 1...65535) == 8080)
        #expect(reader.seconds("WAIT", default: 2.5, in: 0.1...60) == .seconds(2.5))
        #expect(reader.choice("COLOUR", default: Colour.red) == .red)
        _ = reader.url("URL", default: nil)
        _ = reader.bool("ON", default: false)
        _ = reader.required("DATABASE_URL", "a connection string")
        #expect(
            reader.problems == [
                "PORT is \"70000\": it must be a whole number from 1 to 65535, such as 8080",
                "WAIT is \"soon\": it must be a number of seconds from 0.1 to 60, such as 2.5",
                "COLOUR is \"blue\": it must be red or green",
                "URL is \"calls.example.com\": it must be an http or https URL, such as https://calls.example.com",
                "ON is \"perhaps\": it must be true or false",
                "DATABASE_URL is not set: set it to a connection string",
            ])
        #expect(throws: ConfigurationError(problems: reader.problems)) { try reader.finish() }
    }

    @Test("Right values are read and a URL loses its trailing slash")
    func rightValues() throws {
        var reader = EnvironmentReader(Environment(["N": "5", "S": "0.25", "C": "Green", "U": "http://h:1/a/"]))
        #expect(reader.integer("N", default: 1, in: 1...9) == 5)
        #expect(reader.seconds("S", default: 1, in: 0...9) == .milliseconds(250))
        #expect(reader.choice("C", default: Colour.red) == .green)
        #expect(reader.url("U", default: nil) == "http://h:1/a")
        try reader.finish()
    }

    @Test("A login inside a wrong URL is not repeated")
    func urlWithLogin() {
        var reader = EnvironmentReader(Environment(["U": "https://user:hunter2@host"]))
        _ = reader.url("U", default: nil)
        #expect(reader.problems.count == 1 && !reader.problems.joined().contains("hunter2"))
    }

    @Test("A secret does not show when printed, interpolated, debugged or dumped")
    func secret() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        #expect(
            !"\(secret) \(String(reflecting: secret)) \(String(reflecting: [secret])) \(dumped)".contains("hunter2"))
        #expect(secret.reveal() == "hunter2")
    }
}

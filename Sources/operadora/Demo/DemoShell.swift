import FoundationEssentials

/// The environment of the demo's processes, for a shell: commands in it use the demo's database and simulated providers.
enum DemoShell {
    static func script(_ environment: [String: String]) throws -> String {
        let executable = try OwnExecutable.path()
        let exports = environment.filter { !DemoProcesses.inherited.contains($0.key) }.sorted { $0.key < $1.key }
            .map { "export \($0.key)=\(quoted($0.value))" }
        return (exports + ["operadora() { \(quoted(executable)) \"$@\"; }"]).joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "'\\''"))'" }
}

import FoundationEssentials
import Jobs
import Platform
import Testing

@Suite("Keyring")
struct KeyringTests {
    private let good = String(repeating: "A", count: 43) + "="

    @Test("Keys have names and 32 bytes; spaces around them do not matter")
    func names() throws {
        #expect(try Keyring(Secret("2026-11: \(good) , old.1:\(good)")).description == "Keyring(2026-11, old.1)")
        #expect(Keyring().isEmpty)
    }

    @Test(
        "A wrong key is named by its place, with what would be right",
        arguments: [
            ("", "key 1"), ("KEY", "key 1"), (":KEY", "key 1"), ("a b:KEY", "key 1"), ("a:KEY,", "key 2"),
            ("a:KEY,b:c2hvcnQ=", "at 2"), ("a:no base64", "at 1"), ("a:KEY,a:KEY", "key 2 twice"),
            ("a123456789b123456789c123456789d12:KEY", "key 1"), ("\u{e9}:KEY", "key 1"),
        ])
    func wrong(text: String, place: String) {
        let text = text.replacing("KEY", with: good)
        let error = #expect(throws: KeyringError.self) { try Keyring(Secret(text)) }
        #expect(error?.description.contains(place) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("must ") == true)
        #expect(error?.description.contains(good) == false)
    }

    @Test("Printing a keyring shows the names alone")
    func printed() throws {
        var dumped = ""
        let keyring = try Keyring(Secret("name:\(good)"))
        dump(["keys": keyring], to: &dumped)
        #expect(!dumped.contains("bytes"))
        #expect("\(keyring)" == "Keyring(name)")
    }
}

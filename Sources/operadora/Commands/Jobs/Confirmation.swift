import Dispatch

/// Asks the person in front of the terminal.
enum Confirmation {
    /// True without asking when nobody is in front: a script means what it says.
    static func asks(_ question: String) async -> Bool {
        guard Console.standardInputIsTerminal, Console.standardErrorIsTerminal else { return true }
        Console.prompt("\(question) [y/N] ")
        let answer = await withCheckedContinuation { continuation in
            // Reading a line blocks its thread.
            DispatchQueue.global().async { continuation.resume(returning: readLine()) }
        }
        return ["y", "yes"].contains((answer ?? "").lowercased())
    }
}

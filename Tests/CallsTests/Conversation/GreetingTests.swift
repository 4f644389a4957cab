import Testing

@testable import Calls

@Suite("Greeting")
struct GreetingTests {
    private func greeting(_ template: String?, change: (inout TurnState) -> Void = { _ in }) -> String {
        Greeting.text(
            TurnFixtures.state { state in
                state.campaign?.greeting = template
                change(&state)
            })
    }

    @Test(
        "Placeholders are filled with what is known of the lead",
        arguments: [
            ("Hello {name}!", "Hello Ana Ruiz!"), ("Hi {first_name} of {company}.", "Hi Ana of ACME."),
            ("{seats} seats, {campaign}", "12 seats, Spring"), ("No placeholders", "No placeholders"),
            ("Open { brace", "Open { brace"),
        ])
    func fills(_ template: String, _ text: String) { #expect(greeting(template) == text) }

    @Test("What is not known leaves no gap")
    func closesGaps() {
        #expect(greeting("Hello {nickname}, how are you?") == "Hello, how are you?")
        #expect(greeting("Hello {name}!") { $0.lead = nil } == "Hello!")
    }

    @Test("Values are spoken, never read as placeholders")
    func fillsOnce() {
        #expect(greeting("Hello {name}") { $0.lead?.name = "{email}\nX" } == "Hello {email} X")
    }

    @Test("Without a greeting of its own a campaign has one in the call's language", arguments: [nil, "", "  "])
    func hasDefault(_ template: String?) {
        #expect(greeting(template) == "Hello Ana Ruiz, this is a virtual assistant calling. Do you have a moment?")
        #expect(greeting(template) { $0.lead = nil }.hasPrefix("Hello, this"))
    }

    @Test("Who calls us is thanked for it")
    func greetsCallers() {
        #expect(greeting(nil) { $0.call.isInbound = true } == Phrase.greetingToCaller.text(in: .english))
    }
}

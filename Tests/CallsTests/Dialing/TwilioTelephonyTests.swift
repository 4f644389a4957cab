import Providers
import Testing

@testable import Calls

@Suite struct TwilioTelephonyTests {
    private func error(code: Int) -> DialError { DialError(.refused(status: 400, code: code, message: "no")) }

    @Test(
        "A refusal of the account, our number or our URL uses up no lead", arguments: [10_001, 21_205, 21_210, 21_212])
    func account(_ code: Int) {
        guard case .retryLater(after: .seconds(60), let message) = error(code: code) else {
            Issue.record("\(error(code: code))")
            return
        }
        #expect(message.contains("code \(code)") && message.contains("TWILIO_FROM_NUMBER"))
    }

    @Test("A refusal of the lead's number is for good", arguments: [21_211, 21_214, 21_217])
    func number(_ code: Int) {
        #expect(error(code: code) == .refused(code: code, message: "no"))
    }

    @Test(
        "A price is a numeral without its sign; what is none is as if nothing was said",
        arguments: [
            ("-0.0170", "0.0170"), ("0.5", "0.5"), ("12", "12"), ("", nil), ("-", nil), ("free", nil), ("1e400", nil),
            ("-1,5", nil), ("NaN", nil),
        ])
    func price(_ stated: String, _ read: String?) throws {
        var call = TwilioCall(sid: "CA1", status: "completed", to: "+1", from: "+2")
        call.price = stated
        call.durationSeconds = .max
        let made = try ProviderCall(call)
        #expect(made.price == read && made.durationSeconds == nil)
    }
}

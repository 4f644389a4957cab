/// What to do about an intent to dial whose answer is not known: the process died, or the answer was lost.
///
/// The request may still be under way for a while, and the provider's list may lag: that it lists no call is believed only
/// after `settleAfter`. Then nothing was dialled, for certain, and the intent may be taken back.
enum DialRecovery: Sendable, Hashable {
    /// This call is ours.
    case adopt(ProviderCall)
    case lookAgain(after: Duration)
    /// Never dialled: it may be dialled anew.
    case withdraw
    /// Never dialled, as often as it was tried.
    case fail
    /// Nobody can say.
    case uncertain(reason: String)

    /// - Parameters:
    ///   - candidates: the provider's calls between the two numbers that belong to no other call of ours; nil when the
    ///     provider could not say.
    ///   - giveUpAfter: how long a provider that cannot say is asked.
    static func decide(
        candidates: [ProviderCall]?, sinceIntent: Duration, intents: Int, maximumIntents: Int, settleAfter: Duration,
        giveUpAfter: Duration
    ) -> DialRecovery {
        guard let candidates else {
            return sinceIntent < giveUpAfter
                ? .lookAgain(after: .seconds(10))
                : .uncertain(reason: "the provider could not say for \(giveUpAfter.components.seconds) s")
        }
        if candidates.count == 1 { return .adopt(candidates[0]) }
        // A webhook that carries our own id may still settle it.
        guard sinceIntent >= settleAfter else {
            return .lookAgain(
                after: min(settleAfter - sinceIntent, sinceIntent < .seconds(10) ? .seconds(3) : .seconds(10)))
        }
        guard candidates.isEmpty else {
            return .uncertain(reason: "the provider lists \(candidates.count) calls that may be it")
        }
        return intents < maximumIntents ? .withdraw : .fail
    }
}

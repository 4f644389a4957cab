/// What `begin_dial` decided under the locks of the call and its campaign.
enum DialDecision: Sendable, Hashable {
    /// The intent is committed with the transaction: ask the provider.
    case dial
    /// It has given its slots back: after so long its job waits for others.
    case wait(Duration, reason: String)
    /// It has ended without a dial.
    case doNotCall
    /// It was dialled, or has ended, before.
    case notQueued
}

/// An outbound call on its way to being dialled.
struct Dial: Sendable, Hashable {
    var callID: Int64
    var status: CallStatus
    var providerCallID: String?
    var to: String
    var from: String
    /// Nil while queued. The exact text of the column: it names the intent.
    var intent: String?
    /// By the database's clock, when the row was read.
    var sinceIntent: Duration
    /// Committed, and not refused.
    var intents: Int
    /// In a row.
    var refusals: Int
    /// It was intended for the provider that this process knows.
    var isOurProviders: Bool
}

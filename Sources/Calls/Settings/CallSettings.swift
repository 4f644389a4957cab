/// How calls are made and talked through. Validated where configuration is read.
public struct CallSettings: Sendable {
    /// The ingress as providers reach it, without a slash at the end.
    public var publicURL = "http://127.0.0.1:8080"
    /// Goes to `calls.provider`: "twilio", "asterisk" or "simulator".
    public var provider = "twilio"
    /// E.164 number that calls come from.
    public var fromNumber = ""
    /// Calls that the provider's account may have under way at a time, 1 or more; nil is any number.
    public var providerConcurrentCalls: Int?
    /// Calls that the provider's account may begin per second, above 0; nil is any number.
    public var providerCallsPerSecond: Double?
    /// en, es or pt, for leads and campaigns without one.
    public var defaultLanguage = "en"
    /// The calendar's zone, and the zone of leads and campaigns without one.
    public var businessTimezone = "UTC"
    /// When meetings may be held, in `businessTimezone`.
    public var businessHours = WeeklyHours.office
    public var calendarID = "primary"
    /// Where mails come from, and the organizer of meetings whose guests are invited by mail.
    public var senderEmail: String?
    /// Where callers book for themselves, by language: what `schedule_meeting` mails. Without any it is not offered.
    public var bookingLinks: [String: String] = [:]
    /// How long the ingress may hold a provider's request while a turn is thought about. Below Twilio's 15 s.
    public var turnHold: Duration = .seconds(10)
    /// How long a turn may think in all, tools included.
    public var turnBudget: Duration = .seconds(25)
    /// A call without news for so long is asked of its provider; also how long a lost dial may still turn up there.
    public var reconcileAfter: Duration = .seconds(60)
    /// How long a phone may ring.
    public var ringTimeout: Duration = .seconds(30)
    /// A call that lasts longer is hung up.
    public var maximumCallDuration: Duration = .seconds(1_800)
    /// How often a dial that certainly never reached the provider is attempted anew.
    public var maximumDialIntents = 3
    /// Price of a million prompt tokens, in `currency`; 0 leaves the model out of a call's cost.
    public var promptTokenPrice = 0.0
    /// Price of a million completion tokens, in `currency`.
    public var completionTokenPrice = 0.0
    /// ISO 4217 code of the token prices. Where configuration is read they are in US dollars.
    public var currency = "USD"

    public init() {}
}

public import Calls
public import Platform

/// What the ingress needs to know beside the database.
public struct IngressConfiguration: Sendable {
    /// `publicURL` is what providers call and sign, `turnHold` how long a request is held, languages and zones are for
    /// calls that have none yet.
    public var settings: CallSettings
    /// The key of Twilio's signatures. Without one every webhook of Twilio's is refused.
    public var twilioAuthToken: Secret?
    /// Of whoever may use `/api`. Without one every request there is refused.
    public var apiTokens: [Secret]
    /// Tools that are waited for at once, in this process.
    public var maximumWaitingTools = 64
    /// How long `/health` waits for the database.
    public var healthLimit: Duration = .seconds(2)

    public init(settings: CallSettings, twilioAuthToken: Secret?, apiTokens: [Secret] = []) {
        self.settings = settings
        self.twilioAuthToken = twilioAuthToken
        self.apiTokens = apiTokens
    }
}

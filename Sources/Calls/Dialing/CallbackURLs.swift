/// Where a provider asks and tells about one call. The number of the turn travels in the URL, so a repeated request is
/// recognised.
public struct CallbackURLs: Sendable, Hashable {
    private let base: String
    private let callID: Int64

    public init(publicURL: String, callID: Int64) {
        base = publicURL + "/webhooks/twilio"
        self.callID = callID
    }

    /// Asked when the call is answered.
    public var answer: String { "\(base)/voice?call=\(callID)" }
    /// Told of every change of status.
    public var status: String { "\(base)/status?call=\(callID)" }
    /// Asked with what the caller said, as the utterance of this number.
    public func turn(_ number: Int) -> String { "\(base)/turn?call=\(callID)&turn=\(number)" }
}

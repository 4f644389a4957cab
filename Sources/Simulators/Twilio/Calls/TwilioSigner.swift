import FoundationEssentials
import HTTP
import Platform

/// The signature of Twilio's webhooks: base64 of the HMAC-SHA1 of the URL and the parameters, names and values joined in
/// the order of the names. https://www.twilio.com/docs/usage/security#validating-requests
struct TwilioSigner {
    let authToken: String

    func signature(url: String, parameters: FormFields) -> String {
        let sorted = parameters.fields.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
        let signed = sorted.reduce(url) { $0 + $1.name + $1.value }
        return Data(Cryptography.hmacSHA1(key: authToken.utf8, signed.utf8)).base64EncodedString()
    }
}

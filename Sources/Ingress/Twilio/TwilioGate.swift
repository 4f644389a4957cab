import HTTP
import Platform
import Providers

/// A webhook that Twilio has signed.
struct TwilioWebhook: Sendable {
    let query: FormFields
    let form: FormFields
}

/// Lets nothing through but forms that Twilio has signed for our public URL.
struct TwilioGate: Sendable {
    private let publicURL: String
    private let signature: TwilioSignature?

    init(publicURL: String, authToken: Secret?) {
        self.publicURL = publicURL
        signature = authToken.map { TwilioSignature(authToken: $0) }
    }

    func verified(_ request: HTTPServerRequest) throws(Problem) -> TwilioWebhook {
        guard request.mediaType == "application/x-www-form-urlencoded" else {
            throw .wrongContentType("application/x-www-form-urlencoded")
        }
        guard let signature else {
            throw .badSignature("webhooks cannot be checked: TWILIO_AUTH_TOKEN is not set here")
        }
        guard let claimed = request.headers[TwilioSignature.header] else {
            throw .badSignature("the signature is missing")
        }
        let form = request.form
        guard signature.isValid(claimed, url: publicURL + request.target, form: form) else {
            throw .badSignature("the signature is not that of this form at PUBLIC_URL and this path")
        }
        return TwilioWebhook(query: request.query, form: form)
    }
}

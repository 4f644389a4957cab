import FoundationEssentials
public import Platform

/// A service account's key, as Google's console gives it: a JSON file.
public struct GoogleServiceAccount: Sendable {
    public let clientEmail: String
    public let privateKey: Secret
    /// Which of the account's keys it is; Google finds it without.
    public let privateKeyID: String?
    /// Where tokens are had.
    public let tokenURI: String

    /// Throws `GoogleCredentialsError`, which names the file and what is wrong in it.
    public init(contentsOf file: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: file))
        } catch {
            throw GoogleCredentialsError(
                file: file, problem: "cannot be read; set GOOGLE_CREDENTIALS_FILE to a readable file")
        }
        try self.init(parsing: data, file: file)
    }

    /// - Parameter file: what errors call it.
    public init(parsing data: some Sequence<UInt8>, file: String) throws {
        guard let json = try? JSON(parsing: data), json.object != nil else {
            throw GoogleCredentialsError(file: file, problem: "is not a JSON object")
        }
        guard json["type"]?.string == "service_account" else {
            throw GoogleCredentialsError(
                file: file,
                problem: "has no \"type\": \"service_account\"; create a key of a service account, not of a client")
        }
        clientEmail = try Self.field("client_email", of: json, file)
        privateKey = Secret(try Self.field("private_key", of: json, file))
        privateKeyID = json["private_key_id"]?.string
        tokenURI = json["token_uri"]?.string ?? "https://oauth2.googleapis.com/token"
        guard tokenURI.hasPrefix("https://") || tokenURI.hasPrefix("http://") else {
            throw GoogleCredentialsError(file: file, problem: "has a \"token_uri\" that is not a URL")
        }
        guard Cryptography.signRS256([], privateKeyPEM: privateKey.reveal()) != nil else {
            throw GoogleCredentialsError(
                file: file, problem: "has a \"private_key\" that is not an RSA key in PEM form")
        }
    }

    private static func field(_ name: String, of json: JSON, _ file: String) throws -> String {
        guard let value = json[name]?.string, !value.isEmpty else {
            throw GoogleCredentialsError(file: file, problem: "has no \"\(name)\"")
        }
        return value
    }
}

/// A credentials file that is of no use.
public struct GoogleCredentialsError: Error, Sendable, CustomStringConvertible {
    public let file: String
    public let problem: String
    public var description: String { "Google credentials file \(file) \(problem)" }
}

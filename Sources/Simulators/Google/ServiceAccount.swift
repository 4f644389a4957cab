import FoundationEssentials
import Platform

/// The service account that the simulated Google knows, with its key and what it may do.
struct ServiceAccount: Sendable {
    static let email = "operadora@simulated-project.iam.gserviceaccount.com"
    static let keyID = "5f3c1a9be0d24786a1b2c3d4e5f60718293a4b5c"

    /// One key for all simulators of a process: making it takes OpenSSL a tenth of a second or more.
    private static let key = Cryptography.generateRSAKey()

    let privateKeyPEM: String
    let publicKeyPEM: String

    init() throws {
        guard let key = Self.key else { throw SimulatorError("OpenSSL could not make an RSA key") }
        privateKeyPEM = key.privatePEM
        publicKeyPEM = key.publicPEM
    }

    /// The file that Google's console lets one download, with the simulator's own token endpoint.
    func credentials(baseURL: String) -> JSON {
        [
            "type": "service_account", "project_id": "simulated-project", "private_key_id": .string(Self.keyID),
            "private_key": .string(privateKeyPEM), "client_email": .string(Self.email),
            "client_id": "100000000000000000001", "auth_uri": .string(baseURL + "/o/oauth2/auth"),
            "token_uri": .string(baseURL + "/token"),
            "auth_provider_x509_cert_url": .string(baseURL + "/oauth2/v1/certs"),
            "client_x509_cert_url": .string(baseURL + "/robot/v1/metadata/x509/operadora"),
            "universe_domain": "googleapis.com",
        ]
    }
}

/// A simulator that cannot do what it was asked to do.
public struct SimulatorError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

import CCrypto

/// The few primitives the product needs, from OpenSSL.
public enum Cryptography {
    public static func hmacSHA1(key: some Sequence<UInt8>, _ message: some Sequence<UInt8>) -> [UInt8] {
        hmac(EVP_sha1(), key: Array(key), Array(message))
    }

    public static func hmacSHA256(key: some Sequence<UInt8>, _ message: some Sequence<UInt8>) -> [UInt8] {
        hmac(EVP_sha256(), key: Array(key), Array(message))
    }

    public static func sha256(_ message: some Sequence<UInt8>) -> [UInt8] {
        let message = Array(message)
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        EVP_Digest(message, message.count, &digest, &length, EVP_sha256(), nil)
        return digest
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (JWT's RS256). Returns nil when the PEM holds no usable private key.
    public static func signRS256(_ message: some Sequence<UInt8>, privateKeyPEM: String) -> [UInt8]? {
        let message = Array(message)
        guard let key = readKey(privateKeyPEM, PEM_read_bio_PrivateKey), let context = EVP_MD_CTX_new() else {
            return nil
        }
        defer {
            EVP_PKEY_free(key)
            EVP_MD_CTX_free(context)
        }
        var length = 0
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
            EVP_DigestSign(context, nil, &length, message, message.count) == 1
        else { return nil }
        var signature = [UInt8](repeating: 0, count: length)
        guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else { return nil }
        return Array(signature.prefix(length))
    }

    /// Whether `signature` is the RS256 signature of `message` by the owner of this public key.
    public static func verifyRS256(
        _ message: some Sequence<UInt8>, signature: [UInt8], publicKeyPEM: String
    ) -> Bool {
        let message = Array(message)
        guard let key = readKey(publicKeyPEM, PEM_read_bio_PUBKEY), let context = EVP_MD_CTX_new() else {
            return false
        }
        defer {
            EVP_PKEY_free(key)
            EVP_MD_CTX_free(context)
        }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// A new RSA key pair of so many bits as PEM: PKCS #8 and SubjectPublicKeyInfo. Nil when OpenSSL cannot make one.
    public static func generateRSAKey(bits: Int32 = 2_048) -> (privatePEM: String, publicPEM: String)? {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1,
            EVP_PKEY_keygen(context, &key) == 1, let key
        else { return nil }
        defer { EVP_PKEY_free(key) }
        let privatePEM = writePEM { PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) }
        let publicPEM = writePEM { PEM_write_bio_PUBKEY($0, key) }
        guard let privatePEM, let publicPEM else { return nil }
        return (privatePEM, publicPEM)
    }

    private static func writePEM(_ write: (OpaquePointer) -> Int32) -> String? {
        guard let bio = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { return nil }
        var text = [UInt8](repeating: 0, count: Int(BIO_ctrl_pending(bio)))
        guard BIO_read(bio, &text, Int32(text.count)) == Int32(text.count) else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    /// Compares in time that depends only on the lengths.
    public static func constantTimeEquals(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        let left = Array(left)
        let right = Array(right)
        return left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }

    /// Bytes from the system's cryptographic generator.
    public static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    private static func hmac(_ digest: OpaquePointer?, key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        HMAC(digest, key, Int32(key.count), message, message.count, &result, &length)
        return Array(result.prefix(Int(length)))
    }

    private typealias KeyReader =
        @Sendable (
            OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>?,
            (@convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32)?,
            UnsafeMutableRawPointer?
        ) -> OpaquePointer?

    private static func readKey(_ pem: String, _ read: KeyReader) -> OpaquePointer? {
        pem.withCString { text in
            guard let bio = BIO_new_mem_buf(text, -1) else { return nil }
            defer { BIO_free(bio) }
            return read(bio, nil, nil, nil)
        }
    }
}

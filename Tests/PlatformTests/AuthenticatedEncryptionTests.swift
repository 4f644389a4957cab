import Platform
import Testing

@Suite("AES-256-GCM")
struct AuthenticatedEncryptionTests {
    /// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), which NIST took up.
    private let key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    private let nonce = bytes("cafebabefacedbaddecaf888")
    private let context = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    private let message = bytes(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
    private let sealed = bytes(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" + "76fc6ece0f4e1768cddf8853bb2d551b")

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        stride(from: 0, to: hexadecimal.utf8.count, by: 2).map { offset in
            UInt8(hexadecimal.dropFirst(offset).prefix(2), radix: 16) ?? 0
        }
    }

    @Test("The published test case is sealed and opened as published")
    func published() {
        #expect(Cryptography.seal(message, key: key, nonce: nonce, context: context) == sealed)
        #expect(Cryptography.open(sealed, key: key, nonce: nonce, context: context) == message)
    }

    @Test("Nothing opens after any bit was changed, with another key, nonce or context, or cut short")
    func changed() {
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1 << (index % 8)
            #expect(Cryptography.open(changed, key: key, nonce: nonce, context: context) == nil)
        }
        let zeros = [UInt8](repeating: 0, count: 32)
        #expect(Cryptography.open(sealed, key: zeros, nonce: nonce, context: context) == nil)
        #expect(Cryptography.open(sealed, key: key, nonce: Array(zeros.prefix(12)), context: context) == nil)
        #expect(Cryptography.open(sealed, key: key, nonce: nonce, context: []) == nil)
        #expect(Cryptography.open(Array(sealed.prefix(15)), key: key, nonce: nonce, context: context) == nil)
        #expect(Cryptography.open(sealed, key: key, nonce: [], context: context) == nil)
    }

    @Test("An empty message has a tag alone, and opens")
    func empty() {
        let sealed = Cryptography.seal([], key: key, nonce: nonce, context: context)
        #expect(sealed?.count == 16)
        #expect(sealed.flatMap { Cryptography.open($0, key: key, nonce: nonce, context: context) } == [])
    }
}

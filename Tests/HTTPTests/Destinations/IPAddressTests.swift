import Testing

@testable import HTTP

@Suite struct IPAddressTests {
    @Test(
        "An address that is not anybody's server on the internet is not public",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
            "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
            "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250",
            "240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254",
            "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::10.0.0.1",
            "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fec0::1", "100::1",
        ])
    func special(_ text: String) throws {
        #expect(try !#require(IPAddress(text)).isPublic)
    }

    @Test(
        "An address of the internet is public",
        arguments: [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
            "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "198.17.255.255", "198.20.0.0",
            "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
        ])
    func ordinary(_ text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic)
    }

    @Test("A block holds the addresses that share its bits, and no other")
    func blocks() throws {
        let block = try #require(AddressBlock("10.1.128.0/17"))
        for (address, isInside) in [
            ("10.1.128.0", true), ("10.1.255.255", true), ("10.1.127.255", false), ("10.2.128.0", false),
            ("::ffff:10.1.200.1", true), ("fd00::1", false),
        ] {
            #expect(block.contains(try #require(IPAddress(address))) == isInside)
        }
        #expect(try #require(AddressBlock("0.0.0.0/0")).contains(try #require(IPAddress("8.8.8.8"))))
        for wrong in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "fd00::/129", "host/8", ""] {
            #expect(AddressBlock(wrong) == nil)
        }
    }
}

/// Made-up people with numbers that nobody has, as a CSV file like those that users have: several countries,
/// languages and ways of writing a number.
struct DemoLeads {
    let count: Int

    /// Numbers without a country code are of this country.
    static let country = "US"

    var csv: String {
        (0..<count).reduce(into: "Name,Phone,E-mail,Language,Time zone,Company,Notes\r\n") { text, index in
            text += row(index) + "\r\n"
        }
    }

    private func row(_ index: Int) -> String {
        let people = Self.people[index % Self.people.count]
        let round = index / Self.people.count
        let first = people.firstNames[round % people.firstNames.count]
        let last = people.lastNames[(round / people.firstNames.count + index) % people.lastNames.count]
        let notes = index % 7 == 3 ? "\"met at the fair,\r\nasked for pricing\"" : ""
        return [
            "\(first) \(last)", "\"\(people.phone(round))\"", "lead\(index + 1)@example.com", people.language,
            people.timezone, "\"\(last), \(first.prefix(1)). & Co\"", notes,
        ].joined(separator: ",")
    }

    private struct People: Sendable {
        let language: String
        let timezone: String
        let firstNames: [String]
        let lastNames: [String]
        /// The n-th number of the country.
        let phone: @Sendable (Int) -> String
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static let people = [
        People(
            language: "en", timezone: "America/New_York", firstNames: ["Chris", "Lisa", "Kevin", "Alyssa", "Mason"],
            lastNames: ["Curtis", "Crawford", "Bauer", "Lewis", "Davenport", "Young", "Rios"],
            phone: { "(212) \(200 + $0 / 10_000)-\(padded($0 % 10_000, 4))" }),
        People(
            language: "es", timezone: "America/Mexico_City", firstNames: ["Catalina", "Zeferino", "Paola", "Itzel"],
            lastNames: ["Ortega Arriaga", "Verduzco", "Baeza", "Muñoz", "Peña Ibarra"],
            phone: { "+52 55 5\(padded($0, 7))" }),
        People(
            language: "pt", timezone: "America/Sao_Paulo", firstNames: ["João", "Conceição", "Luiz Otávio", "Lívia"],
            lastNames: ["Câmara", "Gonçalves", "Araújo", "Fogaça", "Sá"],
            phone: { "+55 11 9\(padded(80_000_000 + $0, 8))" }),
        People(
            language: "en", timezone: "Europe/London", firstNames: ["Rhys", "Hollie", "Clive", "Alison", "Neil"],
            lastNames: ["O'Brien", "Hamilton", "Wright-Jackson", "Murray", "Patel", "Simmons"],
            phone: { "+44 20 7\(padded($0, 7))" }),
        People(
            language: "es", timezone: "Europe/Madrid", firstNames: ["Bárbara", "Aarón", "Nieves", "Américo"],
            lastNames: ["Prat Asensio", "Corbacho", "Salinas-Luís", "Núñez", "Otero"],
            phone: { "+34 91\(padded(5_000_000 + $0, 7))" }),
    ]
}

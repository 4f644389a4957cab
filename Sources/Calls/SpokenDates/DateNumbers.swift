/// Numbers in words, to 59: days of a month, hours, minutes, lengths of time.
extension DateLexicon {
    static let numbers: [String: [DateWord]] = {
        var words = cardinals.mapValues(number)
        for (word, value) in ordinals { words[word] = ordinal(value) }
        for (tens, value) in tens {
            for (unit, rest) in unitsAfterTens { words["\(tens) \(unit)"] = number(value + rest) }
            for (unit, rest) in englishOrdinalUnits { words["\(tens) \(unit)"] = ordinal(value + rest) }
        }
        return words
    }()

    private static let cardinals = counted(
        "zero cero", "one uno una un uma um", "two dos dois duas", "three tres", "four cuatro quatro", "five cinco",
        "six seis", "seven siete sete", "eight ocho oito", "nine nueve nove", "ten diez dez", "eleven once onze",
        "twelve doce doze", "thirteen trece treze", "fourteen catorce catorze quatorze", "fifteen quince quinze",
        "sixteen dieciseis dezesseis dezasseis", "seventeen diecisiete dezessete dezassete",
        "eighteen dieciocho dezoito", "nineteen diecinueve dezenove dezanove", "twenty veinte vinte",
        "veintiuno veintiun veintiuna", "veintidos", "veintitres", "veinticuatro", "veinticinco", "veintiseis",
        "veintisiete", "veintiocho", "veintinueve", "thirty treinta trinta"
    ).merging([
        "couple": 2, "couple of": 2, "a couple of": 2, "un par de": 2, "um par de": 2, "forty": 40, "cuarenta": 40,
        "quarenta": 40, "fifty": 50, "cincuenta": 50, "cinquenta": 50,
    ]) { $1 }

    private static let ordinals = counted(
        "", "first primero primer primeiro", "", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
        "eighteenth", "nineteenth", "twentieth"
    ).merging(["thirtieth": 30]) { $1 }

    private static let tens = [
        "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "treinta y": 30, "cuarenta y": 40, "cincuenta y": 50,
        "veinte y": 20, "vinte e": 20, "trinta e": 30, "quarenta e": 40, "cinquenta e": 50,
    ]

    private static let unitsAfterTens = counted(
        "", "one uno un una um uma", "two dos dois duas", "three tres", "four cuatro quatro", "five cinco", "six seis",
        "seven siete sete", "eight ocho oito", "nine nueve nove")

    private static let englishOrdinalUnits = counted(
        "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")

    /// The words of the nth text mean n.
    private static func counted(_ texts: String...) -> [String: Int] {
        var values: [String: Int] = [:]
        for (value, text) in texts.enumerated() {
            for word in text.split(separator: " ") { values[String(word)] = value }
        }
        return values
    }
}

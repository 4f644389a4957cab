/// A word or phrase of a spoken date, by what it means. The grammar works on these, whatever the language was.
enum DateWord: Hashable {
    /// `digits` is 0 for a number in words; an ordinal is "3rd" or "third".
    case number(Int, digits: Int, isOrdinal: Bool)
    /// 0 for Monday … 6 for Sunday.
    case weekday(Int)
    /// 1 … 12. Short names are only months beside a number: "mar", "set", "out" and "may" are other words as well.
    case month(Int, isShort: Bool)
    case dayOffset(Int)
    /// Today, but behind a weekday only the coming one: "sexta agora".
    case now
    /// 1 for the first … of a kind: "primera", "terceira". Ordinals that may be days of the month are numbers.
    case nth(Int)
    /// Of a month: "último día".
    case lastDay
    /// "the Tuesday after next".
    case afterNext
    /// The week after the next one has 2.
    case weekOffset(Int)
    case unit(Unit)
    case this, next, last
    case part(PartOfDay)
    /// Spanish "mañana" where it may be tomorrow or the morning.
    case manana
    case am, pm, noon, midnight
    /// Before a clock time: "at", "a las", "às".
    case at
    case after, before
    /// "h", "hrs", "horas"; "o'clock", "en punto".
    case hours
    case minutes
    case half, quarter, past, minus
    /// "to" as in "Monday to Friday" and "ten to three"; Spanish and Portuguese "para" only as in the latter.
    case to, minutesTo
    case and, or
    /// "in" before a length of time: "dentro de", "daqui a". Between them and a part of the day it means nothing.
    case `in`
    case from
    case of, the, on
    case ago
    case early, middle, late
    case negation
    /// A separator that matters: `: / - . + T Z`.
    case symbol(Character)
    case other(String)

    enum Unit: Hashable { case day, week, weekend, month }
}

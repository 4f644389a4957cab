import Calls
import FoundationEssentials
import Platform
import Testing

/// Expressions and what they mean on Wednesday, 7 January 2026, 10:20 in Mexico City.
///
/// Expected: a day, "first..last" when every day between is meant, days joined by "+", then a part of the day or a time;
/// "!" and a reason for a refusal.
enum SpokenDateTable {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let expected: String
        init(_ text: String, _ expected: String) {
            self.text = text
            self.expected = expected
        }
        var testDescription: String { "“\(text)”" }

        func check(_ language: String, sourceLocation: SourceLocation = #_sourceLocation) {
            guard let zone = Zone(identifier: "America/Mexico_City") else {
                Issue.record("tzdata is not installed")
                return
            }
            let dates = SpokenDates(language: language, zone: zone, now: Date(timeIntervalSince1970: 1_767_802_800))
            let found = shown { () throws(SpokenDateRefusal) in try dates.understand(text) }
            #expect(found == expected, "“\(text)” in \(language)", sourceLocation: sourceLocation)
        }
    }

    static func shown(_ understand: () throws(SpokenDateRefusal) -> SpokenDate) -> String {
        do {
            let date = try understand()
            var text = shown(date.days)
            if let minute = date.minuteOfDay {
                text += " \(padded(minute / 60)):\(padded(minute % 60))"
            } else if let part = date.partOfDay {
                text += " \(part)"
            }
            return text
        } catch {
            return "!\(error.reason.rawValue)"
        }
    }

    private static func shown(_ days: [CivilTime]) -> String {
        let names = days.map { "\($0.year)-\(padded($0.month))-\(padded($0.day))" }
        guard let first = days.first, let last = days.last, days.count > 1 else { return names.joined() }
        let isWhole = last.daysSince1970 - first.daysSince1970 == days.count - 1
        return isWhole && days.count > 2 || isWhole && first.weekday == 5
            ? "\(names[0])..\(names[names.count - 1])" : names.joined(separator: "+")
    }

    private static func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }

    /// One line each: the expression, " = ", the meaning.
    private static func rows(_ text: String) -> [Row] {
        text.split(separator: "\n").map { line in
            let sides = line.split(separator: " = ", maxSplits: 1)
            return Row(
                sides[0].trimmingCharacters, sides.count > 1 ? sides[1].trimmingCharacters : "(no meaning given)")
        }
    }

    static let english = rows(
        """
        today = 2026-01-07
        tomorrow = 2026-01-08
        Tomorrow = 2026-01-08
        the day after tomorrow = 2026-01-09
        tonight = 2026-01-07 evening
        this afternoon = 2026-01-07 afternoon
        this evening = 2026-01-07 evening
        this morning = 2026-01-07 morning
        tomorrow morning = 2026-01-08 morning
        tomorrow in the morning = 2026-01-08 morning
        tomorrow afternoon = 2026-01-08 afternoon
        tomorrow evening = 2026-01-08 evening
        tomorrow night = 2026-01-08 evening
        tomorrow at 3pm = 2026-01-08 15:00
        tomorrow at 3 p.m. = 2026-01-08 15:00
        tomorrow at 3 = 2026-01-08 15:00
        tomorrow at 9 = 2026-01-08 09:00
        tomorrow at noon = 2026-01-08 12:00
        tomorrow at half past two = 2026-01-08 14:30
        tomorrow at quarter to three = 2026-01-08 14:45
        tomorrow at quarter past nine = 2026-01-08 09:15
        tomorrow at ten to four = 2026-01-08 15:50
        tomorrow at two thirty = 2026-01-08 14:30
        tomorrow at two thirty in the afternoon = 2026-01-08 14:30
        tomorrow at 8 in the evening = 2026-01-08 20:00
        tomorrow at 9 o'clock = 2026-01-08 09:00
        tomorrow at 15:30 = 2026-01-08 15:30
        tomorrow at 3:30 = 2026-01-08 15:30
        tomorrow at 03:30 = 2026-01-08 03:30
        tomorrow at 12:30 am = 2026-01-08 00:30
        tomorrow between 2 and 4 pm = 2026-01-08 14:00
        tomorrow from two to four pm = 2026-01-08 14:00
        tomorrow from 9 to 11 = 2026-01-08 09:00
        tomorrow from 11 to 1 pm = 2026-01-08 11:00
        tomorrow 9am-5pm = 2026-01-08 09:00
        tomorrow after 3 = 2026-01-08 15:00
        tomorrow before noon = 2026-01-08 morning
        tomorrow before 5 pm = 2026-01-08
        at 25:00 tomorrow = !no_such_time
        at 10:75 tomorrow = !no_such_time
        in the afternoon = 2026-01-07 afternoon
        at 3pm = 2026-01-07 15:00
        at 9am = 2026-01-08 09:00
        tuesday = 2026-01-13
        next Tuesday = 2026-01-13
        on Tuesday = 2026-01-13
        this Tuesday = 2026-01-13
        wednesday = 2026-01-14
        next Wednesday = 2026-01-14
        this wednesday = 2026-01-07
        thursday = 2026-01-08
        next thursday = 2026-01-08
        this Friday = 2026-01-09
        coming friday = 2026-01-09
        this coming friday = 2026-01-09
        Friday afternoon = 2026-01-09 afternoon
        friday 3pm = 2026-01-09 15:00
        Friday at 3:30 pm = 2026-01-09 15:30
        Friday 9 in the morning = 2026-01-09 09:00
        fri = 2026-01-09
        last friday = !past
        monday next week = 2026-01-12
        friday next week = 2026-01-16
        next week on Friday = 2026-01-16
        tuesday of next week = 2026-01-13
        Tuesday or Thursday next week = 2026-01-13+2026-01-15
        tuesday or thursday = 2026-01-08+2026-01-13
        monday to wednesday = 2026-01-12..2026-01-14
        monday through friday = 2026-01-12..2026-01-16
        from friday to tuesday = 2026-01-09..2026-01-13
        next week = 2026-01-12..2026-01-16
        next week in the morning = 2026-01-12..2026-01-16 morning
        the week after next = 2026-01-19..2026-01-23
        this week = 2026-01-07..2026-01-09
        last week = !past
        early next week = 2026-01-12+2026-01-13
        late next week = 2026-01-15+2026-01-16
        end of next week = 2026-01-15+2026-01-16
        in two weeks = 2026-01-21
        in 2 weeks = 2026-01-21
        two weeks from now = 2026-01-21
        in a week = 2026-01-14
        a week from today = 2026-01-14
        a week from tomorrow = 2026-01-15
        a week from Friday = 2026-01-16
        two weeks from friday = 2026-01-23
        in two weeks on Tuesday = 2026-01-20
        in 3 days = 2026-01-10
        in three days = 2026-01-10
        in ten days at 4 pm = 2026-01-17 16:00
        3 days from now = 2026-01-10
        3 days ago = !past
        in a month = 2026-02-07
        in three months = !too_far
        next month = 2026-02-01..2026-02-28
        early next month = 2026-02-01..2026-02-10
        in February = 2026-02-01..2026-02-28
        mid-february = 2026-02-11..2026-02-18
        the weekend = 2026-01-10..2026-01-11
        this weekend = 2026-01-10..2026-01-11
        next weekend = 2026-01-17..2026-01-18
        the 15th = 2026-01-15
        on the 15th = 2026-01-15
        the 3rd = 2026-02-03
        the fifteenth = 2026-01-15
        the twenty-first = 2026-01-21
        the twenty second at 10 = 2026-01-22 10:00
        the 15th or the 16th = 2026-01-15+2026-01-16
        thursday the 15th = 2026-01-15
        friday the 13th = 2026-02-13
        the 15th of next month = 2026-02-15
        the 30th of next month = !no_such_day
        January 15 = 2026-01-15
        January 15th at 2pm = 2026-01-15 14:00
        jan 15 = 2026-01-15
        Jan. 15th, 2026 = 2026-01-15
        15 January = 2026-01-15
        15th of January 2026 = 2026-01-15
        the fifteenth of january = 2026-01-15
        January fifteenth = 2026-01-15
        January twenty first at half past ten = 2026-01-21 10:30
        March 3rd = 2026-03-03
        March 3rd in the afternoon = 2026-03-03 afternoon
        January 20-22 = 2026-01-20..2026-01-22
        January 20 to 22 = 2026-01-20..2026-01-22
        from the 20th to the 22nd of January = 2026-01-20..2026-01-22
        between January 20 and 21 = 2026-01-20+2026-01-21
        Friday, January 9 = 2026-01-09
        Friday, January 9 at 2:00 PM = 2026-01-09 14:00
        Friday, January 10 = !weekday_mismatch
        January 5 = !past
        January 5th, 2026 = !past
        December 1 = !too_far
        May 3 = !too_far
        February 30 = !no_such_day
        2026-02-30 = !no_such_day
        2026-13-01 = !no_such_day
        2026-01-15 = 2026-01-15
        2026-01-15 morning = 2026-01-15 morning
        2026-01-15 14:00 = 2026-01-15 14:00
        2026-01-15T14:00 = 2026-01-15 14:00
        2026-01-15T14:00:00 = 2026-01-15 14:00
        2026-01-15T14:00:00-06:00 = 2026-01-15 14:00
        2026-01-15T20:00:00Z = 2026-01-15 14:00
        2026-01-15T25:00:00Z = !no_such_time
        2026/01/15 = 2026-01-15
        2025-12-31 = !past
        2027-01-01 = !too_far
        1/15 = 2026-01-15
        2/3 = 2026-02-03
        25/1 = 2026-01-25
        1/15/2026 = 2026-01-15
        01/15/26 at 3pm = 2026-01-15 15:00
        yesterday = !past
        could we do tuesday, please? = 2026-01-13
        I'd like to meet on Tuesday at 3 = 2026-01-13 15:00
        as soon as possible = 2026-01-07
        before friday = 2026-01-07+2026-01-08
        after friday = 2026-01-10
        the day that suits you = !not_understood
        not tuesday = !not_understood
        whenever = !not_understood
        """)

    static let spanish = rows(
        """
        hoy = 2026-01-07
        hoy por la tarde = 2026-01-07 afternoon
        hoy en la noche = 2026-01-07 evening
        esta tarde = 2026-01-07 afternoon
        esta noche = 2026-01-07 evening
        esta mañana = 2026-01-07 morning
        mañana = 2026-01-08
        manana = 2026-01-08
        mañana por la mañana = 2026-01-08 morning
        mañana en la mañana = 2026-01-08 morning
        mañana a la mañana = 2026-01-08 morning
        mañana por la tarde = 2026-01-08 afternoon
        mañana a la tarde = 2026-01-08 afternoon
        mañana por la noche = 2026-01-08 evening
        mañana temprano = 2026-01-08
        mañana a las 3 = 2026-01-08 15:00
        mañana a las tres = 2026-01-08 15:00
        mañana a las 15 = 2026-01-08 15:00
        mañana a las 15:30 = 2026-01-08 15:30
        mañana a las 9 de la mañana = 2026-01-08 09:00
        mañana a las nueve y media = 2026-01-08 09:30
        mañana a las tres y media de la tarde = 2026-01-08 15:30
        mañana a las tres y cuarto = 2026-01-08 15:15
        mañana a las cuatro menos cuarto = 2026-01-08 15:45
        mañana a las diez y veinte = 2026-01-08 10:20
        mañana a un cuarto para las cuatro = 2026-01-08 15:45
        mañana a las 8 de la noche = 2026-01-08 20:00
        mañana a la una = 2026-01-08 13:00
        mañana al mediodía = 2026-01-08 12:00
        mañana a las 10 en punto = 2026-01-08 10:00
        mañana a las 16 horas = 2026-01-08 16:00
        mañana entre las 2 y las 4 = 2026-01-08 14:00
        mañana de 9 a 11 am = 2026-01-08 09:00
        mañana después de las 4 = 2026-01-08 16:00
        mañana antes del mediodía = 2026-01-08 morning
        mañana a las 25 = !no_such_time
        pasado mañana = 2026-01-09
        pasado manana por la tarde = 2026-01-09 afternoon
        pasado mañana por la mañana = 2026-01-09 morning
        por la mañana = 2026-01-07 morning
        por la tarde = 2026-01-07 afternoon
        a las 5 de la tarde = 2026-01-07 17:00
        el martes = 2026-01-13
        martes = 2026-01-13
        el próximo martes = 2026-01-13
        el martes que viene = 2026-01-13
        el martes próximo = 2026-01-13
        este martes = 2026-01-13
        el miércoles = 2026-01-14
        el próximo miércoles = 2026-01-14
        este miércoles = 2026-01-07
        el jueves que viene = 2026-01-08
        este viernes = 2026-01-09
        el viernes por la tarde = 2026-01-09 afternoon
        el viernes a la mañana = 2026-01-09 morning
        el viernes en la mañana = 2026-01-09 morning
        el viernes a las 4 = 2026-01-09 16:00
        viernes 9 de la mañana = 2026-01-09 09:00
        viernes a las 12 = 2026-01-09 12:00
        el sábado = 2026-01-10
        el domingo por la noche = 2026-01-11 evening
        el martes pasado = !past
        el pasado martes = !past
        el martes de la próxima semana = 2026-01-13
        el viernes de la semana que viene = 2026-01-16
        la semana que viene, el jueves = 2026-01-15
        jueves próxima semana = 2026-01-15
        martes o jueves = 2026-01-08+2026-01-13
        martes o jueves de la próxima semana = 2026-01-13+2026-01-15
        martes y jueves de la próxima semana = 2026-01-13+2026-01-15
        de lunes a miércoles = 2026-01-12..2026-01-14
        la próxima semana = 2026-01-12..2026-01-16
        la proxima semana = 2026-01-12..2026-01-16
        la semana próxima = 2026-01-12..2026-01-16
        la semana que viene = 2026-01-12..2026-01-16
        la semana entrante = 2026-01-12..2026-01-16
        la siguiente semana = 2026-01-12..2026-01-16
        la próxima semana por la mañana = 2026-01-12..2026-01-16 morning
        la semana que viene por la tarde = 2026-01-12..2026-01-16 afternoon
        a principios de la próxima semana = 2026-01-12+2026-01-13
        a finales de la próxima semana = 2026-01-15+2026-01-16
        esta semana = 2026-01-07..2026-01-09
        la semana pasada = !past
        en dos semanas = 2026-01-21
        dentro de dos semanas = 2026-01-21
        dentro de una semana = 2026-01-14
        en 3 días = 2026-01-10
        en tres dias = 2026-01-10
        dentro de quince días = 2026-01-22
        hace falta que sea en 8 días = 2026-01-15
        en un mes = 2026-02-07
        dentro de tres meses = !too_far
        el próximo mes = 2026-02-01..2026-02-28
        el mes que viene = 2026-02-01..2026-02-28
        a fin de mes = 2026-01-21..2026-01-31
        a mediados de febrero = 2026-02-11..2026-02-18
        en febrero = 2026-02-01..2026-02-28
        el fin de semana = 2026-01-10..2026-01-11
        este fin de semana = 2026-01-10..2026-01-11
        el próximo fin de semana = 2026-01-17..2026-01-18
        el 15 = 2026-01-15
        el día 15 = 2026-01-15
        el quince = 2026-01-15
        el día 3 = 2026-02-03
        el 15 a las 10 = 2026-01-15 10:00
        el 15 por la mañana = 2026-01-15 morning
        el 15 o el 16 = 2026-01-15+2026-01-16
        el viernes 16 = 2026-01-16
        el viernes 17 = !weekday_mismatch
        el 15 del próximo mes = 2026-02-15
        el 15 de enero = 2026-01-15
        15 de enero = 2026-01-15
        quince de enero = 2026-01-15
        el 15 de enero de 2026 = 2026-01-15
        15 de enero del 2026 = 2026-01-15
        1 de febrero = 2026-02-01
        primero de febrero = 2026-02-01
        el 1º de febrero = 2026-02-01
        treinta y uno de enero = 2026-01-31
        veintiuno de enero = 2026-01-21
        3 de marzo = 2026-03-03
        el martes 3 de marzo a las 10 y media = 2026-03-03 10:30
        viernes 9 de enero a las 14:00 = 2026-01-09 14:00
        del 20 al 22 de enero = 2026-01-20..2026-01-22
        entre el 20 y el 21 de enero = 2026-01-20+2026-01-21
        el 5 de enero = !past
        el 1 de diciembre = !too_far
        30 de febrero = !no_such_day
        31 de abril = !no_such_day
        2026-02-30 = !no_such_day
        2026-01-15 = 2026-01-15
        15/1 = 2026-01-15
        15/01/2026 = 2026-01-15
        15-01-2026 = 2026-01-15
        3/2 = 2026-02-03
        1/25 = 2026-01-25
        15/1 a las 16:00 = 2026-01-15 16:00
        ayer = !past
        antes del viernes = 2026-01-07+2026-01-08
        después del viernes = 2026-01-10
        lo antes posible = 2026-01-07
        cuando usted quiera = !not_understood
        el martes no = !not_understood
        """)

    static let portuguese = rows(
        """
        hoje = 2026-01-07
        hoje à tarde = 2026-01-07 afternoon
        hoje à noite = 2026-01-07 evening
        hoje de tarde = 2026-01-07 afternoon
        amanhã = 2026-01-08
        amanha = 2026-01-08
        amanhã de manhã = 2026-01-08 morning
        amanhã pela manhã = 2026-01-08 morning
        amanhã à tarde = 2026-01-08 afternoon
        amanha a tarde = 2026-01-08 afternoon
        amanhã à noite = 2026-01-08 evening
        AMANHÃ À TARDE = 2026-01-08 afternoon
        amanhã às 15h = 2026-01-08 15:00
        amanhã às 15 horas = 2026-01-08 15:00
        amanhã às 15h30 = 2026-01-08 15:30
        amanhã às 15:30 = 2026-01-08 15:30
        amanhã as 3 = 2026-01-08 15:00
        amanhã às três da tarde = 2026-01-08 15:00
        amanhã às três e meia = 2026-01-08 15:30
        amanhã às quinze para as três = 2026-01-08 14:45
        amanhã às dez e quinze = 2026-01-08 10:15
        amanhã às 9 da manhã = 2026-01-08 09:00
        amanhã às 8 da noite = 2026-01-08 20:00
        amanhã à uma da tarde = 2026-01-08 13:00
        amanhã ao meio-dia = 2026-01-08 12:00
        amanhã ao meio-dia e meia = 2026-01-08 12:30
        amanhã das 14h às 16h = 2026-01-08 14:00
        amanhã depois das 16h = 2026-01-08 16:00
        amanhã antes do meio-dia = 2026-01-08 morning
        amanhã às 25h = !no_such_time
        depois de amanhã = 2026-01-09
        depois de amanhã à tarde = 2026-01-09 afternoon
        depois de amanha de manha = 2026-01-09 morning
        de manhã = 2026-01-07 morning
        à tarde = 2026-01-07 afternoon
        às 17h = 2026-01-07 17:00
        às 9h = 2026-01-08 09:00
        terça = 2026-01-13
        terça-feira = 2026-01-13
        na terça = 2026-01-13
        na próxima terça-feira = 2026-01-13
        terça que vem = 2026-01-13
        terça-feira que vem = 2026-01-13
        nesta terça = 2026-01-13
        quarta-feira = 2026-01-14
        nesta quarta = 2026-01-07
        quinta = 2026-01-08
        sexta à tarde = 2026-01-09 afternoon
        nesta sexta = 2026-01-09
        sexta-feira de manhã = 2026-01-09 morning
        sexta às 10 = 2026-01-09 10:00
        segunda de manhã = 2026-01-12 morning
        na segunda-feira às 14h = 2026-01-12 14:00
        2ª feira = 2026-01-12
        sábado = 2026-01-10
        terça passada = !past
        terça da semana que vem = 2026-01-13
        sexta-feira da próxima semana = 2026-01-16
        na semana que vem, quinta-feira = 2026-01-15
        terça ou quinta = 2026-01-08+2026-01-13
        terça ou quinta da semana que vem = 2026-01-13+2026-01-15
        de segunda a quarta = 2026-01-12..2026-01-14
        semana que vem = 2026-01-12..2026-01-16
        na semana que vem = 2026-01-12..2026-01-16
        a próxima semana = 2026-01-12..2026-01-16
        na próxima semana de manhã = 2026-01-12..2026-01-16 morning
        no início da semana que vem = 2026-01-12+2026-01-13
        no fim da próxima semana = 2026-01-15+2026-01-16
        esta semana = 2026-01-07..2026-01-09
        semana passada = !past
        em duas semanas = 2026-01-21
        daqui a duas semanas = 2026-01-21
        daqui a uma semana = 2026-01-14
        daqui 3 dias = 2026-01-10
        em três dias = 2026-01-10
        daqui a quinze dias = 2026-01-22
        daqui a um mês = 2026-02-07
        daqui a três meses = !too_far
        no próximo mês = 2026-02-01..2026-02-28
        mês que vem = 2026-02-01..2026-02-28
        no fim do mês = 2026-01-21..2026-01-31
        em meados de fevereiro = 2026-02-11..2026-02-18
        em fevereiro = 2026-02-01..2026-02-28
        fim de semana = 2026-01-10..2026-01-11
        no próximo fim de semana = 2026-01-17..2026-01-18
        final de semana = 2026-01-10..2026-01-11
        dia 15 = 2026-01-15
        no dia 15 = 2026-01-15
        dia quinze = 2026-01-15
        dia 3 = 2026-02-03
        dia 15 às 10h = 2026-01-15 10:00
        dia 15 de manhã = 2026-01-15 morning
        dia 15 ou dia 16 = 2026-01-15+2026-01-16
        dias 15 e 16 = 2026-01-15+2026-01-16
        sexta-feira, dia 16 = 2026-01-16
        sexta dia 17 = !weekday_mismatch
        dia 15 do próximo mês = 2026-02-15
        dia 15 de janeiro = 2026-01-15
        15 de janeiro = 2026-01-15
        quinze de janeiro = 2026-01-15
        15 de janeiro de 2026 = 2026-01-15
        primeiro de fevereiro = 2026-02-01
        1º de fevereiro = 2026-02-01
        trinta e um de janeiro = 2026-01-31
        vinte e um de janeiro = 2026-01-21
        3 de março = 2026-03-03
        sexta-feira, 9 de janeiro às 14h = 2026-01-09 14:00
        de 20 a 22 de janeiro = 2026-01-20..2026-01-22
        5 de janeiro = !past
        1 de dezembro = !too_far
        30 de fevereiro = !no_such_day
        2026-02-30 = !no_such_day
        2026-01-15 = 2026-01-15
        15/1 = 2026-01-15
        15/01/2026 às 16h = 2026-01-15 16:00
        3/2 = 2026-02-03
        ontem = !past
        antes de sexta = 2026-01-07+2026-01-08
        depois de sexta = 2026-01-10
        o quanto antes = 2026-01-07
        quando você quiser = !not_understood
        na terça não = !not_understood
        """)

    /// The same in a call of any language.
    static let mixed = rows(
        """
        next Tuesday = 2026-01-13
        tomorrow = 2026-01-08
        mañana = 2026-01-08
        pasado mañana = 2026-01-09
        amanhã = 2026-01-08
        depois de amanhã = 2026-01-09
        la próxima semana = 2026-01-12..2026-01-16
        semana que vem = 2026-01-12..2026-01-16
        next week = 2026-01-12..2026-01-16
        viernes por la tarde = 2026-01-09 afternoon
        sexta-feira de manhã = 2026-01-09 morning
        Friday por la tarde = 2026-01-09 afternoon
        mañana in the afternoon = 2026-01-08 afternoon
        el viernes at 3pm = 2026-01-09 15:00
        15 de enero = 2026-01-15
        15 de janeiro = 2026-01-15
        January 15 = 2026-01-15
        2026-01-15 = 2026-01-15
        2026-01-15T20:00:00Z = 2026-01-15 14:00
        2026-02-30 = !no_such_day
        """)
}

extension Substring {
    fileprivate var trimmingCharacters: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

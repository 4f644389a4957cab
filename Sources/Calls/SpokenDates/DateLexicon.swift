/// What words mean in English, Spanish and Portuguese, without accents and in lower case.
///
/// One lexicon for the three, since people mix them; what means different things is settled by the language of the call.
enum DateLexicon {
    /// Words of the longest phrase.
    static let longestPhrase = 5

    /// The meaning of a phrase, or nil when it has none. `language` is en, es or pt.
    static func meaning(of phrase: String, language: String) -> [DateWord]? {
        let own = overrides[language] ?? [:]
        return own[phrase] ?? common[phrase]
    }

    /// What a word means in one language alone.
    private static let overrides: [String: [String: [DateWord]]] = [
        "en": [
            "a": one, "an": one, "on": [.on], "no": [.negation], "once": [.other("once")], "um": [.other("um")],
            "o": [.other("o")], "as": [.other("as")], "do": [.other("do")], "mar": [.month(3, isShort: true)],
            "second": ordinal(2), "sex": [.other("sex")], "ter": [.other("ter")], "e": [.other("e")],
        ],
        "es": [
            "a": [.to], "al": [.to], "no": [.negation], "o": [.or], "mar": [.weekday(1)], "second": ordinal(2),
            "segunda": [.other("segunda")], "quinta": [.other("quinta")], "sexta": [.other("sexta")],
            "quarta": [.other("quarta")], "as": [.at], "once": number(11),
        ],
        "pt": [
            "a": [.to], "ao": [.to], "no": [.on], "o": [.the], "as": [.at], "e": [.and], "do": [.of], "da": [.of],
            "ter": [.weekday(1)], "sex": [.weekday(4)], "mar": [.month(3, isShort: true)], "a uma": [.at] + number(1),
            "final de semana": weekend,
        ],
    ]

    private static let common: [String: [DateWord]] = merged([days, weekdays, months, times, numbers, glue])

    private static let days: [String: [DateWord]] = [
        "today": [.dayOffset(0)], "hoy": [.dayOffset(0)], "hoje": [.dayOffset(0)], "now": [.now], "right now": [.now],
        "ahora": [.now], "agora": [.now],
        "as soon as possible": [.dayOffset(0)], "asap": [.dayOffset(0)], "lo antes posible": [.dayOffset(0)],
        "cuanto antes": [.dayOffset(0)], "o quanto antes": [.dayOffset(0)],
        "tonight": [.dayOffset(0), .part(.evening)], "tomorrow": [.dayOffset(1)], "tmrw": [.dayOffset(1)],
        "amanha": [.dayOffset(1)], "manana": [.manana], "mananas": [.part(.morning)],
        "day after tomorrow": [.dayOffset(2)], "pasado manana": [.dayOffset(2)], "depois de amanha": [.dayOffset(2)],
        "depois d amanha": [.dayOffset(2)], "overmorrow": [.dayOffset(2)],
        "yesterday": [.dayOffset(-1)], "ayer": [.dayOffset(-1)], "ontem": [.dayOffset(-1)],
        "anteayer": [.dayOffset(-2)], "anteontem": [.dayOffset(-2)], "anoche": [.dayOffset(-1)],
        "day before yesterday": [.dayOffset(-2)],
        "tomorrow or the day after": oneOrTwoDays, "manana o pasado": oneOrTwoDays,
        "manana o pasado manana": oneOrTwoDays, "amanha ou depois": oneOrTwoDays,
        "amanha ou depois de amanha": oneOrTwoDays,
        "hoy en ocho": [.dayOffset(7)], "hoy en ocho dias": [.dayOffset(7)], "hoy en quince": [.dayOffset(14)],
        "hoy en quince dias": [.dayOffset(14)],
        "last day": [.lastDay], "ultimo dia": [.lastDay], "after next": [.afterNext],
        "primera": [.nth(1)], "primeira": [.nth(1)], "segundo": [.nth(2)], "tercer": [.nth(3)], "tercera": [.nth(3)],
        "terceira": [.nth(3)],
        "day": day, "days": day, "dia": day, "dias": day,
        "week": week, "weeks": week, "semana": week, "semanas": week,
        "month": month, "months": month, "mes": month, "meses": month,
        "weekend": weekend, "fin de semana": weekend, "finde": weekend, "fim de semana": weekend,
        "week after next": [.weekOffset(2)], "week after the next": [.weekOffset(2)],
        "fortnight": number(2) + week, "a fortnight": number(2) + week, "quincena": number(15) + day,
        "una quincena": number(15) + day, "quinzena": number(15) + day, "uma quinzena": number(15) + day,
        "this": [.this], "este": [.this], "esta": [.this], "estas": [.this], "neste": [.this], "nesta": [.this],
        "deste": [.this], "desta": [.this],
        "next": [.next], "proximo": [.next], "proxima": [.next], "coming": [.next], "upcoming": [.next],
        "following": [.next], "siguiente": [.next], "seguinte": [.next], "entrante": [.next], "vindoura": [.next],
        "que viene": [.next], "q viene": [.next], "que vem": [.next], "q vem": [.next], "que entra": [.next],
        "last": [.last], "previous": [.last], "pasado": [.last], "pasada": [.last], "passado": [.last],
        "passada": [.last], "anterior": [.last], "ultimo": [.last], "ultima": [.last], "ago": [.ago], "atras": [.ago],
        "temprano": [.early], "cedo": [.early], "first thing": [.early], "primera hora": [.early],
        "primeira hora": [.early], "primeiro horario": [.early],
        "early": [.early], "beginning": [.early], "start": [.early], "principios": [.early], "principio": [.early],
        "comienzos": [.early], "inicio": [.early], "inicios": [.early], "comeco": [.early],
        "mid": [.middle], "middle": [.middle], "mediados": [.middle], "meados": [.middle], "meio": [.middle],
        "late": [.late], "end": [.late], "finales": [.late], "fines": [.late], "fin": [.late], "fim": [.late],
        "final": [.late],
    ]

    private static let weekdays = table(
        [
            ["monday", "mondays", "mon", "lunes", "lun", "segunda", "segunda feira", "2 a feira", "seg"],
            ["tuesday", "tuesdays", "tue", "tues", "martes", "terca", "terca feira", "3 a feira"],
            [
                "wednesday", "wednesdays", "wed", "miercoles", "mie", "mier", "quarta", "quarta feira", "4 a feira",
                "qua",
            ],
            ["thursday", "thursdays", "thu", "thur", "thurs", "jueves", "jue", "quinta", "quinta feira", "qui"],
            ["friday", "fridays", "fri", "viernes", "vie", "sexta", "sexta feira", "6 a feira"],
            ["saturday", "saturdays", "sat", "sabado", "sabados", "sab"],
            ["sunday", "sundays", "sun", "domingo", "domingos", "dom"],
        ], DateWord.weekday)

    private static let months =
        table(
            [
                ["january", "enero", "janeiro"], ["february", "febrero", "fevereiro"], ["march", "marzo", "marco"],
                ["april", "abril"], ["mayo", "maio"], ["june", "junio", "junho"], ["july", "julio", "julho"],
                ["august", "agosto"], ["september", "septiembre", "setiembre", "setembro"],
                ["october", "octubre", "outubro"], ["november", "noviembre", "novembro"],
                ["december", "diciembre", "dezembro"],
            ], { .month($0 + 1, isShort: false) }
        )
        .merging(
            table(
                [
                    ["jan", "ene"], ["feb", "fev"], [], ["apr", "abr"], ["may", "mai"], ["jun"], ["jul"],
                    ["aug", "ago"], ["sep", "sept", "set"], ["oct", "out"], ["nov"], ["dec", "dic"],
                ], { .month($0 + 1, isShort: true) }), uniquingKeysWith: { long, _ in long })

    private static let times: [String: [DateWord]] = [
        "morning": [.part(.morning)], "mornings": [.part(.morning)], "manha": [.part(.morning)],
        "manhas": [.part(.morning)], "madrugada": [.part(.morning)], "afternoon": [.part(.afternoon)],
        "afternoons": [.part(.afternoon)], "tarde": [.part(.afternoon)], "tardes": [.part(.afternoon)],
        "tardecita": [.part(.afternoon)], "mas tarde": [.other("later")], "mais tarde": [.other("later")],
        "evening": [.part(.evening)], "evenings": [.part(.evening)], "night": [.part(.evening)],
        "noche": [.part(.evening)], "noches": [.part(.evening)], "noite": [.part(.evening)],
        "noites": [.part(.evening)],
        "after lunch": [.part(.afternoon)], "despues de comer": [.part(.afternoon)],
        "despues de almorzar": [.part(.afternoon)], "despues del almuerzo": [.part(.afternoon)],
        "despues de la comida": [.part(.afternoon)], "depois do almoco": [.part(.afternoon)],
        "depois de almocar": [.part(.afternoon)], "before lunch": [.part(.morning)],
        "antes de comer": [.part(.morning)], "antes de almorzar": [.part(.morning)],
        "antes del almuerzo": [.part(.morning)], "antes do almoco": [.part(.morning)],
        "after work": [.part(.evening)], "despues del trabajo": [.part(.evening)],
        "depois do trabalho": [.part(.evening)], "lunchtime": [.noon], "lunch time": [.noon], "at lunch": [.noon],
        "am": [.am], "a m": [.am], "pm": [.pm], "p m": [.pm],
        "noon": [.noon], "midday": [.noon], "mediodia": [.noon], "medio dia": [.noon], "meio dia": [.noon],
        "midnight": [.midnight], "medianoche": [.midnight], "media noche": [.midnight], "meia noite": [.midnight],
        "at": [.at], "a las": [.at], "a la": [.at], "a la manana": [.part(.morning)], "las": [.at],
        "around": [.at], "about": [.at], "a eso de las": [.at], "sobre las": [.at], "hacia las": [.at],
        "por volta das": [.from, .at], "a partir de las": [.from, .at], "a partir das": [.from, .at],
        "after": [.after], "despues de las": [.after, .at], "despues de la": [.after, .at],
        "depois das": [.after, .at],
        "before": [.before], "antes de las": [.before, .at], "antes de la": [.before, .at],
        "antes das": [.before, .at],
        "antes do": [.before], "antes del": [.before, .the], "antes de": [.before], "antes da": [.before],
        "despues de": [.after], "despues del": [.after, .the], "depois de": [.after], "depois do": [.after],
        "depois da": [.after], "das": [.from, .at], "between": [.from], "entre": [.from], "entre las": [.from, .at],
        "entre as": [.from, .at],
        "h": [.hours], "hs": [.hours], "hr": [.hours], "hrs": [.hours], "hora": [.hours], "horas": [.hours],
        "hour": [.hours], "hours": [.hours], "o clock": [.hours], "oclock": [.hours], "en punto": [.hours],
        "em ponto": [.hours],
        "minute": [.minutes], "minutes": [.minutes], "min": [.minutes], "mins": [.minutes], "minuto": [.minutes],
        "minutos": [.minutes],
        "half": [.half], "media": [.half], "meia": [.half], "quarter": [.quarter], "cuarto": [.quarter],
        "past": [.past], "minus": [.minus], "menos": [.minus],
    ]

    private static let glue: [String: [DateWord]] = [
        "to": [.to], "until": [.to], "till": [.to], "through": [.to], "thru": [.to], "hasta": [.to], "ate": [.to],
        "para": [.minutesTo], "para las": [.minutesTo], "para la": [.minutesTo], "para as": [.minutesTo],
        "and": [.and], "y": [.and], "or": [.or], "ou": [.or], "in": [.in], "en": [.in], "em": [.in],
        "dentro de": [.in], "within": [.in], "daqui a": [.in], "daqui": [.in], "in about": [.in],
        "en unos": [.in], "en unas": [.in], "dentro de unos": [.in], "dentro de unas": [.in], "daqui a uns": [.in],
        "daqui a umas": [.in], "from": [.from], "desde": [.from],
        "from now": [.in], "of": [.of], "de": [.of], "del": [.of], "the": [.the], "el": [.the], "la": [.the],
        "los": [.the], "on": [.on], "na": [.on], "not": [.negation], "never": [.negation], "nunca": [.negation],
        "nao": [.negation], "except": [.negation], "excepto": [.negation], "exceto": [.negation],
        "salvo": [.negation], "but": [.negation], "t": [.symbol("T")], "z": [.symbol("Z")],
    ]

    private static let day: [DateWord] = [.unit(.day)]
    private static let week: [DateWord] = [.unit(.week)]
    private static let month: [DateWord] = [.unit(.month)]
    private static let weekend: [DateWord] = [.unit(.weekend)]
    private static let one = number(1)
    private static let oneOrTwoDays: [DateWord] = [.dayOffset(1), .or, .dayOffset(2)]

    static func number(_ value: Int) -> [DateWord] { [.number(value, digits: 0, isOrdinal: false)] }
    static func ordinal(_ value: Int) -> [DateWord] { [.number(value, digits: 0, isOrdinal: true)] }

    /// Gives every word of the nth list the nth meaning.
    static func table(_ words: [[String]], _ meaning: (Int) -> DateWord) -> [String: [DateWord]] {
        var table: [String: [DateWord]] = [:]
        for (index, synonyms) in words.enumerated() {
            for word in synonyms { table[word] = [meaning(index)] }
        }
        return table
    }

    private static func merged(_ tables: [[String: [DateWord]]]) -> [String: [DateWord]] {
        tables.reduce(into: [:]) { all, table in all.merge(table) { first, _ in first } }
    }
}

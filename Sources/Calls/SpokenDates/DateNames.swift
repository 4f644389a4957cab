import Platform

/// How days and times are said in a language: en, es or pt; another counts as English.
struct DateNames {
    let language: String

    /// "Friday, January 10", "viernes 10 de enero", "sexta-feira, 10 de janeiro".
    func day(_ day: CivilTime) -> String {
        switch language {
        case "es": "\(weekday(day.weekday)) \(date(day))"
        default: "\(weekday(day.weekday)), \(date(day))"
        }
    }

    /// "January 10", "10 de enero", "10 de janeiro".
    func date(_ day: CivilTime) -> String {
        language == "es" || language == "pt" ? "\(day.day) de \(month(day.month))" : "\(month(day.month)) \(day.day)"
    }

    /// "at 2:00 PM", "a las 14:00", "às 14h30".
    func time(_ time: CivilTime) -> String {
        let minute = (time.minute < 10 ? "0" : "") + String(time.minute)
        switch language {
        case "es": return "\(time.hour == 1 ? "a la" : "a las") \(time.hour):\(minute)"
        case "pt": return "\(time.hour <= 1 ? "à" : "às") \(time.hour)h\(time.minute == 0 ? "" : minute)"
        default: return "at \((time.hour + 11) % 12 + 1):\(minute) \(time.hour < 12 ? "AM" : "PM")"
        }
    }

    func weekday(_ weekday: Int) -> String { (Self.weekdays[language] ?? Self.englishWeekdays)[weekday] }

    /// 1 … 12.
    func month(_ month: Int) -> String { (Self.months[language] ?? Self.englishMonths)[month - 1] }

    private static let englishWeekdays = [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]
    private static let weekdays = [
        "es": ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
        "pt": [
            "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo",
        ],
    ]
    private static let englishMonths = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let months = [
        "es": [
            "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
            "noviembre", "diciembre",
        ],
        "pt": [
            "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
            "novembro", "dezembro",
        ],
    ]
}

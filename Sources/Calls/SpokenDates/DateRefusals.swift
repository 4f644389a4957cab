import Platform

/// The refusals of dates, in words that can be spoken to the caller.
struct DateRefusals {
    let language: String
    private var names: DateNames { DateNames(language: language) }

    init(language: String) { self.language = language }

    var notUnderstood: SpokenDateRefusal {
        refusal(
            .notUnderstood, en: "I did not understand the day. Please name one, such as next Tuesday or March 3.",
            es: "No entendí el día. Diga uno, por favor, como el próximo martes o el 3 de marzo.",
            pt: "Não entendi o dia. Diga um, por favor, como a próxima terça-feira ou 3 de março.")
    }

    var noSuchTime: SpokenDateRefusal {
        refusal(
            .noSuchTime, en: "There is no such time of day.", es: "Esa hora no existe.", pt: "Esse horário não existe.")
    }

    var pastTime: SpokenDateRefusal {
        refusal(
            .past, en: "That time of today has already passed.", es: "Esa hora de hoy ya pasó.",
            pt: "Esse horário de hoje já passou.")
    }

    func past(_ day: CivilTime) -> SpokenDateRefusal {
        refusal(
            .past, en: "\(names.date(day)) has already passed.", es: "El \(names.date(day)) ya pasó.",
            pt: "O dia \(names.date(day)) já passou.")
    }

    func tooFar(_ days: Int) -> SpokenDateRefusal {
        refusal(
            .tooFar, en: "That is more than \(days) days ahead.", es: "Faltan más de \(days) días para esa fecha.",
            pt: "Faltam mais de \(days) dias para essa data.")
    }

    func noSuchDay(_ day: CivilTime) -> SpokenDateRefusal {
        guard (1...12).contains(day.month) else {
            return refusal(
                .noSuchDay, en: "There is no month \(day.month).", es: "No existe el mes \(day.month).",
                pt: "O mês \(day.month) não existe.")
        }
        let length = DateResolver.length(ofMonth: day.month, day.year)
        let month = names.month(day.month)
        return refusal(
            .noSuchDay, en: "There is no \(names.date(day)): \(month) \(day.year) has \(length) days.",
            es: "El \(names.date(day)) no existe: \(month) de \(day.year) tiene \(length) días.",
            pt: "O dia \(names.date(day)) não existe: \(month) de \(day.year) tem \(length) dias.")
    }

    func weekdayMismatch(_ day: CivilTime, said weekday: Int) -> SpokenDateRefusal {
        let real = names.weekday(day.weekday)
        let said = names.weekday(weekday)
        return refusal(
            .weekdayMismatch, en: "\(names.date(day)) is a \(real), not a \(said).",
            es: "El \(names.date(day)) es \(real), no \(said).", pt: "O dia \(names.date(day)) é \(real), não \(said).")
    }

    private func refusal(
        _ reason: SpokenDateRefusal.Reason, en: String, es: String, pt: String
    ) -> SpokenDateRefusal {
        SpokenDateRefusal(reason: reason, text: language == "es" ? es : language == "pt" ? pt : en)
    }
}

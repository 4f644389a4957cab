/// "Never call me again", in English, Spanish and Portuguese: heard by words, so that the wish is honoured whether or not a
/// model is there to understand it.
///
/// All three languages are listened for, whatever the call's own: people fall back into theirs when they are annoyed.
enum DoNotCallWords {
    static func areIn(_ speech: String) -> Bool {
        FoldedSentence.sentences(of: speech).contains { sentence in
            wishes.areIn(sentence) || (bareWishes.areIn(sentence) && !times.areIn(sentence))
        }
    }

    /// Plain whatever else the sentence says.
    private static let wishes = [WordPattern](
        lines: """
            never call|phone|ring|contact|dial
            not|dont ever call|phone|ring|contact|dial
            not|dont call|phone|ring|contact me|us|here|back again|anymore|ever
            not|dont call|phone|ring|contact again|anymore|ever
            not|dont call|phone|ring|contact ?me|us any more
            not|dont call|phone|ring|contact this|my number
            not|dont want ?you|anyone|anybody ?to calls|call|calling ?me again|anymore|ever
            not|dont want any|more ?more ?phone calls
            stop|quit calling|phoning|ringing|contacting
            take|remove|delete|get me|us|myself off|from|out
            take|remove|delete my|this|our ?phone number|name
            want off your list
            not|dont call list|registry
            no more ?phone calls
            no me|nos vuelv* a llamar|marcar|contactar|molestar|hablar
            no vuelv* a llamar*|marcar*|contactar*|molestar*
            no me|nos llam*|marqu*|contact* mas|nunca|jamas|otra
            no me|nos llam*|marqu*|contact* de nuevo
            no llam* mas|nunca|jamas
            nunca|jamas ?mas me|nos vuelv*|llam*|marqu*
            dej*|par* de llamar*|marcar*|molestar*
            quit*|borr*|elimin*|saqu*|sac* ?a mi ?numero|telefono|nombre de|numero|telefono
            saqu*|saca*|quit*|borr*|elimin* de su|sus|tu|la|esa|esta ?base|lista*|base*
            no quiero que me|nos vuelv*|llam*|marqu*
            no quiero ?recibir mas ?sus llamada*
            lista de no llam*
            nao me|nos lig*|telefon*|contat* mais|nunca|novamente
            nao me|nos lig*|telefon*|contat* de novo
            nao me|nos lig*|telefon*|contat* outra vez
            nao lig*|telefon* ?para|pra ?mim|ca|esse|este ?numero mais|nunca|novamente
            nao lig*|telefon* ?para|pra ?mim|ca de novo
            nunca mais me|nos lig*|telefon*
            nunca mais lig*|telefon*
            par* de ?me ligar|telefonar|incomodar|perturbar
            tir*|remov*|apagu*|exclu*|retir* ?o meu numero|telefone|nome|contato
            me tir*|remov*|retir* da|dessa|desta|do
            tir*|remov*|retir* me da|dessa|desta|do
            nao quero ?mais que ?voces me lig*|telefon*
            nao quero ?mais ?receber ?mais ligac*|telefonema*|chamada*
            """)

    /// Plain only when the sentence names no time or condition: "don't call me now" is another wish.
    private static let bareWishes = [WordPattern](
        lines: """
            not|dont call|phone|ring|contact me|us
            no me|nos llame|llamen|llames|marque|marquen|marques
            nao me lig*|telefon*
            """)

    private static let times = [WordPattern](
        lines: """
            now|today|tonight|tomorrow|yet|later|before|until|till|after|at|on|in|during|while|if|this|next|when|unless|so
            ahora|hoy|manana|antes|hasta|despues|a|por|en|los|durante|mientras|si|cuando|tan|todavia|aun
            agora|hoje|amanha|depois|ate|as|na|nas|de|enquanto|se|quando|tao|ainda
            no domingo|sabado|fim|momento|trabalho|horario|almoco
            """)
}

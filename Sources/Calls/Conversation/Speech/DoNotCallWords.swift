/// "Never call me again", in English, Spanish and Portuguese: heard by words, so that the wish is honoured whether or not a
/// model is there to understand it.
///
/// What is heard here holds for ever, so only what is plain is heard: a request, in the forms that requests have. A complaint
/// ("you never called me back"), a wish for some hours or places, and whatever else may mean two things is the model's.
///
/// All three languages are listened for, whatever the call's own: people fall back into theirs when they are annoyed.
enum DoNotCallWords {
    static func areIn(_ speech: String) -> Bool {
        // In the patterns a full stop is where a clause begins or ends.
        let clauses = FoldedSentence.clauses(of: speech).map { clause in
            FoldedSentence(words: ["."] + clause.words + ["."], isQuestion: clause.isQuestion)
        }
        let heard = clauses.filter { (wishes.areIn($0) || bareWishes.areIn($0)) && !others.areIn($0) }
        return heard.contains { wishes.areIn($0) }
            || (!heard.isEmpty && !clauses.contains { reservations.areIn($0) })
    }

    /// Plain whatever else is said: they are for ever, or from a list.
    private static let wishes = [WordPattern](
        lines: """
            never|not|dont ?ever ?want|wish \(you) ?to ?ever \(call) \(there) ?any|no again|anymore|ever|more
            . ever \(call) me|us|here|this|my ?number|phone again
            not|dont \(call) me|us at all
            never|not|dont|rather|prefer want|wish|like|not ?to be called|phoned|contacted|bothered again|anymore|ever|any|by|.
            never|not|dont want|wish to hear from you
            rather|prefer|if you didnt|wouldnt ?ever \(call) ?me|us|here ?back again|anymore
            stop|quit ?\(anger) \(calling) me|us|here|back|this|my ?here|back|number|phone|house \(end)|again|anymore|now|right|about|with
            stop|quit ?\(anger) \(calling) ?me|us at|on this|my ?phone number|phone|line
            stop ?with ?all|of ?the|these|those|your|all ?phone|sales|spam|marketing calls
            no more ?of ?these|your|phone|sales ?phone calls
            never|not|dont want|wish ?to ?get|receive ?any more ?of ?these|your|phone|sales ?phone calls
            on|to ?a|the|your|this|that ?national ?do not|dont call|contact list|lists|registry
            take|get|keep|want|\(remove) ?me|us|myself|my|our|this \(number) off|out ?of \(list)
            \(remove) me|us|myself|my|our|this \(number) from \(list)
            be|get taken|removed|deleted off|from|out ?of \(list)

            no ?quiero|deseo ?que ?ustedes me|nos \(llame) ?ustedes|usted \(favor) ?nunca|de|otra mas|nunca|jamas|nuevo|vez
            no ?quiero|deseo ?que ?me|nos este|esten|estes|siga|sigan \(llamando)
            que no me|nos llamara|llamaran|llamasen mas|nunca|jamas
            no \(llame) \(favor) ?aqui|aca|a ?este|mi|ese ?numero|telefono ?nunca|de|otra mas|nunca|jamas|nuevo|vez
            no|nunca|jamas ?mas ?quiero|deseo ?que ?me|nos vuelva|vuelvan|vuelvas ?nunca|jamas ?mas a \(llamar)|\(llamarme)
            no|ni se|te ?le|les|te ocurra|atreva|atrevan ?a ?volver ?a \(llamarme)
            nunca|jamas mas|me|nos ?me|nos \(llame)
            \(deje) \(favor) de ?estar|estarme|seguir \(llamar)|\(llamarme)|\(llamando) \(favor) \(fin)
            \(deje) \(favor) de \(llamar)|\(llamarme) aqui|aca|a ?este|mi|ese ?numero|telefono
            no ?quiero|deseo ?recibir mas ?sus|esas llamada|llamadas
            basta|ya de ?tantas|sus llamadas|\(llamar)|\(llamarme)
            \(quite) ?me|nos \(favor) ?a ?el|mi|este|ese ?numero|telefono|celular|nombre|contacto|datos \(favor) \(lista)
            baja|salir ?mi ?numero \(lista)

            nao|nunca|jamais ?quero|queria|gostaria ?que ?voces|voce me|nos \(ligue) \(favor) ?nunca|de|outra mais|nunca|jamais|novamente|novo|vez
            nao|nunca|jamais ?quero|queria|gostaria mais ?que ?voces|voce me|nos \(ligue)
            nao ?quero ?que ?voces fiquem|fique|continuem me|nos ligando
            nunca|jamais me|nos ligue|liguem|telefone|telefonem
            me \(ligue) mais nao
            nao \(ligue) mais|nunca|novamente \(aqui)
            nao \(ligue) \(aqui) ?de|outra mais|nunca|jamais|novamente|novo|vez
            nao ligue|liguem|telefone|telefonem ?nunca mais|nunca|novamente \(fim)
            nunca mais ligue|liguem|telefone|telefonem
            nunca mais \(ligue) \(aqui)
            nao|nunca ?mais ?me volte|voltem|torne|tornem ?nunca ?mais a ?me|nos \(ligar)
            \(pare) \(favor) de ?ficar me|nos \(ligar)|ligando
            \(pare) \(favor) de ?ficar \(ligar)|ligando ?mais \(aqui)
            \(pare) com ?todas ?as|essas|estas|tantas|suas \(ligacoes)
            nao quero|desejo|gostaria ?de ?receber mais ?receber ?suas|essas|nenhuma \(ligacoes)
            chega|basta de ?me|tantas|tanta|suas \(ligar)|\(ligacoes)
            me \(tire) \(favor) \(cadastro)
            \(tire) \(favor) ?o me|meu|meus|esse|este ?numero|telefone|celular|nome|contato|dados \(favor) \(cadastro)
            sair da|dessa|desta ?sua lista
            lista de no|nao|bloqueio
            """)

    /// Plain when nothing else in the turn speaks of a time, or of another way.
    private static let bareWishes = [WordPattern](
        lines: """
            never|not|dont ?want|wish \(you) ?be|keep|to \(call)|\(calling) me|us|here|back|this|my ?back|number|phone \(end)
            stop|quit ?\(anger) \(calling) \(end)|now|again|anymore
            never|not|dont want|wish ?to ?get|receive ?any|these|your ?phone|sales calls ?anymore|again|any \(end)
            \(remove) my|our|this ?phone|cell|mobile|home number \(end)|now|immediately
            remove|delete|unsubscribe me \(end)|now|immediately

            no ?quiero|deseo ?que ?ustedes me|nos \(llame)|hable|hablen|hables ?mas \(favor) \(fin)
            no \(llamarme) ?nunca ?mas \(favor) \(fin)
            ya|favor ?de no \(llame)|\(llamar) ?aqui|aca|mas \(favor) .
            no quiero|deseo ?recibir ?sus|tus|esas|estas llamadas \(fin)|de
            \(quite) \(favor) mi|este numero|telefono|celular|contacto \(favor) \(fin)

            nao ?quero ?que ?voces|voce me|nos \(ligue) \(favor) \(fim)
            nao ligue|liguem|telefonem \(aqui) \(favor) \(fim)
            nao e ?mais para|pra ?voces me \(ligar) ?mais|nunca \(fim)
            nao|nunca ?mais entre|entrem ?mais|nunca em contato ?comigo|conosco ?mais|nunca \(favor) \(fim)
            nao quero|desejo ?receber ?suas|essas|nenhuma ligacoes|chamadas|telefonemas \(fim)|de
            \(pare) \(favor) de ?ficar \(ligar)|ligando \(favor) \(fim)
            \(tire) \(favor) ?o meu|este|esse numero|telefone|celular|contato \(favor) \(fim)
            """)

    /// What has the words of a wish and is none: for some time or place, told of others, denied, or asked.
    private static let others = [WordPattern](
        lines: """
            not|dont|never|ever|to|more|any \(call)|calls \(there) ?any ?again|anymore|ever|more ?please \(at) \(hours)
            . \(at) \(hours) ?please dont|do|never|no
            they|people|customers|clients|leads|prospects|patients|phones|who ?do dont|not|never ?want|like ?to \(call)|be|hear
            i|we|did|does|has|had ?do dont|not \(call)
            why dont you \(call)
            i|we|you|they|youd|theyd|would|will never ?ever \(call)
            you|they ?do dont|not \(call) ?me|us ?back anymore|any|when|after|.
            . ?and|but|so if|when|unless you|they ?do dont|not \(call)
            . ?please|and|just|but|so ?you|they dont|not|never|cant|wont stop|quit|take|get|\(remove)
            i|we ?will|can|could|had|have|want|need|should|must|would ?to ?finally stop|quit
            did|didnt|if|when|since|after|before|why you|they ?ever ?all stop|quit|take|get|\(remove)
            not|isnt|arent|never on ?a|the|any|your|that ?national ?do not|dont call
            have|has|had|ive|got|are|theres|is no more

            \(llame)|\(llamar)|\(llamarme)|\(llamando)|llamadas ?mas|nunca|de|otra ?nuevo|vez \(favor) \(en) \(horas)
            . \(en) \(horas) \(favor) no|nunca
            molesta|extrana|raro|sorprende|pena|lastima|posible|ser que no|nunca|jamas|ya ?me|nos|no
            deje|pare|no ?de llamar|llame ?mas porque
            no|nunca ?quiero ?que \(deje) de
            no ?me|nos \(quite)

            \(ligue)|\(ligar)|ligando|\(ligacoes) ?mais|nunca ?para|pra ?mim|ca|aqui ?mais|de|outra ?novo|vez \(favor) \(em) \(horario)
            . \(em) \(horario) \(favor) nao|nunca
            voce|voces|ele|ela|ninguem|gente|cliente|que nao|nunca ?mais me|nos liga
            nao|nunca \(pare) de|com
            nao ?me \(tire)
            lista de espera|invitados|convidados|asistentes|participantes
            """)

    /// What makes a bare wish one for now, for here, or for another way.
    private static let reservations = [WordPattern](
        lines: """
            now|today|tonight|tomorrow|later|before|after|until|till|during|while|unless|instead|busy|driving|new
            . if|when|cuando|quando
            at|on|in ?the|my|a \(hours)
            .|and|just|please|but|only|then|can|could|better call|ring|phone|try|text|email|mail|message|write|whatsapp|send|use|put
            i|ill|we|well ?will|can call|ring|phone|text|email|contact you
            im|am|estoy|ando ?still|just at|in|on|en

            hoy|ahora|ahorita|manana|luego|despues|antes|hasta|mientras|durante|todavia|aun|mejor|ocupad*|manejando|conduciendo
            llameme|llamenme|llamame|marqueme|marcame|escrib*|mande*|mandame|envie*|anote*|apunte*|ponga*|correo|whatsapp|mensaje*
            te|le|les|lo|los|la llamo|llamare|marco
            . si|se no|nao|es|for|estoy|voce
            en|por|a|los|las|el|al ?la|el|las|los|mi \(horas)

            hoje|agora|amanha|depois|ate|enquanto|ainda|melhor|dirigindo|zap|mensag*|escrev*|mande*|manda|envi*|anot*|coloqu*
            .|e|mas|so ?me ligue|liga|liguem
            eu ?te|lhe|que|mesmo ?te|lhe ?vou lig*
            estou|to em|no|na
            na|no|nas|nos|em|aos|pela|de|a|as ?meu|minha \(horario)
            """)

    private static let favor = "?please|ya|ja|logo ?por ?favor"

    // MARK: English

    private static let call = "call|phone|ring|contact|dial|bother"
    private static let calling = "calling|phoning|ringing|contacting|bothering|harassing"
    private static let there = "?me|us|here|this|my|back ?back|number|phone|house ?at|on|from ?this|my ?number|phone"
    private static let you = "?for ?you|anyone|please ?guys|people|ever|dare"
    private static let anger = "fucking|freaking|damn|bloody|constantly|always|please"
    private static let remove = "remove|delete|erase|scratch|strike|cross|drop|unsubscribe"
    private static let number = "?phone|cell|mobile|home ?number|name|details ?and ?my ?number|name"
    private static let list = """
        ?all ?of ?your|the|this|that|these|those|any|every ?sales|marketing|spam ?calling|call|phone|contact\
        |mailing list|lists|database|databases|system|systems|records|file|files|contacts|directory
        """
    /// May follow a wish where no comma is heard. A time, a place or a name may not.
    private static let end = """
        .|please|thanks|thank|ok|okay|i|im|ill|ive|you|youre|because|or|and|no|not|dont|stop|remove|take|leave|bye\
        |goodbye
        """
    private static let at = "?at|on|in|for|so|this|after|before|during ?the|my|a|an|this|these|that|another"
    private static let hours = """
        now|today|tonight|tomorrow|yet|later|earlier|before|until|till|after|during|while|if|when|unless|than|between\
        |every|early|late|often|next|work|office|home|school|night|nights|noon|lunch|dinner|morning|mornings|afternoon\
        |afternoons|evening|evenings|midnight|weekend|weekends|week|weekdays|month|year|hour|hours|time|moment|few\
        |couple|meeting|car|mobile|cell|landline|holiday|holidays|vacation|monday*|tuesday*|wednesday*|thursday*\
        |friday*|saturday*|sunday*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|1*|2*|3*|4*|5*|6*|7*\
        |8*|9*
        """

    // MARK: Spanish

    private static let llame = """
        llame|llamen|llames|marque|marquen|marques|contacte|contacten|moleste|molesten|molestes|busque|busquen
        """
    private static let llamar = "llamar|marcar|contactar|molestar|hablar|buscar"
    private static let llamarme = "llamarme|llamarnos|marcarme|contactarme|molestarme|molestarnos|hablarme|buscarme"
    private static let llamando = "llamando|llamandome|marcando|molestando|molestandome"
    private static let deje = "deje|dejen|deja|dejes|dejar|dejense|dejese|pare|paren|para|parar"
    private static let quite = """
        quite*|quita|quitame|quitar|quitarme|borre*|borra|borrame|borrar|borrarme|elimine*|elimina|eliminame|eliminar\
        |eliminarme|saque*|saca|sacame|sacar|sacarme|retire*|retirar
        """
    private static let lista = """
        de ?todas su|sus|tu|la|las|esa|esta ?base ?de lista|listas|base|bases|datos|registro|registros|sistema
        """
    private static let fin = ".|gracias|porque|estoy|no|ni|nunca|usted|ustedes|que|yo|y|o|es|adios|deje|dejen"
    private static let en = "?en|por|a|al|de|que|antes|despues ?de ?la|el|las|los|mi|este|esta|ese|esa|estos|estas"
    private static let horas = """
        hoy|ahora|ahorita|antes|despues|hasta|tan|tanto|todavia|mientras|cuando|durante|entre|temprano|seguido|cada\
        |todo|todos|asi|manana|mananas|tarde|tardes|noche|noches|madrugada|mediodia|semana|mes|lunes|martes|miercoles\
        |jueves|viernes|sabado*|domingo*|fin|fines|dia|dias|hora|horas|horario|horarios|momento|rato|tiempo|trabajo\
        |oficina|casa|celular|movil|fijo|almuerzo|comida|cena|reunion|junta|una|dos|tres|cuatro|cinco|seis|siete|ocho\
        |nueve|diez|once|doce|1*|2*|3*|4*|5*|6*|7*|8*|9*
        """

    // MARK: Portuguese

    private static let ligue = """
        ligue|liguem|ligues|liga|ligar|ligarem|ligassem|telefone|telefonem|telefonar|contate|contatem|contatar|incomode\
        |incomodem|incomodar|perturbe|perturbem|perturbar|procure|procurem
        """
    private static let ligar = "ligar|ligarem|telefonar|incomodar|perturbar|contatar|procurar"
    private static let ligacoes = "ligacao|ligacoes|chamadas|telefonemas"
    private static let aqui = "?para|pra ?o ?este|esse|meu mim|ca|aqui|numero|telefone"
    private static let pare = "pare|parem|para|parar|deixe|deixem"
    private static let tire = """
        tire|tirem|tira|tirar|remova|removam|remove|remover|apague|apaguem|apaga|apagar|exclua|excluam|exclui|excluir\
        |retire|retirem|retira|retirar|delete|deletem|deleta
        """
    private static let cadastro = """
        da|das|do|dos|de|dessa|desta|dessas|desse ?todas ?sua|suas|seu|seus|vossa|as ?base ?de lista|listas|base|dados\
        |cadastro|sistema
        """
    private static let fim = ".|obrigad*|porque|pois|que|nao|nem|eu|estou|e|ou|voce|voces|tchau|nunca|pare|parem"
    private static let em = """
        ?na|no|nas|nos|em|de|a|as|aos|pela|pelo|neste|nesse|nesta|nessa|por|que|antes|depois ?da|das|do|meu|minha|essa\
        |este
        """
    private static let horario = """
        hoje|agora|amanha|antes|depois|ate|tao|tanto|ainda|enquanto|quando|se|durante|entre|tarde|cedo|toda|todo|todos\
        |manha|manhas|noite|noites|madrugada|almoco|jantar|segunda|terca|quarta|quinta|sexta|sabado*|domingo*|fim|fins\
        |final|finais|feriado*|semana|mes|dia|dias|hora|horas|horario|horarios|momento|tempo|trabalho|servico\
        |escritorio|casa|celular|fixo|reuniao|uma|duas|tres|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|1*|2*|3*|4*\
        |5*|6*|7*|8*|9*
        """
}

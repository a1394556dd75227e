//! Keywords and replies, language by language.
//!
//! Words are lower case. The whole text has to be one of them, in any case; French senders print "STOP au
//! 36111", so that there the number may follow.

use super::{Action, Language};
use crate::message::Address;

struct Words {
    language: Language,
    stop: &'static [&'static str],
    start: &'static [&'static str],
    help: &'static [&'static str],
    /// Replies in the order of [`Action::ALL`]; GSM 03.38 has all their characters but some of Polish.
    replies: [&'static str; 3],
}

/// In the order of [`Language::ALL`].
static WORDS: [Words; 12] = [
    Words {
        language: Language::En,
        stop: &["stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "opt out", "revoke"],
        start: &["start", "unstop", "optin", "opt in"],
        help: &["help", "info"],
        replies: [
            "You will get no more messages from this number. Send START to get them again.",
            "You will get messages from this number again. Send STOP to end them.",
            "Send STOP to get no more messages from this number, START to get them again.",
        ],
    },
    Words {
        language: Language::Sv,
        stop: &["stopp", "stop", "stoppa", "avsluta", "avanmäl", "avregistrera"],
        start: &["start", "starta", "anmäl"],
        help: &["hjälp", "hjalp"],
        replies: [
            "Du får inga fler meddelanden från detta nummer. Skicka START för att få dem igen.",
            "Du får meddelanden från detta nummer igen. Skicka STOPP för att avsluta.",
            "Skicka STOPP för att inte få fler meddelanden från detta nummer, START för att få dem igen.",
        ],
    },
    Words {
        language: Language::De,
        stop: &["stopp", "stop", "abmelden", "abbestellen", "beenden"],
        start: &["start", "starten", "anmelden"],
        help: &["hilfe"],
        replies: [
            "Sie erhalten keine Nachrichten mehr von dieser Nummer. Mit START erhalten Sie wieder welche.",
            "Sie erhalten wieder Nachrichten von dieser Nummer. Mit STOPP beenden Sie das.",
            "Senden Sie STOPP, um keine Nachrichten mehr von dieser Nummer zu erhalten, START für neue.",
        ],
    },
    Words {
        language: Language::Fr,
        stop: &["stop", "arret", "arrêt", "arrêter", "arreter", "désinscrire", "desinscrire"],
        start: &["start", "reprendre", "démarrer", "demarrer"],
        help: &["aide"],
        replies: [
            "Vous ne recevrez plus de messages de ce numéro. Envoyez START pour en recevoir de nouveau.",
            "Vous recevrez de nouveau les messages de ce numéro. Envoyez STOP pour arrêter.",
            "Envoyez STOP pour ne plus recevoir de messages de ce numéro, START pour en recevoir de nouveau.",
        ],
    },
    Words {
        language: Language::Es,
        stop: &["stop", "alto", "parar", "baja", "cancelar"],
        start: &["start", "alta", "iniciar", "empezar"],
        help: &["ayuda"],
        replies: [
            "No recibirá más mensajes de este número. Envíe START para recibirlos de nuevo.",
            "Recibirá de nuevo mensajes de este número. Envíe STOP para terminar.",
            "Envíe STOP para no recibir más mensajes de este número, START para recibirlos de nuevo.",
        ],
    },
    Words {
        language: Language::Fi,
        stop: &["stop", "lopeta", "seis", "peruuta"],
        start: &["start", "aloita", "tilaa"],
        help: &["apua", "ohje", "ohjeet"],
        replies: [
            "Et saa enää viestejä tästä numerosta. Lähetä START, niin saat niitä taas.",
            "Saat taas viestejä tästä numerosta. Lopeta ne lähettämällä STOP.",
            "Lähetä STOP, niin et saa enää viestejä tästä numerosta. START aloittaa ne uudelleen.",
        ],
    },
    Words {
        language: Language::Da,
        stop: &["stop", "afmeld", "afslut"],
        start: &["start", "tilmeld"],
        help: &["hjælp", "hjaelp"],
        replies: [
            "Du får ikke flere beskeder fra dette nummer. Send START for at få dem igen.",
            "Du får igen beskeder fra dette nummer. Send STOP for at afslutte.",
            "Send STOP for ikke at få flere beskeder fra dette nummer, START for at få dem igen.",
        ],
    },
    Words {
        language: Language::Nb,
        stop: &["stopp", "stop", "avmeld", "avslutt", "slutt"],
        start: &["start", "påmeld", "pameld"],
        help: &["hjelp"],
        replies: [
            "Du får ikke flere meldinger fra dette nummeret. Send START for å få dem igjen.",
            "Du får igjen meldinger fra dette nummeret. Send STOPP for å avslutte.",
            "Send STOPP for ikke å få flere meldinger fra dette nummeret, START for å få dem igjen.",
        ],
    },
    Words {
        language: Language::Nl,
        stop: &["stop", "stoppen", "afmelden", "uitschrijven"],
        start: &["start", "starten", "aanmelden"],
        help: &["help", "hulp"],
        replies: [
            "U krijgt geen berichten meer van dit nummer. Stuur START om ze weer te krijgen.",
            "U krijgt weer berichten van dit nummer. Stuur STOP om te stoppen.",
            "Stuur STOP om geen berichten meer van dit nummer te krijgen, START om ze weer te krijgen.",
        ],
    },
    Words {
        language: Language::It,
        stop: &["stop", "ferma", "annulla", "cancella", "disiscrivi"],
        start: &["start", "inizia", "avvia"],
        help: &["aiuto"],
        replies: [
            "Non riceverà più messaggi da questo numero. Invii START per riceverli di nuovo.",
            "Riceverà di nuovo i messaggi da questo numero. Invii STOP per terminare.",
            "Invii STOP per non ricevere più messaggi da questo numero, START per riceverli di nuovo.",
        ],
    },
    Words {
        language: Language::Pt,
        stop: &["stop", "parar", "pare", "sair", "cancelar"],
        start: &["start", "começar", "comecar", "iniciar"],
        help: &["ajuda"],
        replies: [
            "Não receberá mais mensagens deste número. Envie START para voltar a receber.",
            "Voltará a receber mensagens deste número. Envie STOP para terminar.",
            "Envie STOP para não receber mais mensagens deste número, START para voltar a receber.",
        ],
    },
    Words {
        language: Language::Pl,
        stop: &["stop", "wypisz", "rezygnuję", "rezygnuje", "koniec"],
        start: &["start", "zapisz"],
        help: &["pomoc"],
        replies: [
            "Nie otrzymasz więcej wiadomości z tego numeru. Wyślij START, aby znów je otrzymywać.",
            "Znów będziesz otrzymywać wiadomości z tego numeru. Wyślij STOP, aby zakończyć.",
            "Wyślij STOP, aby nie otrzymywać wiadomości z tego numeru, START, aby znów je otrzymywać.",
        ],
    },
];

fn of(language: Language) -> &'static Words {
    &WORDS[language as usize]
}

pub(super) fn reply(language: Language, action: Action) -> &'static str {
    of(language).replies[action as usize]
}

/// What `text`, which is trimmed and in lower case, asks for in this language.
pub(super) fn action(language: Language, text: &str, number: &Address) -> Option<Action> {
    let words = of(language);
    debug_assert_eq!(words.language, language);
    if words.stop.contains(&text) || (language == Language::Fr && names_the_number(text, number)) {
        return Some(Action::Stop);
    }
    let start = words.start.contains(&text).then_some(Action::Start);
    start.or_else(|| words.help.contains(&text).then_some(Action::Help))
}

/// "stop 36111" and "stop au 36111".
fn names_the_number(text: &str, number: &Address) -> bool {
    let rest = text.strip_prefix("stop ").map(|rest| rest.strip_prefix("au ").unwrap_or(rest));
    rest.is_some_and(|rest| rest.strip_prefix('+').unwrap_or(rest) == number.digits())
}

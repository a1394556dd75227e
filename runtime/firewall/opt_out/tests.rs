use proptest::prelude::*;

use super::*;

fn number() -> Address {
    Address::parse("36111").expect("valid")
}

fn on(languages: &[Language]) -> CompiledOptOut {
    let policy = OptOut { keywords: Keywords::On, languages: languages.to_vec(), ..OptOut::default() };
    CompiledOptOut::new(&policy).expect("valid")
}

fn found(opt_out: &CompiledOptOut, text: &str) -> Option<(Action, Language)> {
    opt_out.keyword(&number(), text).map(|keyword| (keyword.action, keyword.language))
}

#[test]
fn every_language_has_its_words_in_any_case_and_with_what_telephones_add() {
    let all = on(&[]);
    for (text, action) in [
        ("STOP", Action::Stop),
        (" stop. ", Action::Stop),
        ("Stop!", Action::Stop),
        ("STOP  ALL", Action::Stop),
        ("Avanmäl", Action::Stop),
        ("AVANMÄL", Action::Stop),
        ("Abmelden", Action::Stop),
        ("ARRÊT", Action::Stop),
        ("Baja", Action::Stop),
        ("lopeta", Action::Stop),
        ("AFMELD", Action::Stop),
        ("slutt", Action::Stop),
        ("Afmelden", Action::Stop),
        ("ferma", Action::Stop),
        ("PARAR", Action::Stop),
        ("Rezygnuję", Action::Stop),
        ("start", Action::Start),
        ("COMEÇAR", Action::Start),
        ("Hjälp", Action::Help),
        ("HILFE", Action::Help),
        ("aide", Action::Help),
        ("ayuda", Action::Help),
        ("apua", Action::Help),
        ("HJÆLP", Action::Help),
        ("hjelp", Action::Help),
        ("hulp", Action::Help),
        ("aiuto", Action::Help),
        ("ajuda", Action::Help),
        ("pomoc", Action::Help),
    ] {
        assert_eq!(found(&all, text).map(|(action, _)| action), Some(action), "{text}");
    }
}

#[test]
fn a_sentence_is_no_keyword() {
    for text in ["please stop", "stop it", "non-stop", "", "  ", "STOP 36112", "WM1 STOP", &"stop ".repeat(100)] {
        assert_eq!(found(&on(&[]), text), None, "{text:?}");
    }
    assert_eq!(found(&on(&[Language::Sv]), "unsubscribe"), None, "not in Swedish");
}

#[test]
fn in_french_the_number_may_follow() {
    for text in ["STOP 36111", "Stop au 36111"] {
        assert_eq!(found(&on(&[Language::Fr]), text), Some((Action::Stop, Language::Fr)), "{text}");
        assert_eq!(found(&on(&[Language::Sv]), text), None, "{text}");
    }
}

#[test]
fn the_first_language_of_the_policy_answers_where_two_share_a_word() {
    assert_eq!(found(&on(&[Language::Sv, Language::En]), "STOP"), Some((Action::Stop, Language::Sv)));
    assert_eq!(found(&on(&[Language::En, Language::Sv]), "STOP"), Some((Action::Stop, Language::En)));
}

#[test]
fn a_number_with_machines_behind_it_has_no_keywords() {
    let mut policy = OptOut { keywords: Keywords::On, ..OptOut::default() };
    policy.numbers.insert("7001".into(), Keywords::Off);
    let opt_out = CompiledOptOut::new(&policy).expect("valid");
    let machines = Address::parse("7001").expect("valid");
    assert_eq!((opt_out.keywords(&machines), opt_out.keywords(&number())), (Keywords::Off, Keywords::On));
    assert_eq!(opt_out.keyword(&machines, "STOP"), None);
    assert!(!CompiledOptOut::new(&OptOut::default()).expect("valid").reads_any(), "off unless asked for");
}

#[test]
fn replies_are_built_in_or_the_customers_own_and_fit() {
    let own = Replies { help: Some("Acme, call 112".into()), stop: Some(String::new()), ..Replies::default() };
    let policy = OptOut { keywords: Keywords::On, replies: own, ..OptOut::default() };
    let opt_out = CompiledOptOut::new(&policy).expect("valid");
    let reply = |text| opt_out.keyword(&number(), text).map(|keyword| keyword.reply);
    assert_eq!((reply("help"), reply("stop")), (Some("Acme, call 112"), Some("")), "an empty one is none");
    assert!(reply("start").is_some_and(|text| text.contains("STOP")));
    for (language, action) in Language::ALL.iter().flat_map(|l| Action::ALL.map(|a| (*l, a))) {
        let reply = words::reply(language, action);
        assert!((40..=160).contains(&reply.chars().count()), "{language:?} {action:?}");
    }
}

#[test]
fn mistakes_are_told() {
    let named = OptOut { numbers: [("ACME".to_owned(), Keywords::On)].into(), ..OptOut::default() };
    assert_eq!(CompiledOptOut::new(&named).err(), Some(OptOutError::NoNumber("ACME".into())));
    let long = Replies { help: Some("x".repeat(REPLY_CHARS_MAX + 1)), ..Replies::default() };
    let long = OptOut { replies: long, ..OptOut::default() };
    assert_eq!(CompiledOptOut::new(&long).err(), Some(OptOutError::LongReply("help")));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        on(&[]).keyword(&number(), &text);
    }
}

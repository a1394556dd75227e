//! What a device answers: YES, NO or MOVE, in its language, with a number where it has several appointments.

use wasmsc_plugin::{Context, Failure};

use crate::book::{Appointment, Book, Status};
use crate::outcomes::{self, Outcome};
use crate::reminders;
use crate::texts::{self, Text, Word};

pub fn take(cx: &mut Context<'_>, text: &str) -> Result<(), Failure> {
    let mut book = Book::load(cx)?;
    let Some(first) = book.open.first() else {
        let language = texts::language(cx, None)?;
        let text = texts::plain(cx, &language, Text::Nothing)?;
        cx.reply(text)?;
        return Ok(());
    };
    let language = first.language.clone();
    let mut words = text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    let meaning = match words.next() {
        Some(word) => texts::meaning(cx, word)?,
        None => None,
    };
    let Some(word) = meaning else {
        let text = texts::plain(cx, &language, Text::Help)?;
        cx.reply(text)?;
        return Ok(());
    };
    let number = words.next().and_then(|word| word.parse::<u8>().ok());
    let meant = meant(&book, number);
    let &[one] = meant.as_slice() else {
        let choice = if meant.is_empty() { book.open.iter().collect() } else { meant };
        let text = texts::which(cx, &language, &choice)?;
        cx.reply(text)?;
        return Ok(());
    };
    let one = one.clone();
    answer(cx, &mut book, &one, word)?;
    book.store(cx)
}

/// Those that an answer may be about: that with the number, else those that were asked about, else all.
fn meant(book: &Book, number: Option<u8>) -> Vec<&Appointment> {
    if let Some(number) = number {
        return book.open.iter().filter(|one| one.number == number).collect();
    }
    let asked: Vec<&Appointment> = book.open.iter().filter(|one| one.status == Status::Asked).collect();
    if asked.is_empty() { book.open.iter().collect() } else { asked }
}

fn answer(cx: &mut Context<'_>, book: &mut Book, one: &Appointment, word: Word) -> Result<(), Failure> {
    let (text, outcome) = match word {
        Word::Yes => (Text::Confirmed, Outcome::Confirmed),
        Word::No => (Text::Declined, Outcome::Declined),
        Word::Move => (Text::Moved, Outcome::Move),
    };
    match word {
        Word::Yes => {
            if let Some(kept) = book.find(&one.id) {
                kept.status = Status::Confirmed;
            }
        }
        Word::No | Word::Move => {
            book.remove(&one.id);
            reminders::unschedule(cx, &one.id)?;
        }
    }
    let text = texts::about(cx, text, one)?;
    cx.reply(text)?;
    // Who confirms twice is thanked twice; the application heard it the first time.
    if word == Word::Yes && one.status == Status::Confirmed {
        return Ok(());
    }
    outcomes::tell(cx, one, outcome)
}

//! What an application asks: `book`, `cancel`, `list`.

use serde::Deserialize;
use wasmsc_plugin::{Context, Failure, Response, json};

use crate::book::{Appointment, Book, OPEN_MAX, Status};
use crate::reminders;
use crate::settings;
use crate::texts;
use crate::time::{self, Local};

/// Tags and timers carry an id, and have little room.
const ID_OCTETS_MAX: usize = 48;
/// Two of them and the rest of a reminder fit into two SMS.
const WHAT_CHARS_MAX: usize = 80;
const AHEAD_DAYS_MAX: u64 = 366;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    id: String,
    at: String,
    text: String,
    language: Option<String>,
    reminders: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancelled {
    id: String,
    /// Whether the device is told.
    #[serde(default)]
    notify: bool,
}

pub fn book(cx: &mut Context<'_>, asked: Asked) -> Result<Response, Failure> {
    let (at, reminders) = match read(cx, &asked)? {
        Ok(read) => read,
        Err(why) => return Response::error(422, why),
    };
    let mut book = Book::load(cx)?;
    // Booked again: another time for the same appointment, which keeps its number.
    let replaced = book.remove(&asked.id);
    let Some(number) = replaced.as_ref().map(|old| old.number).or_else(|| book.free_number()) else {
        return Response::error(409, format!("this device has {OPEN_MAX} appointments already"));
    };
    let now = cx.now();
    let appointment = Appointment {
        number,
        at_ms: at.at.0,
        offset_minutes: at.offset_minutes,
        what: asked.text.trim().to_owned(),
        language: texts::language(cx, asked.language.as_deref())?,
        // What would have been sent before now is not sent late.
        reminders: reminders.into_iter().filter(|minutes| at.at.0.saturating_sub(minutes * 60_000) > now.0).collect(),
        status: Status::Booked,
        id: asked.id,
    };
    let reminders: Vec<String> = appointment.reminders.iter().map(|minutes| moment(at, *minutes)).collect();
    let answer = json!({
        "id": appointment.id, "number": number, "replaced": replaced.is_some(), "reminders": reminders,
    });
    reminders::schedule(cx, &appointment)?;
    book.add(appointment);
    book.store(cx)?;
    Response::json(200, &answer)
}

/// Time and reminders, or what is wrong with the request.
fn read(cx: &Context<'_>, asked: &Asked) -> Result<Result<(Local, Vec<u64>), String>, Failure> {
    if asked.id.is_empty() || asked.id.len() > ID_OCTETS_MAX {
        return Ok(Err(format!("id has 1 to {ID_OCTETS_MAX} octets")));
    }
    let chars = asked.text.trim().chars().count();
    if !(1..=WHAT_CHARS_MAX).contains(&chars) {
        return Ok(Err(format!("text has 1 to {WHAT_CHARS_MAX} characters")));
    }
    let Some(at) = time::parse(&asked.at) else {
        return Ok(Err(format!("at = {:?} is no time such as 2026-03-01T09:30:00+01:00", asked.at)));
    };
    if at.at <= cx.now() {
        return Ok(Err(format!("at = {:?} is not in the future", asked.at)));
    }
    if at.at.since(cx.now()).as_secs() > AHEAD_DAYS_MAX * 86_400 {
        return Ok(Err(format!("at = {:?} is more than {AHEAD_DAYS_MAX} days ahead", asked.at)));
    }
    let reminders = match &asked.reminders {
        None => settings::reminders(cx)?,
        Some(spans) => match settings::read_reminders(spans.iter().map(String::as_str)) {
            Ok(reminders) => reminders,
            Err(why) => return Ok(Err(format!("reminders cannot be read: {why}"))),
        },
    };
    Ok(Ok((at, reminders)))
}

pub fn cancel(cx: &mut Context<'_>, asked: &Cancelled) -> Result<Response, Failure> {
    let mut book = Book::load(cx)?;
    let Some(appointment) = book.remove(&asked.id) else {
        return Response::error(404, format!("this device has no appointment {:?}", asked.id));
    };
    reminders::unschedule(cx, &appointment.id)?;
    book.store(cx)?;
    if asked.notify {
        let text = texts::about(cx, texts::Text::Declined, &appointment)?;
        cx.reply(text)?;
    }
    Response::json(200, &json!({ "cancelled": true }))
}

pub fn list(cx: &mut Context<'_>) -> Result<Response, Failure> {
    let book = Book::load(cx)?;
    let one = |one: &Appointment| {
        json!({
            "id": one.id, "number": one.number, "at": one.local().rfc3339(), "text": one.what,
            "language": one.language, "status": one.status,
            "reminders": one.reminders.iter().map(|minutes| moment(one.local(), *minutes)).collect::<Vec<_>>(),
        })
    };
    Response::json(200, &json!({ "appointments": book.open.iter().map(one).collect::<Vec<_>>() }))
}

fn moment(at: Local, minutes_before: u64) -> String {
    let before = wasmsc_plugin::Timestamp(at.at.0.saturating_sub(minutes_before * 60_000));
    Local { at: before, ..at }.rfc3339()
}

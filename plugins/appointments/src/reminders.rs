//! Between the booking and the appointment: one timer per appointment, which is due at its next reminder or its end.

use wasmsc_plugin::{Context, Draft, Failure, Receipt};

use crate::book::{Appointment, Book, Status};
use crate::outcomes::{self, Outcome};
use crate::texts::{self, Text};

pub const TIMER: &str = "next";
/// Tags a reminder with its appointment.
const TAG: &str = "remind:";

pub fn schedule(cx: &mut Context<'_>, appointment: &Appointment) -> Result<(), Failure> {
    let delay = appointment.next_due().since(cx.now());
    Ok(cx.set_timer(&format!("{TIMER}:{}", appointment.id), delay, "")?)
}

pub fn unschedule(cx: &mut Context<'_>, id: &str) -> Result<(), Failure> {
    cx.cancel_timer(&format!("{TIMER}:{id}"))?;
    Ok(())
}

pub fn due(cx: &mut Context<'_>, id: &str) -> Result<(), Failure> {
    let mut book = Book::load(cx)?;
    let Some(appointment) = book.find(id) else { return Ok(()) };
    if appointment.reminders.is_empty() {
        return end(cx, book, id);
    }
    // Several are due at once where the server was down; the device gets one of them.
    let (at_ms, now) = (appointment.at_ms, cx.now());
    appointment.reminders.retain(|minutes| at_ms.saturating_sub(minutes * 60_000) > now.0);
    let text = match appointment.status {
        Status::Confirmed => Text::Remind,
        Status::Booked | Status::Asked => {
            appointment.status = Status::Asked;
            Text::Ask
        }
    };
    let appointment = appointment.clone();
    send(cx, text, &appointment)?;
    schedule(cx, &appointment)?;
    book.store(cx)
}

/// A reminder that cannot be sent must not keep the book from going on: the application is told.
fn send(cx: &mut Context<'_>, text: Text, appointment: &Appointment) -> Result<(), Failure> {
    let text = texts::about(cx, text, appointment)?;
    let validity = appointment.local().at.since(cx.now());
    let draft = Draft::new(cx.msisdn(), text).tag(format!("{TAG}{}", appointment.id)).request_receipt();
    // After the appointment nobody needs it any more. A validity of nothing would be none at all.
    let draft = if validity.is_zero() { draft } else { draft.validity(validity) };
    if let Err(error) = draft.send(cx) {
        cx.log(wasmsc_plugin::Level::Warn, "a reminder cannot be sent", &[("error", &error.to_string())]);
        outcomes::tell(cx, appointment, Outcome::Undelivered)?;
    }
    Ok(())
}

fn end(cx: &mut Context<'_>, mut book: Book, id: &str) -> Result<(), Failure> {
    if let Some(appointment) = book.remove(id)
        && appointment.status == Status::Asked
    {
        outcomes::tell(cx, &appointment, Outcome::Unanswered)?;
    }
    book.store(cx)
}

pub fn delivered_or_not(cx: &mut Context<'_>, receipt: &Receipt) -> Result<(), Failure> {
    let id = receipt.tag.as_deref().and_then(|tag| tag.strip_prefix(TAG));
    let mut book = Book::load(cx)?;
    match id.and_then(|id| book.find(id)) {
        Some(appointment) if !receipt.is_delivered() => outcomes::tell(cx, appointment, Outcome::Undelivered),
        _ => Ok(()),
    }
}

//! Tells the application what became of an appointment, until it has heard it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmsc_plugin::{Context, Failure, HttpReply, HttpRequest, Level, json};

use crate::book::Appointment;
use crate::settings;
use crate::time::Local;

pub const TIMER: &str = "tell";
/// How long it is waited after each try that failed. Then it is given up.
const AGAIN_AFTER: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(600), Duration::from_secs(3600)];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Confirmed,
    Declined,
    /// Another time is wanted.
    Move,
    /// The time of the appointment came without an answer.
    Unanswered,
    /// A reminder did not reach the device.
    Undelivered,
}

/// What waits to be heard: the latest outcome of an appointment.
#[derive(Debug, Serialize, Deserialize)]
struct Untold {
    outcome: Outcome,
    at_ms: u64,
    offset_minutes: i32,
    happened_ms: u64,
    tries: usize,
}

pub fn tell(cx: &mut Context<'_>, appointment: &Appointment, outcome: Outcome) -> Result<(), Failure> {
    if settings::callback_url(cx).is_none() {
        return Ok(());
    }
    let untold = Untold {
        outcome,
        at_ms: appointment.at_ms,
        offset_minutes: appointment.offset_minutes,
        happened_ms: cx.now().0,
        tries: 0,
    };
    cx.set_state(&key(&appointment.id), &untold)?;
    submit(cx, &appointment.id, &untold)
}

pub fn tell_again(cx: &mut Context<'_>, id: &str) -> Result<(), Failure> {
    match cx.state::<Untold>(&key(id))? {
        Some(untold) => submit(cx, id, &untold),
        None => Ok(()),
    }
}

pub fn answered(cx: &mut Context<'_>, reply: &HttpReply) -> Result<(), Failure> {
    // The tag has when it happened, so that the answer to an older outcome does not settle a newer one.
    let Some((id, happened)) = reply.tag.rsplit_once('@') else { return Ok(()) };
    let Some(mut untold) = cx.state::<Untold>(&key(id))? else { return Ok(()) };
    if untold.happened_ms.to_string() != happened {
        return Ok(());
    }
    if reply.is_success() {
        cx.delete_state(&key(id))?;
        return Ok(());
    }
    let status = reply.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    match AGAIN_AFTER.get(untold.tries) {
        Some(wait) => {
            untold.tries += 1;
            cx.set_state(&key(id), &untold)?;
            cx.set_timer(&format!("{TIMER}:{id}"), *wait, "")?;
            cx.log(Level::Warn, "an outcome was not taken; it is told again later", &[("status", &status)]);
        }
        None => {
            cx.delete_state(&key(id))?;
            cx.log(Level::Error, "an outcome was not taken, and is told no more", &[("status", &status), ("id", id)]);
        }
    }
    Ok(())
}

fn submit(cx: &mut Context<'_>, id: &str, untold: &Untold) -> Result<(), Failure> {
    let Some(url) = settings::callback_url(cx) else { return Ok(()) };
    let at = Local { at: wasmsc_plugin::Timestamp(untold.at_ms), offset_minutes: untold.offset_minutes };
    let body = json!({ "device": cx.msisdn(), "id": id, "outcome": untold.outcome, "at": at.rfc3339() });
    let request = HttpRequest::post(url).json(&body)?.tag(format!("{id}@{}", untold.happened_ms));
    let request = match settings::callback_secret(cx) {
        Some(secret) => request.authorization(secret),
        None => request,
    };
    // The device's answer counts, also where the application cannot be told.
    if let Err(error) = request.submit(cx) {
        cx.delete_state(&key(id))?;
        cx.log(Level::Error, "an outcome cannot be told", &[("error", &error.to_string()), ("id", id)]);
    }
    Ok(())
}

fn key(id: &str) -> String {
    format!("untold.{id}")
}

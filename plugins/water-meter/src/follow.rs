//! What happens between reports: commands that must arrive, and meters that have fallen silent.

use std::time::Duration;

use wasmsc_plugin::{Context, Draft, Failure, Receipt, Timer};

use crate::decide::{self, Day};
use crate::owner;
use crate::report::Valve;
use crate::settings;
use crate::state::Meter;
use crate::texts;
use crate::warn_operator;

/// Asks whether a CLOSE has been confirmed by now.
const CONFIRM: &str = "confirm";
/// Asks whether the meter has reported by now; the payload says what is done if not.
const SILENT: &str = "silent";
const ASK: &str = "ask";
const WARN: &str = "warn";
/// How long a meter has to answer before the operator hears of its silence.
const ANSWER_WITHIN: Duration = Duration::from_secs(3600);
/// A CLOSE that nobody confirms is sent again so often.
const RESENDS_MAX: u8 = 3;

/// Tags of messages whose receipts are of interest: a valve command of this rule, an owner's order.
const VALVE: &str = "valve:";
pub const ORDER: &str = "order";

/// Sends a command to the device of this call, which is a meter, and watches what becomes of it.
pub fn command(cx: &mut Context<'_>, meter: &mut Meter, wanted: Valve) -> Result<(), Failure> {
    let text = match wanted {
        Valve::Throttled => format!("WM1 THROTTLE {}", settings::throttle_litres_per_hour(cx)?),
        valve => format!("WM1 {}", texts::verb(valve)),
    };
    Draft::new(cx.msisdn(), text).tag(format!("{VALVE}{}", texts::verb(wanted))).request_receipt().send(cx)?;
    let confirm = settings::confirm_within(cx)?;
    if wanted == Valve::Closed && !confirm.is_zero() {
        cx.set_timer(CONFIRM, confirm, "")?;
        meter.resent.get_or_insert(0);
    } else {
        settle(cx, meter)?;
    }
    Ok(())
}

/// A report came: the meter is alive, and what it says of its valve counts.
pub fn heard(cx: &mut Context<'_>, meter: &mut Meter) -> Result<(), Failure> {
    let silent_after = settings::silent_after(cx)?;
    if !silent_after.is_zero() {
        cx.set_timer(SILENT, silent_after, ASK)?;
    }
    // One that crossed the CLOSE on its way says nothing about it.
    if meter.valve == Valve::Closed { settle(cx, meter) } else { Ok(()) }
}

/// Nothing is waited for any more.
fn settle(cx: &mut Context<'_>, meter: &mut Meter) -> Result<(), Failure> {
    if meter.resent.take().is_some() {
        cx.cancel_timer(CONFIRM)?;
    }
    Ok(())
}

pub fn timer(cx: &mut Context<'_>, timer: &Timer) -> Result<(), Failure> {
    match (timer.name.as_str(), timer.text()) {
        (CONFIRM, _) => confirm(cx),
        (SILENT, Some(ASK)) => {
            cx.set_timer(SILENT, ANSWER_WITHIN, WARN)?;
            // Where it cannot be asked, the operator is warned all the same.
            if let Err(error) = cx.reply(texts::REPORT) {
                cx.warn(&format!("a silent meter cannot be asked: {error}"));
            }
            Ok(())
        }
        (SILENT, _) => {
            let seen = Meter::load(cx)?.map_or(0, |meter| meter.seen_secs);
            let hours = (cx.now().0 / 1000).saturating_sub(seen) / 3600;
            let text = texts::silent(&cx.msisdn(), hours);
            warn_operator(cx, text)
        }
        _ => Ok(()),
    }
}

fn confirm(cx: &mut Context<'_>) -> Result<(), Failure> {
    let Some(mut meter) = Meter::load(cx)? else { return Ok(()) };
    let Some(resent) = meter.resent.take() else { return Ok(()) };
    let now_secs = cx.now().0 / 1000;
    // A new day opens what the allowance closed, and the report that says so is still to come.
    let is_same_day = Day::at(now_secs, settings::day_starts_minutes(cx)?).number == meter.day;
    let wanted = decide::wanted(&meter, settings::allowance_litres(cx)?, settings::throttle_percent(cx)?);
    if wanted != Valve::Closed || (meter.lock.is_none() && !is_same_day) {
        return meter.store(cx);
    }
    if resent < RESENDS_MAX {
        meter.resent = Some(resent + 1);
        match command(cx, &mut meter, Valve::Closed) {
            Ok(()) => {
                decide::note_sent(&mut meter, Valve::Closed, now_secs);
                return meter.store(cx);
            }
            Err(Failure::Reject(why)) => cx.warn(&format!("CLOSE cannot be sent again: {why}")),
            Err(retry) => return Err(retry),
        }
        meter.resent = None;
    }
    meter.store(cx)?;
    let text = texts::not_confirmed(&cx.msisdn(), u32::from(resent) + 1);
    warn_operator(cx, text)
}

pub fn receipt(cx: &mut Context<'_>, receipt: &Receipt) -> Result<(), Failure> {
    match receipt.tag.as_deref() {
        Some(ORDER) if !receipt.is_delivered() => {
            if let Ok(owner) = cx.msisdn().parse() {
                owner::try_send(cx, &owner, texts::order_not_delivered(&receipt.recipient));
            }
            Ok(())
        }
        Some(tag) => match tag.strip_prefix(VALVE).and_then(texts::valve) {
            Some(valve) => valve_receipt(cx, receipt, valve),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

fn valve_receipt(cx: &mut Context<'_>, receipt: &Receipt, valve: Valve) -> Result<(), Failure> {
    let Some(mut meter) = Meter::load(cx)? else { return Ok(()) };
    if receipt.is_delivered() {
        if valve == Valve::Closed && meter.resent.is_some() {
            settle(cx, &mut meter)?;
            meter.store(cx)?;
        }
        return Ok(());
    }
    // Another copy has arrived meanwhile, or the valve was moved by hand.
    if meter.valve == valve {
        return Ok(());
    }
    let text = texts::command_not_delivered(&cx.msisdn(), valve, receipt.state);
    warn_operator(cx, text)
}

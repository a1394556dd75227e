//! A rule for SMS water meters: closes on a leak or a used-up allowance, throttles before that, opens again
//! with the next day, warns an operator, and lets owners ask and command by SMS. See README.md.
//!
//! Here is the wiring only: `report` reads, `decide` decides, `texts` words it, `owner` is for owners, `follow` is
//! what happens between reports, `publish` posts readings.

mod decide;
mod follow;
mod owner;
mod publish;
mod report;
mod settings;
mod state;
mod texts;
mod values;

use wasmsc_plugin::{
    ConfigCheck, ConfigError, Context, Failure, HttpHandler, HttpReply, Mo, Receipt, ReceiptHandler, Rule, Timer,
    TimerHandler, export_rule,
};

use crate::decide::Day;
use crate::report::{Incoming, Malformed, Report};
use crate::state::Meter;
use crate::texts::Seen;
use crate::values::Phone;

/// The rule.
pub struct WaterMeter;

impl Rule for WaterMeter {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        match mo.text().ok_or(Malformed::NotText).and_then(report::read) {
            Ok(Incoming::Report(report)) => on_report(mo, cx, &report),
            Ok(Incoming::Status) => on_status(mo, cx),
            Ok(Incoming::Order(order, meter)) => owner::relay(cx, &mo.source, order, meter.as_ref()),
            Ok(Incoming::Answer) => Ok(()),
            Err(mistake) => {
                cx.reply(texts::help(mistake))?;
                Ok(())
            }
        }
    }
}

impl ReceiptHandler for WaterMeter {
    fn handle_receipt(receipt: &Receipt, cx: &mut Context<'_>) -> Result<(), Failure> {
        follow::receipt(cx, receipt)
    }
}

impl TimerHandler for WaterMeter {
    fn handle_timer(timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure> {
        follow::timer(cx, timer)
    }
}

impl HttpHandler for WaterMeter {
    fn handle_http_reply(reply: &HttpReply, cx: &mut Context<'_>) -> Result<(), Failure> {
        publish::answered(cx, reply)
    }
}

impl ConfigCheck for WaterMeter {
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        settings::check_all(cx)
    }
}

export_rule!(WaterMeter: mo, receipts, timers, http, config);

fn on_report(mo: &Mo, cx: &mut Context<'_>, report: &Report) -> Result<(), Failure> {
    let now_secs = cx.now().0 / 1000;
    let day = Day::at(now_secs, settings::day_starts_minutes(cx)?);
    let known = Meter::load(cx)?;
    if known.as_ref().is_none_or(|meter| meter.day != day.number) {
        settings::check_all(cx)?;
    }
    let mut meter = known.unwrap_or_else(|| Meter::new(report, now_secs, day.number));

    if let Some(by) = &report.by
        && decide::owner_matters(&meter, report.valve)
        && owner::owns(cx, by, &mo.source)?
    {
        decide::obey_owner(&mut meter, report.valve);
    }
    let silent_secs = now_secs.saturating_sub(meter.seen_secs);
    let backwards_from = decide::account(&mut meter, report, now_secs, day);
    if meter.flowing_since_secs.is_some() && meter.lock.is_none() {
        decide::watch_leak(&mut meter, now_secs, silent_secs, settings::leak_minutes(cx)?);
    }
    let battery_drops = decide::watch_battery(&mut meter, settings::battery_low(cx)?);

    follow::heard(cx, &mut meter)?;
    let commanded = command(cx, &mut meter, now_secs)?;
    meter.store(cx)?;
    publish::reading(cx, &meter, report)?;
    if !commanded && settings::acknowledge(cx)? {
        cx.reply(texts::acknowledgement(meter.used_litres))?;
    }
    if let Some(from) = backwards_from {
        warn_operator(cx, texts::ran_backwards(&mo.source, from, meter.volume()))?;
    }
    if battery_drops {
        warn_operator(cx, texts::battery_low(&mo.source, meter.battery()))?;
    }
    match &report.to {
        Some(to) => answer_owner(mo, cx, to, &meter),
        None => Ok(()),
    }
}

/// Moves the valve where it should be; answers whether a command was sent.
fn command(cx: &mut Context<'_>, meter: &mut Meter, now_secs: u64) -> Result<bool, Failure> {
    let allowance = settings::allowance_litres(cx)?;
    let percent = if allowance > 0 { settings::throttle_percent(cx)? } else { 0 };
    let wanted = decide::wanted(meter, allowance, percent);
    if !decide::is_wrong(meter, wanted) || !decide::may_send(meter, wanted, now_secs, settings::resend_secs(cx)?) {
        return Ok(false);
    }
    follow::command(cx, meter, wanted)?;
    decide::note_sent(meter, wanted, now_secs);
    Ok(true)
}

fn warn_operator(cx: &mut Context<'_>, text: String) -> Result<(), Failure> {
    match settings::operator(cx)? {
        Some(operator) => {
            owner::try_send(cx, &operator, text);
        }
        None => cx.warn("a meter needs attention, and config names no operator"),
    }
    Ok(())
}

/// A meter's `TO` alone opens nothing: the phone must be configured as its owner.
fn answer_owner(mo: &Mo, cx: &mut Context<'_>, to: &Phone, meter: &Meter) -> Result<(), Failure> {
    if owner::owns(cx, to, &mo.source)? {
        let allowance = settings::allowance_litres(cx)?;
        let of = mo.source.parse().ok();
        owner::try_send(cx, to, texts::status(of.as_ref(), meter, Some(meter.used_litres), allowance, Seen::Now));
    }
    Ok(())
}

fn on_status(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
    if let Ok(phone) = mo.source.parse::<Phone>()
        && let Some(meters) = settings::meters_of(cx, &phone)?
    {
        return owner::ask(cx, &phone, &meters);
    }
    let text = match Meter::load(cx)? {
        None => texts::NOTHING_KNOWN.to_owned(),
        Some(meter) => {
            let now_secs = cx.now().0 / 1000;
            let today = Day::at(now_secs, settings::day_starts_minutes(cx)?).number;
            let used = (meter.day == today).then_some(meter.used_litres);
            let seen = Seen::MinutesAgo(now_secs.saturating_sub(meter.seen_secs) / 60);
            texts::status(None, &meter, used, settings::allowance_litres(cx)?, seen)
        }
    };
    cx.reply(text)?;
    Ok(())
}

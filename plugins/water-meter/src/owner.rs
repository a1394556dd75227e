//! Owners: phones that may ask for and command the meters that config lists for them, and no others.

use wasmsc_plugin::{Context, Draft, Failure, Level, SendError};

use crate::follow;
use crate::report::Order;
use crate::settings;
use crate::texts;
use crate::values::Phone;

/// One call asks at most this many meters: a STATUS should not become a burst of MTs.
const METERS_ASKED_MAX: usize = 5;

/// Whether config lists `meter` for this phone, or this phone is the operator's, whose all meters are.
pub fn owns(cx: &Context<'_>, phone: &Phone, meter: &str) -> Result<bool, Failure> {
    let Ok(meter) = meter.parse::<Phone>() else { return Ok(false) };
    if settings::operator(cx)?.as_ref() == Some(phone) {
        return Ok(true);
    }
    Ok(settings::meters_of(cx, phone)?.is_some_and(|meters| meters.contains(&meter)))
}

/// Asks the owner's meters to report to him.
pub fn ask(cx: &mut Context<'_>, owner: &Phone, meters: &[Phone]) -> Result<(), Failure> {
    let mut asked = 0;
    for meter in meters.iter().take(METERS_ASKED_MAX) {
        asked += usize::from(try_send(cx, meter, texts::report_to(owner)));
    }
    cx.reply(texts::asked(asked, meters.len()))?;
    Ok(())
}

/// Relays an order to a meter that is the sender's own.
pub fn relay(cx: &mut Context<'_>, source: &str, order: Order, meter: Option<&Phone>) -> Result<(), Failure> {
    let owner = source.parse::<Phone>().ok();
    let answer = match (&owner, meter) {
        (_, None) => texts::NO_METER_NAMED.to_owned(),
        (Some(owner), Some(meter)) if owns(cx, owner, meter.as_str())? => {
            let draft = Draft::new(meter.as_str(), texts::order(order, owner)).tag(follow::ORDER).request_receipt();
            let reached = draft.send(cx);
            let reached = was_sent(cx, reached);
            if reached { texts::relayed(order, meter) } else { texts::NOT_REACHED.to_owned() }
        }
        _ => texts::NOT_YOURS.to_owned(),
    };
    cx.reply(answer)?;
    Ok(())
}

/// Sends to somebody who is not the device of this call. Whether that works must not decide over the rest of
/// the call, so a refusal is logged.
pub fn try_send(cx: &mut Context<'_>, to: &Phone, text: String) -> bool {
    let sent = cx.send(to.as_str(), text);
    was_sent(cx, sent)
}

fn was_sent(cx: &mut Context<'_>, sent: Result<String, SendError>) -> bool {
    if let Err(error) = &sent {
        cx.log(Level::Warn, "a message to somebody else was refused", &[("error", &error.to_string())]);
    }
    sent.is_ok()
}

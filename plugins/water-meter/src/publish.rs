//! Posts readings to the customer's own system.

use wasmsc_plugin::{Context, Failure, HttpReply, HttpRequest, Level, json};

use crate::report::Report;
use crate::settings;
use crate::state::Meter;
use crate::texts;

const TAG: &str = "reading";

/// What the system does not get must not keep the valve from being closed, so that a refusal is logged.
pub fn reading(cx: &mut Context<'_>, meter: &Meter, report: &Report) -> Result<(), Failure> {
    let Some(url) = settings::report_url(cx) else { return Ok(()) };
    let body = json!({
        "meter": cx.msisdn(),
        "at_ms": cx.now().0,
        "litres": report.volume.0,
        "millilitres_per_hour": report.flow.0,
        "battery_millivolts": report.battery.0,
        "valve": texts::position(report.valve),
        "litres_today": meter.used_litres,
        "leak": meter.is_leaking(),
    });
    let request = HttpRequest::post(url).json(&body)?.tag(TAG);
    let request = match settings::report_secret(cx) {
        Some(secret) => request.authorization(secret),
        None => request,
    };
    if let Err(error) = request.submit(cx) {
        cx.log(Level::Warn, "a reading cannot be posted", &[("error", &error.to_string())]);
    }
    Ok(())
}

pub fn answered(cx: &mut Context<'_>, reply: &HttpReply) -> Result<(), Failure> {
    if !reply.is_success() {
        let status = reply.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        cx.log(Level::Warn, "a reading was not taken", &[("status", &status)]);
    }
    Ok(())
}

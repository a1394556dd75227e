//! One-time codes: an application asks for one, the device gets it by SMS, the application has it verified.
//!
//! Here is the wiring only: `codes` makes and keeps codes, `rate` says how many may be issued, `settings` reads config.

mod codes;
mod rate;
mod settings;

use std::time::Duration;

use serde::Deserialize;
use wasmsc_plugin::{
    ConfigCheck, ConfigError, Context, Draft, Failure, Mo, Request, RequestHandler, Response, Rule, SendError,
    Template, Timer, TimerHandler, export_rule, json,
};

use crate::codes::{Code, Verdict};
use crate::rate::Issues;

/// The rule.
pub struct Otp;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    digits: Option<u32>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    code: String,
}

impl RequestHandler for Otp {
    fn handle_request(request: &Request, cx: &mut Context<'_>) -> Result<Response, Failure> {
        match request.name.as_str() {
            "issue" if request.body.is_empty() => issue(cx, &Issue { digits: None, text: None }),
            "issue" => match request.json() {
                Ok(asked) => issue(cx, &asked),
                Err(error) => Response::error(400, error.to_string()),
            },
            "verify" => match request.json() {
                Ok(asked) => verify(cx, &asked),
                Err(error) => Response::error(400, error.to_string()),
            },
            other => Response::error(404, format!("there is no request {other:?}; there are issue and verify")),
        }
    }
}

impl TimerHandler for Otp {
    /// A code is no use after its time; nothing of it is kept.
    fn handle_timer(_timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure> {
        match Code::load(cx)? {
            Some(code) if code.is_expired(cx.now()) => Code::forget(cx),
            _ => Ok(()),
        }
    }
}

impl Rule for Otp {
    /// Somebody answers the message with the code. There is nothing to say to that.
    fn handle_mo(_mo: &Mo, _cx: &mut Context<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

impl ConfigCheck for Otp {
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        settings::check_all(cx)
    }
}

export_rule!(Otp: mo, timers, requests, config);

fn issue(cx: &mut Context<'_>, asked: &Issue) -> Result<Response, Failure> {
    let digits = match asked.digits {
        None => settings::digits(cx)?,
        Some(digits) if settings::DIGITS.contains(&digits) => digits,
        Some(digits) => return Response::error(422, format!("digits = {digits} is not within 4 to 10")),
    };
    let text = match &asked.text {
        None => settings::text(cx)?,
        Some(text) => match settings::read_text(text) {
            Ok(text) => text,
            Err(why) => return Response::error(422, format!("text = {text:?} {why}")),
        },
    };
    let now = cx.now();
    let mut issues = Issues::load(cx)?;
    if let Some(wait) = issues.wait(now, settings::resend_after(cx)?, settings::issues_per_hour(cx)?) {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let error = format!("this device was sent enough codes; the next one can be issued in {seconds} s");
        return Response::json(429, &json!({ "error": error, "retry_after_seconds": seconds }));
    }
    let valid = settings::valid(cx)?;
    let (code, secret) = Code::draw(cx, digits, now + valid, settings::attempts_max(cx)?);
    if let Err(error) = send(cx, &text, &secret, valid)? {
        return Response::error(422, format!("the code cannot be sent: {error}"));
    }
    issues.note(now);
    issues.store(cx)?;
    code.store(cx)?;
    cx.set_timer("expire", valid, "")?;
    Response::json(200, &json!({ "sent": true, "expires_in_seconds": valid.as_secs() }))
}

/// What is no use any more when it arrives is not delivered.
fn send(
    cx: &mut Context<'_>,
    text: &Template,
    code: &str,
    valid: Duration,
) -> Result<Result<String, SendError>, Failure> {
    let minutes = valid.as_secs().div_ceil(60).to_string();
    let text = text.fill(|name| if name == "code" { code.to_owned() } else { minutes.clone() });
    let draft = Draft::new(cx.msisdn(), text).tag("otp").validity(valid);
    let draft = match settings::sender(cx) {
        Some(sender) => draft.sender(sender),
        None => draft,
    };
    Ok(draft.send(cx))
}

fn verify(cx: &mut Context<'_>, asked: &Verify) -> Result<Response, Failure> {
    let Some(mut code) = Code::load(cx)? else { return invalid("none", 0) };
    match code.try_code(&cx.msisdn(), asked.code.trim(), cx.now()) {
        Verdict::Right => {
            end(cx)?;
            Response::json(200, &json!({ "valid": true }))
        }
        Verdict::Expired => {
            end(cx)?;
            invalid("expired", 0)
        }
        Verdict::Wrong { attempts_left: 0 } => {
            end(cx)?;
            invalid("wrong", 0)
        }
        Verdict::Wrong { attempts_left } => {
            code.store(cx)?;
            invalid("wrong", attempts_left)
        }
    }
}

fn end(cx: &mut Context<'_>) -> Result<(), Failure> {
    Code::forget(cx)?;
    cx.cancel_timer("expire")?;
    Ok(())
}

fn invalid(why: &str, attempts_left: u32) -> Result<Response, Failure> {
    Response::json(200, &json!({ "valid": false, "why": why, "attempts_left": attempts_left }))
}

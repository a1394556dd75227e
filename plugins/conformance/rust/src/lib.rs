//! Does by command what a rule can do. The same commands exist in every language; `../cases` says what each must do.
//!
//! Here is what a command means; `state` has those that read and write, `outgoing` those that send.

mod outgoing;
mod state;

use wasmsc_plugin::{
    Body, ConfigCheck, ConfigError, Context, Failure, HttpHandler, HttpReply, Level, Mo, Receipt, ReceiptHandler,
    Request, RequestHandler, Response, Rule, Timer, TimerHandler, export_rule, json,
};

pub struct Conformance;

impl Rule for Conformance {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        let Some(text) = mo.text() else { return reply(cx, mo.body.clone()) };
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "ECHO" => reply(cx, rest),
            "UTF8" => reply(cx, "åäö€ Привет 😀"),
            "COUNT" | "SET" | "GET" | "DEL" | "KEYS" => state::of_device(cx, verb, rest),
            "SADD" | "SSET" | "SGET" | "SDEL" | "SKEYS" => state::shared(cx, verb, rest),
            "TIMER" | "CANCEL" => state::timers(cx, verb, rest),
            "DRAFT" => outgoing::draft(cx),
            "SEND" => outgoing::send(cx, rest),
            "HTTP" => outgoing::http(cx, rest),
            "CONFIG" => {
                let value = cx.config(rest).unwrap_or_else(none);
                reply(cx, value)
            }
            "SECRET" => {
                let length = cx.secret(rest).map(|secret| secret.expose().chars().count().to_string());
                reply(cx, length.unwrap_or_else(none))
            }
            "LOG" => {
                cx.log(Level::Warn, rest, &[("kind", "test")]);
                reply(cx, "ok")
            }
            "RETRY" => match cx.attempt() {
                1 => Err(Failure::Retry { after_ms: Some(1500) }),
                attempt => reply(cx, format!("attempt {attempt}")),
            },
            "REJECT" => Err(Failure::reject(rest)),
            "RANDOM" => {
                let drawn = hex(&cx.random_bytes(16));
                reply(cx, drawn)
            }
            "FACTS" => facts(cx),
            "TLV" => tlv(cx, rest),
            "DEVICE" => device(cx, rest),
            "PARTIAL" => {
                cx.set_state_bytes("p", b"1")?;
                cx.reply("lost")?;
                Err(Failure::reject("partial"))
            }
            "TRAP" => panic!("asked to"),
            "SPIN" => spin(),
            _ => reply(cx, "?"),
        }
    }
}

impl TimerHandler for Conformance {
    fn handle_timer(timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure> {
        reply(cx, format!("timer {} {}", timer.name, String::from_utf8_lossy(&timer.payload)))
    }
}

impl ReceiptHandler for Conformance {
    fn handle_receipt(receipt: &Receipt, cx: &mut Context<'_>) -> Result<(), Failure> {
        let tag = receipt.tag.as_deref().unwrap_or("none");
        reply(cx, format!("receipt {tag} {}", receipt.state))
    }
}

impl HttpHandler for Conformance {
    fn handle_http_reply(answer: &HttpReply, cx: &mut Context<'_>) -> Result<(), Failure> {
        let status = answer.status.map_or_else(none, |status| status.to_string());
        reply(cx, format!("http {} {status}", answer.tag))
    }
}

impl RequestHandler for Conformance {
    fn handle_request(request: &Request, _cx: &mut Context<'_>) -> Result<Response, Failure> {
        match request.name.as_str() {
            "ping" => Response::json(200, &json!({ "pong": true })),
            "fail" => Err(Failure::reject("no")),
            _ => Response::json(404, &json!({})),
        }
    }
}

impl ConfigCheck for Conformance {
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        match cx.config("bad") {
            Some(_) => Err(ConfigError::new("bad is set")),
            None => Ok(()),
        }
    }
}

export_rule!(Conformance: mo, receipts, timers, http, requests, config);

fn facts(cx: &mut Context<'_>) -> Result<(), Failure> {
    let coding = cx.data_coding().map_or_else(none, |coding| coding.to_string());
    let facts = format!("{} {} {coding} {}", cx.invocation_id(), cx.attempt(), cx.segments());
    reply(cx, facts)
}

fn tlv(cx: &mut Context<'_>, tag: &str) -> Result<(), Failure> {
    let tag = u16::from_str_radix(tag, 16).map_err(|error| Failure::reject(format!("{tag:?} is no tag: {error}")))?;
    let value = cx.tlv(tag).map_or_else(none, |value| hex(&value));
    reply(cx, value)
}

fn device(cx: &mut Context<'_>, key: &str) -> Result<(), Failure> {
    let attribute = cx.attribute(key).unwrap_or_else(none);
    let device = format!("{} {attribute} {}", cx.msisdn(), cx.tags().join(","));
    reply(cx, device)
}

fn spin() -> ! {
    let mut round = 0_u64;
    loop {
        round = std::hint::black_box(round.wrapping_add(1));
    }
}

fn reply(cx: &mut Context<'_>, body: impl Into<Body>) -> Result<(), Failure> {
    cx.reply(body)?;
    Ok(())
}

fn none() -> String {
    "none".to_owned()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

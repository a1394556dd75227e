//! A rule that misuses effects and handlers on demand. For the tests of the host; never deploy it. `hostile` is the one
//! that misuses its call.
//!
//! | MO | What it does |
//! |---|---|
//! | `TIMERS <n>`, `TIMERSQ <n>` | sets n timers of different names; fails when one is refused, or replies how many were taken |
//! | `RESET <n>` | sets one timer n times |
//! | `FAR <ms>`, `PAYLOAD <octets>`, `NAME <octets>` | sets one timer like that |
//! | `AFTER <ms> <name>` | sets the timer of that name, see below |
//! | `HTTP <n> <url>`, `HTTPQ <n> <url>` | submits n calls; fails when one is refused, or replies how many were taken |
//! | `HTTPBIG <octets> <url>` | submits one with such a body |
//! | `HTTPHEAD <name> <value>` | submits one to https://api.example.net/ with that header; `\n` is a line end |
//! | `HTTPTAG <tag> <url>` | submits one with that tag, see below |
//! | `SHARE <n>`, `SHAREBIG <octets>`, `SADD <n>` | writes n shared keys; one value; adds to n shared integers |
//! | `CONFLICT <rounds>` | reads the shared integer `hot`, computes, writes the sum: two at once conflict |
//! | `HOT` | replies with `hot` |
//! | `DRAFTS <n>`, `DRAFTLOOP` | makes n drafts, or drafts without end, and sends none |
//! | `DRAFTTAG <octets>`, `DRAFTTLV <octets>`, `DRAFTTLVS <n>` | sends a draft with such a tag, such a TLV, n TLVs |
//! | `DELAYED <n>` | sends n drafts that leave in a year |
//! | `RECEIPT <tag>` | sends a message that asks for a receipt, see below |
//! | `SECRET <name>` | logs a secret, in text and field, prints it, and replies with its length |
//! | `SECRETREJECT <name>`, `SECRETTRAP <name>` | rejects or panics with it |
//! | `ECHO <text>`, anything else | replies with the text |
//!
//! A timer, a receipt's tag and an HTTP call's tag name what their event does: `again` does the same thing again, `trap`
//! panics, `loop` computes for ever, `retry` always asks for another attempt, `reject` rejects; others reply with their
//! name. Requests are in `asked`, config checks in `checked`.

mod asked;
mod checked;
mod floods;
mod raw;

use std::time::Duration;

use wasmsc_plugin::{
    Body, Context, Draft, Failure, HttpHandler, HttpReply, HttpRequest, Mo, Receipt, ReceiptHandler, Rule, Timer,
    TimerHandler, export_rule,
};

pub struct Effects;

impl Rule for Effects {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        let text = mo.text().unwrap_or_default();
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "TIMERS" | "TIMERSQ" | "RESET" | "FAR" | "PAYLOAD" | "NAME" => floods::timers(cx, verb, number(rest)?),
            "AFTER" => {
                let (delay, name) = split(rest)?;
                cx.set_timer(name, Duration::from_millis(number(delay)?), delay)?;
                Ok(())
            }
            "HTTP" | "HTTPQ" | "HTTPBIG" => {
                let (count, url) = split(rest)?;
                floods::http(cx, verb, number(count)?, url)
            }
            "HTTPHEAD" => {
                let (name, value) = split(rest)?;
                post("https://api.example.net/", "x").header(name, value.replace("\\n", "\n")).submit(cx)?;
                Ok(())
            }
            "HTTPTAG" => {
                let (tag, url) = split(rest)?;
                cx.set_state("url", url)?;
                post(url, tag).submit(cx)?;
                Ok(())
            }
            "SHARE" | "SHAREBIG" | "SADD" | "CONFLICT" | "HOT" => floods::shared(cx, verb, rest),
            "DRAFTS" => {
                raw::drafts_without_sending(number(rest)?);
                reply(cx, "made")
            }
            "DRAFTLOOP" => raw::drafts_for_ever(),
            "DRAFTTAG" | "DRAFTTLV" | "DRAFTTLVS" | "DELAYED" => floods::drafts(cx, verb, number(rest)?),
            "RECEIPT" => wanted(cx, rest),
            "SECRET" | "SECRETREJECT" | "SECRETTRAP" => secret(cx, verb, rest),
            "ECHO" => reply(cx, rest),
            _ => reply(cx, text),
        }
    }
}

impl TimerHandler for Effects {
    fn handle_timer(timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure> {
        let delay = timer.text().and_then(|delay| delay.parse().ok()).unwrap_or(0);
        act(cx, &timer.name, |cx| Ok(cx.set_timer("again", Duration::from_millis(delay), &timer.payload)?))
    }
}

impl ReceiptHandler for Effects {
    fn handle_receipt(receipt: &Receipt, cx: &mut Context<'_>) -> Result<(), Failure> {
        act(cx, receipt.tag.as_deref().unwrap_or("none"), |cx| wanted(cx, "again"))
    }
}

impl HttpHandler for Effects {
    fn handle_http_reply(answer: &HttpReply, cx: &mut Context<'_>) -> Result<(), Failure> {
        act(cx, &answer.tag, |cx| {
            let url: Option<String> = cx.state("url")?;
            Ok(post(&url.unwrap_or_default(), "again").submit(cx)?)
        })
    }
}

export_rule!(Effects: mo, receipts, timers, http, requests, config);

fn act(
    cx: &mut Context<'_>,
    name: &str,
    again: impl FnOnce(&mut Context<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match name {
        "again" => again(cx),
        "trap" => panic!("hostile: boom in a handler"),
        "loop" => compute_for_ever(),
        "retry" => Err(Failure::retry_after(Duration::from_millis(10))),
        "reject" => Err(Failure::reject("hostile: no")),
        name => reply(cx, name),
    }
}

fn wanted(cx: &mut Context<'_>, tag: &str) -> Result<(), Failure> {
    Draft::new(cx.msisdn(), "wanted").tag(tag).request_receipt().send(cx)?;
    Ok(())
}

fn secret(cx: &mut Context<'_>, verb: &str, name: &str) -> Result<(), Failure> {
    let Some(secret) = cx.secret(name) else { return reply(cx, "none") };
    let secret = secret.expose();
    match verb {
        "SECRETREJECT" => Err(Failure::reject(format!("the secret is {secret}"))),
        "SECRETTRAP" => panic!("the secret is {secret}"),
        _ => {
            cx.log(wasmsc_plugin::Level::Error, &format!("the secret is {secret}"), &[("secret", secret)]);
            println!("the secret is {secret}");
            eprintln!("the secret is {secret}");
            reply(cx, secret.len().to_string())
        }
    }
}

fn post(url: &str, tag: &str) -> HttpRequest {
    HttpRequest::post(url).tag(tag)
}

fn compute_for_ever() -> ! {
    let mut round = 0_u64;
    loop {
        round = std::hint::black_box(round.wrapping_add(1));
    }
}

fn reply(cx: &mut Context<'_>, body: impl Into<Body>) -> Result<(), Failure> {
    cx.reply(body)?;
    Ok(())
}

fn split(rest: &str) -> Result<(&str, &str), Failure> {
    rest.split_once(' ').ok_or_else(|| Failure::reject(format!("{rest:?} has one word, two are needed")))
}

fn number(text: &str) -> Result<u64, Failure> {
    text.trim().parse().map_err(|error| Failure::reject(format!("{text:?} is no count: {error}")))
}

#[cfg(test)]
mod tests;

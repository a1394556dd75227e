//! The commands that send.

use std::time::Duration;

use wasmsc_plugin::{Context, Draft, Failure, HttpRequest};

use crate::reply;

pub fn draft(cx: &mut Context<'_>) -> Result<(), Failure> {
    Draft::new(cx.msisdn(), "draft")
        .sender("7001")
        .tag("t1")
        .validity(Duration::from_secs(60))
        .delay(Duration::from_secs(1))
        .priority(2)
        .request_receipt()
        .tlv(0x1400, [1, 2, 3])
        .send(cx)?;
    Ok(())
}

pub fn send(cx: &mut Context<'_>, rest: &str) -> Result<(), Failure> {
    let (to, text) = rest.split_once(' ').unwrap_or((rest, ""));
    match cx.send(to, text) {
        Ok(_) => Ok(()),
        Err(error) => reply(cx, error.name()),
    }
}

pub fn http(cx: &mut Context<'_>, url: &str) -> Result<(), Failure> {
    let request = HttpRequest::post(url).header("x-test", "1").body("hello").authorization("token").tag("h1");
    let answer = match request.submit(cx) {
        Ok(()) => "ok",
        Err(error) => error.name(),
    };
    reply(cx, answer)
}

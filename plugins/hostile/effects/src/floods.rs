//! More than a call, a device or a rule may have.

use std::time::Duration;

use wasmsc_plugin::{Context, Draft, Failure};

use crate::{number, post, reply};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

pub fn timers(cx: &mut Context<'_>, verb: &str, count: u64) -> Result<(), Failure> {
    let size = usize::try_from(count).unwrap_or(usize::MAX);
    match verb {
        "TIMERS" => (0..count).try_for_each(|n| cx.set_timer(&format!("flood{n:07}"), YEAR, ""))?,
        "TIMERSQ" => {
            let taken = (0..count).filter(|n| cx.set_timer(&format!("flood{n:07}"), YEAR, "").is_ok()).count();
            return reply(cx, taken.to_string());
        }
        "RESET" => (0..count).try_for_each(|n| cx.set_timer("reset", YEAR, n.to_string()))?,
        "FAR" => cx.set_timer("far", Duration::from_millis(count), "")?,
        "PAYLOAD" => cx.set_timer("payload", YEAR, vec![0x5a; size])?,
        _ => cx.set_timer(&"n".repeat(size), YEAR, "")?,
    }
    Ok(())
}

pub fn http(cx: &mut Context<'_>, verb: &str, count: u64, url: &str) -> Result<(), Failure> {
    match verb {
        "HTTP" => (0..count).try_for_each(|n| post(url, "flood").body(n.to_string()).submit(cx))?,
        "HTTPQ" => {
            let taken = (0..count).filter(|n| post(url, "flood").body(n.to_string()).submit(cx).is_ok()).count();
            return reply(cx, taken.to_string());
        }
        _ => post(url, "big").body(vec![b'x'; usize::try_from(count).unwrap_or(usize::MAX)]).submit(cx)?,
    }
    Ok(())
}

pub fn shared(cx: &mut Context<'_>, verb: &str, rest: &str) -> Result<(), Failure> {
    match verb {
        "SHARE" => (0..number(rest)?).try_for_each(|n| cx.set_shared_bytes(&format!("flood{n:07}"), b"x"))?,
        "SHAREBIG" => cx.set_shared_bytes("big", &vec![0x5a; usize::try_from(number(rest)?).unwrap_or(usize::MAX)])?,
        "SADD" => (0..number(rest)?).try_for_each(|n| cx.add_shared(&format!("sum{n:07}"), 1))?,
        "CONFLICT" => {
            let before = cx.shared_count("hot")?;
            for round in 0..number(rest)? {
                std::hint::black_box(round);
            }
            cx.set_shared_bytes("hot", &(before + 1).to_le_bytes())?;
        }
        _ => {
            let hot = cx.shared_count("hot")?;
            return reply(cx, hot.to_string());
        }
    }
    Ok(())
}

pub fn drafts(cx: &mut Context<'_>, verb: &str, count: u64) -> Result<(), Failure> {
    let size = usize::try_from(count).unwrap_or(usize::MAX);
    let draft = Draft::new(cx.msisdn(), "draft");
    let sent = match verb {
        "DRAFTTAG" => draft.tag("t".repeat(size)).send(cx),
        "DRAFTTLV" => draft.tlv(0x1400, vec![0x5a; size]).send(cx),
        "DRAFTTLVS" => (0..count).fold(draft, |draft, n| draft.tlv(0x1400 + (n % 0x2c00) as u16, [1])).send(cx),
        _ => {
            for _ in 0..count {
                draft.clone().delay(YEAR).send(cx)?;
            }
            return Ok(());
        }
    };
    sent?;
    Ok(())
}

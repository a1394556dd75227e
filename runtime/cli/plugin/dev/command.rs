//! What is typed in `wasmsc plugin dev`: an SMS, or a command that begins with a colon.

use crate::cases::{Body, parse_hex, parse_span};
use crate::cases::{MESSAGE_STATES, Trigger};
use crate::config::nearest;
use crate::message::Address;

/// One line.
#[derive(Debug, PartialEq)]
pub enum Command {
    Event(Trigger),
    /// Lets so many milliseconds pass; timers that come due fire.
    Advance(u64),
    /// Be another device.
    Device(Address),
    /// Write to another number.
    Number(Address),
    Set(Table, String, Option<String>),
    State,
    Shared,
    Timers,
    Help,
    Quit,
    /// An empty line.
    Nothing,
}

/// What the rule finds of its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Config,
    Secret,
    Attribute,
}

const NAMES: [&str; 18] = [
    "advance",
    "again",
    "attribute",
    "check",
    "config",
    "device",
    "help",
    "hex",
    "http",
    "number",
    "quit",
    "receipt",
    "request",
    "secret",
    "shared",
    "state",
    "timer",
    "timers",
];

pub const HELP: &str = "  TEXT                    an SMS of the device
  :hex 0102               a binary one
  :advance 5m             lets time pass; timers that come due fire (units ms s m h d)
  :timer NAME             goes on to when this timer is due
  :receipt N STATE [ERR]  the receipt of the N-th message that asked for one, such as :receipt 1 delivered
  :http TAG STATUS BODY   the answer to an HTTP call; without a status, that none came
  :request NAME JSON      a request over REST
  :again                  the next attempt of what ended in retry
  :check                  runs the check of the config
  :state  :shared  :timers   what is kept
  :device +46700000004    be another device          :number 7002   write to another number
  :config NAME VALUE      a setting; without a value it is removed; :secret and :attribute likewise
  :help                   this                       :quit           or Ctrl-D";

/// An error says what was expected.
pub fn parse(line: &str) -> Result<Command, String> {
    let Some(line) = line.strip_prefix(':') else {
        let text = line.trim_end_matches(['\r', '\n']);
        return Ok(if text.is_empty() { Command::Nothing } else { Command::Event(mo(Body::Text(text.to_owned()))) });
    };
    let (name, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
    let rest = rest.trim();
    let wanted = |what: &str| format!("expected :{name} {what}");
    Ok(match name {
        "hex" => Command::Event(mo(Body::Binary(parse_hex(rest)?))),
        "advance" => Command::Advance(parse_span(rest)?),
        "timer" if !rest.is_empty() => Command::Event(Trigger::Timer(rest.to_owned())),
        "timer" => return Err(wanted("NAME")),
        "receipt" => Command::Event(receipt(rest).ok_or_else(|| wanted("1 delivered"))?),
        "http" => Command::Event(http(rest).ok_or_else(|| wanted("TAG 200 BODY"))?),
        "request" => {
            let (name, body) = rest.split_once(' ').unwrap_or((rest, ""));
            if name.is_empty() {
                return Err(wanted("NAME JSON"));
            }
            Command::Event(Trigger::Request { name: name.to_owned(), body: body.trim().as_bytes().to_vec() })
        }
        "again" => Command::Event(Trigger::Again),
        "check" => Command::Event(Trigger::Check),
        "device" => match Address::parse(rest) {
            Ok(device @ Address::Msisdn(_)) => Command::Device(device),
            _ => return Err(wanted("+46700000004")),
        },
        "number" => Command::Number(Address::parse(rest).map_err(|error| error.to_string())?),
        "config" => set(Table::Config, rest).ok_or_else(|| wanted("NAME VALUE"))?,
        "secret" => set(Table::Secret, rest).ok_or_else(|| wanted("NAME VALUE"))?,
        "attribute" => set(Table::Attribute, rest).ok_or_else(|| wanted("NAME VALUE"))?,
        "state" => Command::State,
        "shared" => Command::Shared,
        "timers" => Command::Timers,
        "help" | "h" | "?" => Command::Help,
        "quit" | "q" | "exit" => Command::Quit,
        other => return Err(unknown(other)),
    })
}

fn mo(body: Body) -> Trigger {
    Trigger::Mo { body, to: None, tlvs: Vec::new(), coding: None }
}

fn unknown(name: &str) -> String {
    let near = nearest(name, NAMES.into_iter()).map(|near| format!("; did you mean :{near}?"));
    format!("unknown command :{name}{}", near.unwrap_or_else(|| ", see :help".to_owned()))
}

fn receipt(rest: &str) -> Option<Trigger> {
    let mut words = rest.split_whitespace();
    let of = words.next()?.parse().ok().filter(|of| *of > 0)?;
    let state = words.next().unwrap_or("delivered");
    let state = MESSAGE_STATES.contains(&state).then(|| state.to_owned())?;
    let error = words.next().map(str::parse).transpose().ok()?;
    Some(Trigger::Receipt { of, state, error })
}

fn http(rest: &str) -> Option<Trigger> {
    let mut parts = rest.splitn(3, ' ');
    let tag = parts.next().filter(|tag| !tag.is_empty())?.to_owned();
    let status = match parts.next() {
        Some(status) => Some(status.parse().ok()?),
        None => None,
    };
    Some(Trigger::HttpReply { tag, status, body: parts.next().unwrap_or_default().as_bytes().to_vec() })
}

fn set(table: Table, rest: &str) -> Option<Command> {
    let (name, value) = rest.split_once(' ').map_or((rest, None), |(name, value)| (name, Some(value.trim())));
    (!name.is_empty()).then(|| Command::Set(table, name.to_owned(), value.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_messages_and_commands_begin_with_a_colon() {
        let text = |text: &str| Ok(Command::Event(mo(Body::Text(text.into()))));
        assert_eq!(parse("hello : there"), text("hello : there"));
        assert_eq!(parse(""), Ok(Command::Nothing));
        assert_eq!(parse(":hex 01 02"), Ok(Command::Event(mo(Body::Binary(vec![1, 2])))));
        assert_eq!(parse(":advance 5m"), Ok(Command::Advance(300_000)));
        assert_eq!(parse(":state"), Ok(Command::State));
        let receipt = Trigger::Receipt { of: 2, state: "expired".into(), error: Some(1) };
        assert_eq!(parse(":receipt 2 expired 001"), Ok(Command::Event(receipt)));
        let reply = |status, body: &str| Trigger::HttpReply { tag: "t".into(), status, body: body.into() };
        assert_eq!(parse(":http t 200 { \"a\": 1 }"), Ok(Command::Event(reply(Some(200), "{ \"a\": 1 }"))));
        assert_eq!(parse(":http t"), Ok(Command::Event(reply(None, ""))));
        let request = Trigger::Request { name: "issue".into(), body: b"{}".to_vec() };
        assert_eq!(parse(":request issue {}"), Ok(Command::Event(request)));
        let set = |value: Option<&str>| Command::Set(Table::Config, "a".into(), value.map(str::to_owned));
        assert_eq!(parse(":config a b c"), Ok(set(Some("b c"))));
        assert_eq!(parse(":config a"), Ok(set(None)));
    }

    #[test]
    fn what_is_no_command_is_told_with_the_nearest() {
        assert_eq!(parse(":advnce 5m"), Err("unknown command :advnce; did you mean :advance?".into()));
        for wrong in [
            ":advance five",
            ":receipt",
            ":receipt 0 delivered",
            ":receipt 1 lost",
            ":http",
            ":device 7001",
            ":config",
            ":timer",
            ":zzzzzzz",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn help_has_every_command() {
        for name in NAMES {
            assert!(HELP.contains(&format!(":{name}")), "{name}");
        }
    }
}

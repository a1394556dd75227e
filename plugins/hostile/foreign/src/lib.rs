//! A rule that knows the interfaces of other hosts only: wasi:logging, wasi:config and wasi:keyvalue. What it is told by
//! them it replies with, through the one thing that they have not, the outbox. For the tests of the host; never deploy it.
//!
//! | MO | What it does |
//! |---|---|
//! | `CONFIG <key>`, `CONFIGS` | replies with a setting, with all of them |
//! | `LOG <level> <context> <message>` | logs a line |
//! | `OPEN <bucket>` | opens a bucket |
//! | `GET <bucket> <key>`, `HAS …`, `DELETE …` | one key |
//! | `SET <bucket> <key> <value>` | writes it |
//! | `ADD <bucket> <key> <delta>` | adds to an integer, replies with the sum |
//! | `KEYS <bucket>` | replies with the number of keys, of pages, the first and the last key |
//! | `FILL <bucket> <n>` | writes n keys at once |
//! | `MANY <bucket> <key>…` | reads several at once |
//! | `EMPTY <bucket> <key>…` | deletes several at once |
//!
//! The bucket of the device is written `-`.

wit_bindgen::generate!({
    inline: "package test:foreign;
        world foreign {
            import wasi:logging/logging@0.1.0-draft;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:keyvalue/store@0.2.0-draft;
            import wasi:keyvalue/atomics@0.2.0-draft;
            import wasi:keyvalue/batch@0.2.0-draft;
            import wasmsc:plugin/outbox@0.1.0;
            export wasmsc:plugin/mo-handler@0.1.0;
        }",
    path: ["../../../runtime/plugin/shims/wit", "../../../wit"],
    generate_all,
});

use exports::wasmsc::plugin::mo_handler::{Guest, HandlerError, Message};
use wasi::config::store as config;
use wasi::keyvalue::store::{self, Bucket, Error};
use wasi::keyvalue::{atomics, batch};
use wasi::logging::logging::{self, Level};
use wasmsc::plugin::outbox;
use wasmsc::plugin::types::Body;

struct Foreign;

export!(Foreign);

impl Guest for Foreign {
    fn handle_mo(mo: Message) -> Result<(), HandlerError> {
        let Body::Text(text) = &mo.body else { return Err(HandlerError::Reject("no text".to_owned())) };
        let answer = answer(text).unwrap_or_else(|error| match error {
            Error::NoSuchStore => "no such store".to_owned(),
            Error::AccessDenied => "access denied".to_owned(),
            Error::Other(why) => format!("other: {why}"),
        });
        let sent = outbox::reply(&Body::Text(answer));
        sent.map(|_| ()).map_err(|error| HandlerError::Reject(format!("{error:?}")))
    }
}

fn answer(text: &str) -> Result<String, Error> {
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["CONFIG", key] => Ok(said(config::get(key)).unwrap_or_else(|| "none".to_owned())),
        ["CONFIGS"] => Ok(said(config::get_all()).iter().map(|(key, value)| format!("{key}={value} ")).collect()),
        ["LOG", level, context, message] => {
            logging::log(level_named(level), context, message);
            Ok("logged".to_owned())
        }
        ["OPEN", bucket] => store::open(bucket).map(|_| "opened".to_owned()),
        [verb, bucket, ref rest @ ..] => {
            let bucket = store::open(if bucket == "-" { "" } else { bucket })?;
            in_bucket(verb, &bucket, rest)
        }
        _ => Err(Error::Other("what?".to_owned())),
    }
}

fn in_bucket(verb: &str, bucket: &Bucket, rest: &[&str]) -> Result<String, Error> {
    match (verb, rest) {
        ("GET", [key]) => Ok(bucket.get(key)?.map_or("none".to_owned(), words)),
        ("HAS", [key]) => Ok(bucket.exists(key)?.to_string()),
        ("SET", [key, value]) => bucket.set(key, value.as_bytes()).map(|()| "set".to_owned()),
        ("DELETE", [key]) => bucket.delete(key).map(|()| "deleted".to_owned()),
        ("ADD", [key, delta]) => Ok(atomics::increment(bucket, key, number(delta)?)?.to_string()),
        ("KEYS", []) => keys(bucket),
        ("FILL", [count]) => {
            let pairs: Vec<_> = (0..number(count)?).map(|n| (format!("k{n:03}"), b"v".to_vec())).collect();
            batch::set_many(bucket, &pairs).map(|()| "filled".to_owned())
        }
        ("MANY", names) => {
            let found = batch::get_many(bucket, &owned(names))?;
            let one = |found: Option<(String, Vec<u8>)>| {
                found.map_or("none ".to_owned(), |(key, value)| format!("{key}={} ", words(value)))
            };
            Ok(found.into_iter().map(one).collect())
        }
        ("EMPTY", names) => batch::delete_many(bucket, &owned(names)).map(|()| "emptied".to_owned()),
        _ => Err(Error::Other("what?".to_owned())),
    }
}

/// Page by page, as the interface has it.
fn keys(bucket: &Bucket) -> Result<String, Error> {
    let (mut names, mut pages, mut cursor) = (Vec::new(), 0, None);
    loop {
        let page = bucket.list_keys(cursor)?;
        names.extend(page.keys);
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            let ends = [names.first(), names.last()].map(|name| name.map_or("-", String::as_str));
            return Ok(format!("{} keys in {pages} pages, {} to {}", names.len(), ends[0], ends[1]));
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Other(format!("{text} is no number")))
}

fn words(value: Vec<u8>) -> String {
    match String::from_utf8(value) {
        Ok(text) => text,
        Err(error) => format!("{:?}", error.into_bytes()),
    }
}

fn level_named(name: &str) -> Level {
    match name {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => Level::Critical,
    }
}

fn said<T>(answer: Result<T, config::Error>) -> T {
    answer.unwrap_or_else(|error| panic!("{error:?}"))
}

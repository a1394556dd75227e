//! `--update`: writes what came out into a case file. Comments, order and whatever was right stay as they are.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use serde_json::Value as Json;

use super::case::{Body, Case, Event, Expect, TimerChange, Wanted};
use super::compare::{self, compare};
use super::got::{Answer, Got, HttpCall, LogLine, Message, PRIORITY, TimerEffect, headline};
use super::lapse;
use super::octets::{Octets, hex};

/// The new text of the file. `got`: of each event, in their order; events behind the last are left alone.
pub fn update(text: &str, case: &Case, got: &[Got]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    let events = document.get_mut("event").ok_or("no [[event]] in it")?;
    let mut rows = Rows::of(events).ok_or("[[event]] is no list of tables")?;
    for (index, (event, got)) in case.events.iter().zip(got).enumerate() {
        if let Some(row) = rows.get(index)
            && !compare(event, got).is_empty()
        {
            of_event(row, event, got, &case.given.number.to_string());
        }
    }
    Ok(document.to_string())
}

fn of_event(row: &mut dyn TableLike, event: &Event, got: &Got, number: &str) {
    let expect = &event.expect;
    outcome(row, expect, got);
    let right = |index: usize, got: &Message| expect.sent.get(index).is_some_and(|sent| compare::is_sent(sent, got));
    list(row, "sent", &got.sent, right, |row, is_new, got| sent(row, is_new, got, number));
    timers(row, expect, &got.timers);
    let right = |index: usize, got: &HttpCall| expect.http.get(index).is_some_and(|call| compare::is_http(call, got));
    list(row, "http", &got.http, right, http);
    if let Some(lines) = &expect.log {
        let right = |index: usize, got: &LogLine| lines.is.get(index).is_some_and(|line| compare::is_log(line, got));
        list(row, "log", &got.log, right, log);
    }
    if let (Some(expected), Some(got)) = (&expect.response, &got.response)
        && let Some(row) = row.get_mut("response").and_then(Item::as_table_like_mut)
    {
        let body = expected.body.as_ref().map(|body| &body.is);
        response(row, body, got);
    }
    values(row, "state", expect.state.as_ref().map(|state| &state.is), &got.state);
    values(row, "shared", expect.shared.as_ref().map(|shared| &shared.is), &got.shared);
}

fn outcome(row: &mut dyn TableLike, expect: &Expect, got: &Got) {
    let wanted = got.outcome.wanted();
    let is_as_written = match (expect.outcome.is, wanted) {
        (Wanted::Retry(None), Wanted::Retry(_)) => true,
        (written, wanted) => written == wanted,
    };
    if !is_as_written {
        put(row, "outcome", wanted.to_string().into());
    }
    match (got.outcome.why(), &expect.why) {
        (None, _) => {
            row.remove("why");
        }
        (Some(why), Some(part)) if why.contains(&part.is) => {}
        (Some(_), None) if is_as_written => {}
        (Some(why), _) => put(row, "why", headline(why).into()),
    }
}

pub fn sent(row: &mut dyn TableLike, is_new: bool, got: &Message, number: &str) {
    let mut field = |key: &str, is_plain: bool, value: Value| {
        if row.contains_key(key) || (is_new && !is_plain) {
            put(row, key, value);
        }
    };
    field("to", false, got.to.as_str().into());
    field("from", got.from == number, got.from.as_str().into());
    if let Some(tag) = &got.tag {
        field("tag", false, tag.as_str().into());
    }
    field("receipt", !got.receipt, got.receipt.into());
    field("delay", got.delay_ms == 0, lapse::text(got.delay_ms).into());
    if let Some(validity) = got.validity_ms {
        field("validity", false, lapse::text(validity).into());
    }
    field("priority", got.priority == PRIORITY, i64::try_from(got.priority).unwrap_or(i64::MAX).into());
    field("tlvs", got.tlvs.is_empty(), tlvs(&got.tlvs));
    for (key, is_there) in [("tag", got.tag.is_some()), ("validity", got.validity_ms.is_some())] {
        if !is_there {
            row.remove(key);
        }
    }
    let had_body = is_new || row.contains_key("text") || row.contains_key("hex");
    match &got.body {
        _ if !had_body => {}
        Body::Text(text) => instead(row, "text", &["hex"], text.as_str().into()),
        Body::Binary(octets) => instead(row, "hex", &["text"], hex(octets).into()),
    }
}

pub fn tlvs(tlvs: &[(u16, Vec<u8>)]) -> Value {
    let table: InlineTable = tlvs.iter().map(|(tag, value)| (format!("{tag:04x}"), Value::from(hex(value)))).collect();
    table.into()
}

pub fn http(row: &mut dyn TableLike, is_new: bool, got: &HttpCall) {
    for (key, value) in [("method", &got.method), ("url", &got.url), ("tag", &got.tag)] {
        if is_new || row.contains_key(key) {
            put(row, key, value.as_str().into());
        }
    }
    match &got.authorization {
        Some(secret) if is_new || row.contains_key("authorization") => {
            put(row, "authorization", secret.as_str().into());
        }
        Some(_) => {}
        None => {
            row.remove("authorization");
        }
    }
    if let Some(headers) = row.get_mut("headers").and_then(Item::as_table_like_mut) {
        for (name, value) in &got.headers {
            if headers.contains_key(name) {
                put(headers, name, value.as_str().into());
            }
        }
    }
    let written = ["json", "body", "hex"].into_iter().find(|key| row.contains_key(key));
    if let Some(octets) = got.body.as_deref().filter(|_| is_new || written.is_some()) {
        body(row, &in_the_form_of(written, octets));
    } else if got.body.is_none() {
        ["json", "body", "hex"].iter().for_each(|key| drop(row.remove(key)));
    }
}

fn in_the_form_of(key: Option<&str>, octets: &[u8]) -> Octets {
    let form = match key {
        Some("json") => Some(Octets::Json(Json::Null)),
        Some("body") => Some(Octets::Text(String::new())),
        Some(_) => Some(Octets::Hex(Vec::new())),
        None => None,
    };
    Octets::like(octets, form.as_ref())
}

pub fn body(row: &mut dyn TableLike, octets: &Octets) {
    match octets {
        Octets::Json(json) => match toml(json) {
            Some(value) => instead(row, "json", &["body", "hex"], value),
            None => instead(row, "body", &["json", "hex"], json.to_string().into()),
        },
        Octets::Text(text) => instead(row, "body", &["json", "hex"], text.as_str().into()),
        Octets::Hex(_) | Octets::Int(_) => instead(row, "hex", &["json", "body"], hex(&octets.to_vec()).into()),
    }
}

fn log(row: &mut dyn TableLike, is_new: bool, got: &LogLine) {
    if is_new || row.contains_key("level") {
        put(row, "level", got.level.as_str().into());
    }
    let says_it = row.get("contains").and_then(Item::as_str).is_some_and(|part| got.text.contains(part));
    if (is_new || row.contains_key("contains")) && !says_it {
        put(row, "contains", got.text.as_str().into());
    }
    let fields: InlineTable = got.fields.iter().map(|(name, value)| (name.as_str(), Value::from(value))).collect();
    if row.contains_key("fields") {
        put(row, "fields", fields.into());
    }
}

fn response(row: &mut dyn TableLike, expected: Option<&Octets>, got: &Answer) {
    if row.contains_key("status") {
        put(row, "status", i64::from(got.status).into());
    }
    if let Some(expected) = expected
        && !expected.matches(&got.body)
    {
        body(row, &Octets::like(&got.body, Some(expected)));
    }
}

fn timers(row: &mut dyn TableLike, expect: &Expect, got: &[TimerEffect]) {
    let name_of = |row: &dyn TableLike| {
        let name = row.get("set").or_else(|| row.get("cancel")).and_then(Item::as_str);
        name.map(str::to_owned)
    };
    let Some(mut rows) = Rows::at(row, "timers", !got.is_empty()) else { return };
    for index in (0..rows.len()).rev() {
        let name = rows.get(index).and_then(|row| name_of(row));
        if got.iter().all(|effect| Some(&effect.name) != name.as_ref()) {
            rows.remove(index);
        }
    }
    for effect in got {
        let expected = expect.timers.iter().find(|timer| timer.name == effect.name);
        if expected.is_some_and(|timer| compare::is_timer(timer, effect)) {
            continue;
        }
        let index =
            (0..rows.len()).find(|index| rows.get(*index).and_then(|row| name_of(row)).as_ref() == Some(&effect.name));
        let index = index.unwrap_or_else(|| rows.push());
        let payload = match expected.map(|timer| &timer.change) {
            Some(TimerChange::Set { payload: Some(payload), .. }) => Some(&payload.is),
            _ => None,
        };
        if let Some(row) = rows.get(index) {
            timer(row, effect, payload);
        }
    }
    if rows.len() == 0 {
        row.remove("timers");
    }
}

pub fn timer(row: &mut dyn TableLike, got: &TimerEffect, payload: Option<&Octets>) {
    let Some(set) = &got.set else {
        ["set", "in", "payload"].iter().for_each(|key| drop(row.remove(key)));
        return put(row, "cancel", got.name.as_str().into());
    };
    instead(row, "set", &["cancel"], got.name.as_str().into());
    put(row, "in", lapse::text(set.in_ms).into());
    if payload.is_some() || !set.payload.is_empty() {
        put(row, "payload", value(&Octets::like(&set.payload, payload)));
    }
}

/// Values by their names, where the case gives them.
fn values(
    row: &mut dyn TableLike,
    key: &str,
    expected: Option<&std::collections::BTreeMap<String, Octets>>,
    got: &std::collections::BTreeMap<String, Vec<u8>>,
) {
    let Some(expected) = expected else { return };
    let Some(table) = row.get_mut(key).and_then(Item::as_table_like_mut) else { return };
    for name in expected.keys().filter(|name| !got.contains_key(*name)) {
        table.remove(name);
    }
    for (name, octets) in got {
        match expected.get(name) {
            Some(value) if value.matches(octets) => {}
            written => put(table, name, value(&Octets::like(octets, written))),
        }
    }
}

/// One row for each that came; rows that are right stay.
fn list<G>(
    row: &mut dyn TableLike,
    key: &str,
    got: &[G],
    is_right: impl Fn(usize, &G) -> bool,
    write: impl Fn(&mut dyn TableLike, bool, &G),
) {
    let Some(mut rows) = Rows::at(row, key, !got.is_empty()) else { return };
    while rows.len() > got.len() {
        rows.remove(rows.len() - 1);
    }
    for (index, got) in got.iter().enumerate() {
        let is_new = index == rows.len();
        if is_new {
            rows.push();
        }
        if let Some(row) = rows.get(index)
            && !is_right(index, got)
        {
            write(row, is_new, got);
        }
    }
    // An empty list of log lines says that there are none; the others say so by being absent.
    if got.is_empty() && key != "log" {
        row.remove(key);
    } else if got.is_empty() {
        row.insert(key, Item::Value(Array::new().into()));
    }
}

/// A list of tables, in either of TOML's two forms.
enum Rows<'d> {
    Tables(&'d mut ArrayOfTables),
    Inline(&'d mut Array),
}

impl<'d> Rows<'d> {
    fn of(item: &'d mut Item) -> Option<Rows<'d>> {
        match item {
            Item::ArrayOfTables(tables) => Some(Rows::Tables(tables)),
            Item::Value(Value::Array(values)) => Some(Rows::Inline(values)),
            _ => None,
        }
    }

    /// Made where it is not there and wanted.
    fn at(row: &'d mut dyn TableLike, key: &str, is_wanted: bool) -> Option<Rows<'d>> {
        let is_empty = row.get(key).is_none_or(|item| item.as_array().is_some_and(Array::is_empty));
        if is_empty && is_wanted {
            row.insert(key, Item::ArrayOfTables(ArrayOfTables::new()));
        }
        Rows::of(row.get_mut(key)?)
    }

    fn len(&self) -> usize {
        match self {
            Rows::Tables(tables) => tables.len(),
            Rows::Inline(values) => values.len(),
        }
    }

    fn get(&mut self, index: usize) -> Option<&mut dyn TableLike> {
        match self {
            Rows::Tables(tables) => tables.get_mut(index).map(|table| table as &mut dyn TableLike),
            Rows::Inline(values) => {
                values.get_mut(index)?.as_inline_table_mut().map(|table| table as &mut dyn TableLike)
            }
        }
    }

    fn remove(&mut self, index: usize) {
        match self {
            Rows::Tables(tables) => drop(tables.remove(index)),
            Rows::Inline(values) => drop(values.remove(index)),
        }
    }

    /// An empty one at the end; yields its index.
    fn push(&mut self) -> usize {
        match self {
            Rows::Tables(tables) => {
                let mut table = Table::new();
                table.decor_mut().set_prefix("");
                tables.push(table);
            }
            Rows::Inline(values) => values.push(InlineTable::new()),
        }
        self.len() - 1
    }
}

/// The comment behind a value stays.
fn put(row: &mut dyn TableLike, key: &str, new: Value) {
    match row.get_mut(key) {
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        _ => drop(row.insert(key, Item::Value(new))),
    }
}

/// One key instead of the others.
fn instead(row: &mut dyn TableLike, key: &str, others: &[&str], new: Value) {
    others.iter().for_each(|other| drop(row.remove(other)));
    put(row, key, new);
}

pub fn value(octets: &Octets) -> Value {
    let named = |name: &str, value: Value| Value::InlineTable([(name, value)].into_iter().collect());
    match octets {
        Octets::Text(text) => text.as_str().into(),
        Octets::Hex(octets) => named("hex", hex(octets).into()),
        Octets::Int(number) => named("int", (*number).into()),
        Octets::Json(json) => match toml(json) {
            Some(value) => named("json", value),
            None => json.to_string().into(),
        },
    }
}

/// None: it has a null, or a number that TOML has not.
fn toml(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(truth) => (*truth).into(),
        Json::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(values) => Value::Array(values.iter().map(toml).collect::<Option<Array>>()?),
        Json::Object(fields) => {
            let fields: Option<InlineTable> = fields.iter().map(|(name, json)| Some((name, toml(json)?))).collect();
            Value::InlineTable(fields?)
        }
    })
}

#[cfg(test)]
mod tests;

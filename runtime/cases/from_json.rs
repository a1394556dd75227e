//! A case that comes as JSON: the tables and keys of a case file, written out as one and read as one.

use std::path::Path;

use serde_json::{Map, Value as Json};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::case::Case;
use super::read::{self, EXPECTED};
use super::source::CaseError;

pub type Fields = Map<String, Json>;

/// A case, and its text as a case file.
pub struct Written {
    pub case: Case,
    pub text: String,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Misread {
    /// `given` or `events[n]`.
    pub field: String,
    pub what: String,
}

/// What is expected of the events is for case files: here somebody wants to see what happens.
pub fn case_of_json(name: &str, given: &Fields, events: &[Fields]) -> Result<Written, Misread> {
    let misread = |field: String| move |what: String| Misread { field, what };
    let given = table(given).map_err(misread("given".into()))?;
    let mut rows = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let field = format!("events[{index}]");
        if let Some(key) = event.keys().find(|key| EXPECTED.contains(&key.as_str())) {
            return Err(Misread {
                field,
                what: format!("{key} is what a case file expects; here it is what comes out"),
            });
        }
        rows.push(table(event).map_err(misread(field))?);
    }
    let text = document(name, &given, &rows).to_string();
    match read(&text) {
        Ok(case) => Ok(Written { case, text }),
        Err(error) => Err(placed(error, &rows)),
    }
}

fn read(text: &str) -> Result<Case, CaseError> {
    read::case(text, Path::new("case"))
}

/// Which event it is that cannot be read: lines mean nothing to whoever wrote JSON.
fn placed(error: CaseError, rows: &[Table]) -> Misread {
    for count in 1..=rows.len() {
        if let Err(error) = read(&document("", &Table::new(), &rows[..count]).to_string()) {
            return Misread { field: format!("events[{}]", count - 1), what: error.what };
        }
    }
    Misread { field: if rows.is_empty() { "events" } else { "given" }.into(), what: error.what }
}

fn document(name: &str, given: &Table, rows: &[Table]) -> DocumentMut {
    let mut document = DocumentMut::new();
    document["name"] = toml_edit::value(name);
    document["given"] = Item::Table(given.clone());
    document["event"] = Item::ArrayOfTables(rows.iter().cloned().collect::<ArrayOfTables>());
    document
}

/// Values of one level: what is below stands on their lines.
fn table(fields: &Fields) -> Result<Table, String> {
    let field = |(name, json): (&String, &Json)| Ok((name.clone(), Item::Value(value(name, json)?)));
    fields.iter().map(field).collect()
}

fn value(name: &str, json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => return Err(format!("{name} is null, which a case cannot have; leave it out")),
        Json::Bool(truth) => (*truth).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => return Err(format!("{name}: {number} is out of range")),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(values) => values.iter().map(|json| value(name, json)).collect::<Result<Array, _>>()?.into(),
        Json::Object(fields) => {
            let field = |(name, json): (&String, &Json)| Ok::<_, String>((name.clone(), value(name, json)?));
            fields.iter().map(field).collect::<Result<InlineTable, _>>()?.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cases::{Body, Octets, Trigger};

    fn fields(json: Json) -> Fields {
        json.as_object().expect("an object").clone()
    }

    fn fault(given: Json, events: &[Json]) -> (String, String) {
        let events: Vec<Fields> = events.iter().cloned().map(fields).collect();
        let misread = case_of_json("n", &fields(given), &events).err().expect("wrong");
        (misread.field, misread.what)
    }

    #[test]
    fn json_says_what_a_case_file_says() {
        let given = fields(json!({
            "device": "+46700000009",
            "attributes": { "place": "Å\n\"b\"" },
            "state": { "a.b": { "json": { "x": [1, 1.5, true] } }, "n": { "int": 3 } },
            "timers": [{ "set": "t", "at": "2026-03-01T08:00:00Z" }],
        }));
        let events = [json!({ "mo": "hi" }), json!({ "mo": { "hex": "00ff" }, "after": "5m" })].map(fields);
        let Written { case, text } = case_of_json("n", &given, &events).expect("right");
        assert_eq!(case.given.attributes["place"], "Å\n\"b\"");
        assert_eq!(case.given.state["a.b"], Octets::Json(json!({ "x": [1, 1.5, true] })));
        assert_eq!((case.given.timers[0].name.as_str(), case.events[1].after_ms), ("t", 300_000));
        assert!(
            matches!(&case.events[1].trigger, Trigger::Mo { body: Body::Binary(octets), .. } if octets == &[0, 255])
        );
        assert_eq!(read(&text).expect("a case file").given.state, case.given.state);
    }

    #[test]
    fn errors_say_which_event_is_wrong() {
        let mo = || json!({ "mo": "x" });
        let (field, what) = fault(json!({}), &[mo(), json!({ "mu": "x" })]);
        assert_eq!(field, "events[1]");
        assert!(what.contains("did you mean \"mo\"?"), "{what}");
        assert_eq!(fault(json!({ "device": "7001" }), &[mo()]).0, "given");
        assert_eq!(fault(json!({}), &[]).0, "events");
        assert_eq!(fault(json!({}), &[json!({ "mo": null })]).0, "events[0]");
        let (field, what) = fault(json!({}), &[mo(), json!({ "mo": "x", "sent": [] })]);
        assert!(field == "events[1]" && what.contains("case file"), "{what}");
    }
}

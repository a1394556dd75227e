//! Octets as case files write them: text, `{ json = … }`, `{ hex = "…" }` or `{ int = … }`.

use std::fmt;

use serde_json::Value as Json;

/// What somebody expects, or gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Octets {
    Text(String),
    /// Compared as JSON: order of keys and white space do not count.
    Json(Json),
    Hex(Vec<u8>),
    /// 8 octets, little-endian, as `state.increment` has them.
    Int(i64),
}

impl Octets {
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Octets::Text(text) => text.clone().into_bytes(),
            Octets::Json(json) => json.to_string().into_bytes(),
            Octets::Hex(octets) => octets.clone(),
            Octets::Int(number) => number.to_le_bytes().to_vec(),
        }
    }

    pub fn matches(&self, got: &[u8]) -> bool {
        match self {
            Octets::Json(json) => serde_json::from_slice(got).is_ok_and(|got: Json| is_same(json, &got)),
            other => other.to_vec() == got,
        }
    }

    /// Octets in the form of what was expected, where they have it; else in the form that says most.
    pub fn like(got: &[u8], expected: Option<&Octets>) -> Octets {
        let wanted = match expected {
            Some(Octets::Int(_)) => int(got),
            Some(Octets::Json(_)) => serde_json::from_slice(got).ok().map(Octets::Json),
            Some(Octets::Text(_)) => text(got),
            Some(Octets::Hex(_)) => Some(Octets::Hex(got.to_vec())),
            None => None,
        };
        wanted.unwrap_or_else(|| Octets::guess(got))
    }

    /// Octet for octet: text, a number, or hex.
    pub fn exact(octets: &[u8]) -> Octets {
        let plain = |text: &&str| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        match std::str::from_utf8(octets).ok().filter(plain) {
            Some(text) => Octets::Text(text.to_owned()),
            None => int(octets).unwrap_or_else(|| Octets::Hex(octets.to_vec())),
        }
    }

    /// As JSON writes what case files write.
    pub fn to_json(&self) -> Json {
        match self {
            Octets::Text(text) => text.as_str().into(),
            Octets::Json(json) => serde_json::json!({ "json": json }),
            Octets::Hex(octets) => serde_json::json!({ "hex": hex(octets) }),
            Octets::Int(number) => serde_json::json!({ "int": number }),
        }
    }

    fn guess(got: &[u8]) -> Octets {
        let object = serde_json::from_slice(got).ok().filter(|json: &Json| json.is_object() || json.is_array());
        let object = object.filter(|json| !has_null(json)).map(Octets::Json);
        object.or_else(|| text(got)).or_else(|| int(got)).unwrap_or_else(|| Octets::Hex(got.to_vec()))
    }
}

/// TOML has no null, so what has one is written as text.
fn has_null(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Array(values) => values.iter().any(has_null),
        Json::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

fn text(got: &[u8]) -> Option<Octets> {
    let text = std::str::from_utf8(got).ok()?;
    let is_plain = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'));
    is_plain.then(|| Octets::Text(text.to_owned()))
}

fn int(got: &[u8]) -> Option<Octets> {
    Some(Octets::Int(i64::from_le_bytes(got.try_into().ok()?)))
}

/// 1 and 1.0 are one number to whoever writes a case.
pub fn is_same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64().is_some_and(|a| Some(a) == b.as_f64()),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// As it would be written in a case file.
impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Octets::Text(text) => write!(f, "{text:?}"),
            Octets::Json(json) => write!(f, "json {json}"),
            Octets::Hex(octets) => write!(f, "hex \"{}\"", hex(octets)),
            Octets::Int(number) => write!(f, "int {number}"),
        }
    }
}

pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Spaces between octets are fine.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let octet = |pair: &[char]| match pair {
        [high, low] => Some((high.to_digit(16)? * 16 + low.to_digit(16)?) as u8),
        _ => None,
    };
    let octets: Option<Vec<u8>> = digits.chunks(2).map(octet).collect();
    octets.ok_or_else(|| format!("{text:?} is no hex, two digits an octet, such as \"0102ff\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_compared_by_what_it_says() {
        let expected = Octets::Json(json!({ "a": 1, "b": [1.5, "x"] }));
        assert!(expected.matches(br#"{ "b": [1.5,"x"], "a": 1.0 }"#));
        for other in [&br#"{"a":1}"#[..], br#"{"a":1,"b":[1.5,"y"]}"#, br#"{"a":1,"b":[1.5,"x"],"c":0}"#, b"", b"{"] {
            assert!(!expected.matches(other), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn integers_have_eight_octets() {
        assert!(Octets::Int(-2).matches(&(-2_i64).to_le_bytes()));
        assert!(!Octets::Int(2).matches(b"2"));
    }

    #[test]
    fn what_came_is_shown_as_it_was_expected_or_as_it_reads_best() {
        let six = 6_i64.to_le_bytes();
        assert_eq!(Octets::like(&six, None), Octets::Int(6));
        assert_eq!(Octets::like(b"plain", Some(&Octets::Int(1))), Octets::Text("plain".into()));
        assert_eq!(Octets::like(b"{\"a\":1}", None), Octets::Json(json!({ "a": 1 })));
        assert_eq!(Octets::like(b"{\"a\":1}", Some(&Octets::Text(String::new()))), Octets::Text("{\"a\":1}".into()));
        assert_eq!(Octets::like(b"{\"a\":null}", None), Octets::Text("{\"a\":null}".into()));
        assert_eq!(Octets::like(&[0, 1], None), Octets::Hex(vec![0, 1]));
        // Eight letters are rather a word than a number.
        assert_eq!(Octets::like(b"password", None), Octets::Text("password".into()));
    }

    #[test]
    fn what_is_exact_reads_back_octet_for_octet() {
        for octets in
            [&b"{\"b\":1, \"a\":2}"[..], b"", &6_i64.to_le_bytes(), &[0, 1], b"a\tb\n", b"a\rb", "\u{e9}".as_bytes()]
        {
            assert_eq!(Octets::exact(octets).to_vec(), octets);
        }
        assert_eq!(Octets::exact(&6_i64.to_le_bytes()).to_json(), json!({ "int": 6 }));
        assert_eq!(Octets::exact(&[0, 171]).to_json(), json!({ "hex": "00ab" }));
    }

    #[test]
    fn hex_may_be_spaced_and_must_be_whole() {
        assert_eq!(parse_hex("01 02 fF"), Ok(vec![1, 2, 255]));
        assert_eq!(parse_hex(&hex(&[0, 171])), Ok(vec![0, 171]));
        assert!(parse_hex("012").is_err() && parse_hex("0x").is_err());
    }
}

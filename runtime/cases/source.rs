//! Reads a TOML table key by key. Every error has file and line, and an unknown key the nearest known one.

use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value as Json};
use toml_edit::{Item, TableLike, Value};

use super::case::At;
use crate::config::nearest;

/// What is wrong with a case file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub struct CaseError {
    pub file: PathBuf,
    pub line: usize,
    pub what: String,
}

/// The text that spans point into.
#[derive(Clone, Copy)]
pub struct Source<'d> {
    pub file: &'d Path,
    pub text: &'d str,
}

impl<'d> Source<'d> {
    pub fn line_of(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|octet| **octet == b'\n').count() + 1
    }

    pub fn error(&self, line: usize, what: impl Into<String>) -> CaseError {
        CaseError { file: self.file.to_owned(), line, what: what.into() }
    }
}

/// One table, whose keys are known.
#[derive(Clone, Copy)]
pub struct Keys<'d> {
    pub source: Source<'d>,
    pub table: &'d dyn TableLike,
    pub line: usize,
    /// How errors call it.
    name: &'d str,
}

impl<'d> Keys<'d> {
    pub fn root(source: Source<'d>, table: &'d dyn TableLike, known: &[&str]) -> Result<Keys<'d>, CaseError> {
        let keys = Keys { source, table, line: 1, name: "a case" };
        keys.check(known)?;
        Ok(keys)
    }

    /// A table inside of this one, or an item of an array of them.
    pub fn inner(&self, item: &'d Item, line: usize, name: &'d str, known: &[&str]) -> Result<Keys<'d>, CaseError> {
        let table = item.as_table_like();
        let wrong = || self.source.error(line, format!("{name} is a table, not {}", kind(item)));
        let table = table.ok_or_else(wrong)?;
        self.within(table, line, name, known)
    }

    pub fn within(
        &self,
        table: &'d dyn TableLike,
        line: usize,
        name: &'d str,
        known: &[&str],
    ) -> Result<Keys<'d>, CaseError> {
        let keys = Keys { source: self.source, table, line, name };
        keys.check(known)?;
        Ok(keys)
    }

    fn check(&self, known: &[&str]) -> Result<(), CaseError> {
        let Some((key, item)) = self.table.iter().find(|(key, _)| !known.contains(key)) else { return Ok(()) };
        let name = self.name;
        let what = match nearest(key, known.iter().copied()) {
            Some(near) => format!("unknown key {key:?} in {name}; did you mean {near:?}?"),
            None => format!("unknown key {key:?} in {name}; known here: {}", known.join(", ")),
        };
        Err(self.source.error(self.line_of(key, item), what))
    }

    fn line_of(&self, key: &str, item: &Item) -> usize {
        let key = self.table.get_key_value(key).and_then(|(key, _)| key.span());
        key.or_else(|| item.span()).map_or(self.line, |span| self.source.line_of(span.start))
    }

    pub fn item(&self, key: &str) -> Option<At<&'d Item>> {
        let item = self.table.get(key)?;
        Some(At { line: self.line_of(key, item), is: item })
    }

    pub fn wrong(&self, key: &str, wanted: &str, item: &At<&Item>) -> CaseError {
        self.source.error(item.line, format!("{key} of {} is {wanted}, not {}", self.name, kind(item.is)))
    }

    /// Reads one key as whatever `read` makes of it.
    fn one<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&'d Item) -> Option<T>,
    ) -> Result<Option<At<T>>, CaseError> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let is = read(item.is).ok_or_else(|| self.wrong(key, wanted, &item))?;
        Ok(Some(At { line: item.line, is }))
    }

    pub fn text(&self, key: &str) -> Result<Option<At<String>>, CaseError> {
        self.one(key, "text", |item| item.as_str().map(str::to_owned))
    }

    pub fn bool(&self, key: &str) -> Result<Option<At<bool>>, CaseError> {
        self.one(key, "true or false", Item::as_bool)
    }

    pub fn number<T: TryFrom<i64>>(&self, key: &str) -> Result<Option<At<T>>, CaseError> {
        let number = self.one(key, "a number", Item::as_integer)?;
        let Some(number) = number else { return Ok(None) };
        let is = T::try_from(number.is).map_err(|_| {
            self.source.error(number.line, format!("{key} of {}: {} is out of range", self.name, number.is))
        })?;
        Ok(Some(At { line: number.line, is }))
    }

    /// A text that means something.
    pub fn parsed<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<At<T>>, CaseError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let is = parse(&text.is).map_err(|why| self.source.error(text.line, format!("{key}: {why}")))?;
        Ok(Some(At { line: text.line, is }))
    }

    /// Texts in a list.
    pub fn texts(&self, key: &str) -> Result<Vec<At<String>>, CaseError> {
        let Some(item) = self.item(key) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(key, "a list of texts", &item);
        let values = item.is.as_array().ok_or_else(wrong)?;
        let text = |value: &Value| {
            let line = value.span().map_or(item.line, |span| self.source.line_of(span.start));
            Ok(At { line, is: value.as_str().ok_or_else(wrong)?.to_owned() })
        };
        values.iter().map(text).collect()
    }

    /// Names with texts; their lines beside them.
    pub fn texts_by_name(&self, key: &str) -> Result<Vec<(String, At<String>)>, CaseError> {
        let Some(item) = self.item(key) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(key, "a table of texts", &item);
        let table = item.is.as_table_like().ok_or_else(wrong)?;
        let inner = Keys { table, line: item.line, ..*self };
        let entry = |(name, value): (&str, &Item)| {
            let at = At { line: inner.line_of(name, value), is: value };
            let text = value.as_str().ok_or_else(|| inner.wrong(name, "text", &at))?;
            Ok((name.to_owned(), At { line: at.line, is: text.to_owned() }))
        };
        table.iter().map(entry).collect()
    }

    /// `[[key]]`, or a list of inline tables.
    pub fn tables(&self, key: &str) -> Result<Vec<At<&'d dyn TableLike>>, CaseError> {
        let Some(item) = self.item(key) else { return Ok(Vec::new()) };
        let line = |span: Option<std::ops::Range<usize>>| span.map_or(item.line, |s| self.source.line_of(s.start));
        if let Some(tables) = item.is.as_array_of_tables() {
            return Ok(tables
                .iter()
                .map(|table| At { line: line(table.span()), is: table as &dyn TableLike })
                .collect());
        }
        let wrong = || self.wrong(key, "a list of tables", &item);
        let inline = |value: &'d Value| {
            let table = value.as_inline_table().ok_or_else(wrong)?;
            Ok(At { line: line(value.span()), is: table as &dyn TableLike })
        };
        item.is.as_array().ok_or_else(wrong)?.iter().map(inline).collect()
    }
}

fn kind(item: &Item) -> String {
    let name = item.type_name();
    let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// TOML as JSON; a time becomes its text. None: it has a number that JSON has not.
pub fn json(item: &Item) -> Option<Json> {
    match item {
        Item::Value(value) => json_value(value),
        Item::Table(table) => fields(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| fields(table)).collect::<Option<_>>().map(Json::Array),
        Item::None => None,
    }
}

fn fields(table: &dyn TableLike) -> Option<Json> {
    let fields: Option<Map<String, Json>> =
        table.iter().map(|(name, item)| Some((name.to_owned(), json(item)?))).collect();
    fields.map(Json::Object)
}

fn json_value(value: &Value) -> Option<Json> {
    Some(match value {
        Value::String(text) => Json::String(text.value().clone()),
        Value::Integer(number) => Json::Number((*number.value()).into()),
        Value::Float(number) => Json::Number(Number::from_f64(*number.value())?),
        Value::Boolean(truth) => Json::Bool(*truth.value()),
        Value::Datetime(time) => Json::String(time.value().to_string()),
        Value::Array(values) => Json::Array(values.iter().map(json_value).collect::<Option<_>>()?),
        Value::InlineTable(table) => fields(table)?,
    })
}

//! What a customer's rules keep about one device, for whoever looks at the device: state and timers, rule by rule.
//!
//! There is no row that says which rules know a device, so that whoever looks asks rule after rule, few at once.

use std::io;

use bytes::Bytes;

use super::Store;
use super::keys::{self, Key, Kind, Partition, Subject};
use crate::message::Timestamp;

/// Behind what a page begins, and how much is in it.
pub struct OfDevicePage<'p> {
    /// Rule as `customer/name`, and the name of one of its rows.
    pub after: Option<(&'p str, Option<&'p str>)>,
    /// Of this rule only: `customer/name`.
    pub rule: Option<&'p str>,
    pub limit: usize,
    /// Rules that are looked at.
    pub rules_max: usize,
}

/// Rule as `customer/name`, and the last of its rows that was looked at; None: that was all.
pub type Next = Option<(String, Option<String>)>;

/// What was found, and where to go on.
pub type Page<T> = (Vec<T>, Next);

/// A timer that is set: rule, name, when it is due.
pub type TimerOf = (String, String, Timestamp);

/// A row of any kind: rule, name and what is in it.
type Row<T> = (String, String, T);

/// A value that a rule keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateShown {
    pub rule: String,
    pub name: String,
    pub value: Bytes,
}

impl Store {
    /// What rules keep about a device.
    pub fn state_of_device(
        &self,
        customer: &str,
        device: &str,
        page: &OfDevicePage<'_>,
    ) -> io::Result<Page<StateShown>> {
        self.of_device(Kind::State, (customer, device), page, |subject, after, limit| {
            let (from, to) = subject.range("", after);
            let rows = self.inner.lock().tables.range(&from, &to, limit)?;
            let named = rows.into_iter().filter_map(|row| Some((subject.name(&row.key)?.to_owned(), row.value)));
            Ok(named.collect())
        })
        .map(|(found, next)| {
            let shown = |(rule, name, value)| StateShown { rule, name, value };
            (found.into_iter().map(shown).collect(), next)
        })
    }

    /// Timers that are set for a device.
    pub fn timers_of_device(&self, customer: &str, device: &str, page: &OfDevicePage<'_>) -> io::Result<Page<TimerOf>> {
        self.of_device(Kind::Timer, (customer, device), page, |subject, after, limit| {
            let timers = self.timers_after(subject, after, limit)?;
            Ok(timers.into_iter().map(|timer| (timer.name, timer.due)).collect())
        })
    }

    fn of_device<T>(
        &self,
        kind: Kind,
        (customer, device): (&str, &str),
        page: &OfDevicePage<'_>,
        rows: impl Fn(&Subject, Option<&str>, usize) -> io::Result<Vec<(String, T)>>,
    ) -> io::Result<Page<Row<T>>> {
        let partition = Partition::of(customer);
        let mut found: Vec<Row<T>> = Vec::new();
        let begin = page.rule.or(page.after.map(|(rule, _)| rule));
        let mut rule = match begin {
            Some(rule) => Some(rule.to_owned()),
            None => self.rule_with(kind, customer, None)?,
        };
        for looked_at in 1.. {
            let Some(name) = rule else { break };
            let after = page.after.filter(|(rule, _)| *rule == name).and_then(|(_, row)| row);
            let subject = Subject::new(partition, &name, device);
            let of_rule = rows(&subject, after, page.limit - found.len())?;
            found.extend(of_rule.into_iter().map(|(row, value)| (name.clone(), row, value)));
            if found.len() == page.limit {
                let next = found.last().map(|(rule, row, _)| (rule.clone(), Some(row.clone())));
                return Ok((found, next));
            }
            rule = if page.rule.is_some() { None } else { self.rule_with(kind, customer, Some(&name))? };
            if looked_at == page.rules_max {
                return Ok((found, rule.map(|rule| (rule, None))));
            }
        }
        Ok((found, None))
    }

    /// The next rule of a customer that has any rows of a kind.
    fn rule_with(&self, kind: Kind, customer: &str, after: Option<&str>) -> io::Result<Option<String>> {
        let partition = Partition::of(customer);
        let behind = |rule: &str| -> Key { keys::after(&keys::prefixed(partition, kind, rule, 0)) };
        let (all, to) = keys::all(partition, kind);
        let mut from = after.map_or(all, behind);
        loop {
            let rows = self.inner.lock().tables.range(&from, &to, 1)?;
            let Some(rule) = rows.first().and_then(|row| keys::name(&row.key)) else { return Ok(None) };
            if rule.split_once('/').is_some_and(|(owner, _)| owner == customer) {
                return Ok(Some(rule.to_owned()));
            }
            from = behind(rule);
        }
    }
}

#[cfg(test)]
mod tests;

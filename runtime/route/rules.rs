//! Rules in their places: one that is gone leaves its place to nobody, and has it again when it comes back.

use std::collections::HashMap;
use std::sync::Arc;

use super::RuleIndex;
use crate::config;
use crate::message::Address;

/// Rules by their indices, and by what looks for them.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub all: Vec<Arc<config::Rule>>,
    /// `customer/name`, by index.
    pub names: Vec<Box<str>>,
    pub by_name: HashMap<Box<str>, RuleIndex>,
    /// By index: it is not gone.
    pub present: Vec<bool>,
    /// Of those that are there.
    pub by_number: HashMap<Address, Vec<RuleIndex>>,
}

impl Places {
    pub fn behind(all: &[Arc<config::Rule>], names: &[Box<str>], now: &[config::Rule]) -> Places {
        let mut places = Places { all: all.to_vec(), names: names.to_vec(), ..Places::default() };
        places.by_name = names.iter().enumerate().map(|(index, name)| (name.clone(), RuleIndex(index))).collect();
        places.present = vec![false; all.len()];
        let mut present = Vec::with_capacity(now.len());
        for rule in now {
            let name: Box<str> = rule.id().into();
            let index = *places.by_name.entry(name.clone()).or_insert(RuleIndex(places.all.len()));
            if index.0 == places.all.len() {
                places.all.push(Arc::new(rule.clone()));
                places.names.push(name);
                places.present.push(true);
            }
            places.all[index.0] = Arc::new(rule.clone());
            places.present[index.0] = true;
            present.push(index);
        }
        places.by_number = by_number(&places.all, &present);
        places
    }
}

/// `present` is in the order of the config.
fn by_number(all: &[Arc<config::Rule>], present: &[RuleIndex]) -> HashMap<Address, Vec<RuleIndex>> {
    let mut by_number: HashMap<Address, Vec<RuleIndex>> = HashMap::new();
    for index in present {
        for number in all[index.0].numbers.iter().filter_map(|n| Address::parse(n).ok()) {
            by_number.entry(number).or_default().push(*index);
        }
    }
    for candidates in by_number.values_mut() {
        candidates.sort_by_key(|r| all[r.0].keyword.is_none()); // keywords first, else the config's order
    }
    by_number
}

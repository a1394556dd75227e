//! Numbers that several customers share: whose an MO is follows from its first word.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{CustomerIndex, keyword};
use crate::config::{self, Config};
use crate::message::Address;

/// A number that several customers have keywords of.
#[derive(Debug, Default)]
pub struct Shared {
    /// As they are compared, and as they were written.
    words: BTreeMap<Box<str>, (CustomerIndex, Box<str>)>,
    default: Option<CustomerIndex>,
    sharers: BTreeSet<CustomerIndex>,
}

impl Shared {
    /// Whose an MO is that begins with this word; None: nobody's.
    pub fn taker(&self, first_word: &str) -> Option<CustomerIndex> {
        self.claimant(first_word).or(self.default)
    }

    /// Who has this word.
    pub fn claimant(&self, word: &str) -> Option<CustomerIndex> {
        self.words.get(word).map(|(customer, _)| *customer)
    }

    /// Everybody who has a word or gets what begins with no word of anybody; that one first.
    pub fn sharers(&self) -> impl Iterator<Item = CustomerIndex> {
        self.default.into_iter().chain(self.sharers.iter().copied().filter(|sharer| Some(*sharer) != self.default))
    }

    pub fn has(&self, customer: CustomerIndex) -> bool {
        self.sharers.contains(&customer)
    }

    pub fn is_default(&self, customer: CustomerIndex) -> bool {
        self.default == Some(customer)
    }

    /// As they were written.
    pub fn words_of(&self, customer: CustomerIndex) -> impl Iterator<Item = &str> {
        self.words.values().filter(move |(of, _)| *of == customer).map(|(_, word)| &**word)
    }

    fn claim(&mut self, customer: CustomerIndex, claim: &config::Claim) {
        self.sharers.insert(customer);
        let words = claim.words.iter().map(|word| (keyword::first_word(word).into(), (customer, word.as_str().into())));
        self.words.extend(words);
    }
}

/// By number. The config was checked: every word is claimed once.
pub(super) fn numbers(config: &Config, customer: impl Fn(&str) -> Option<CustomerIndex>) -> HashMap<Address, Shared> {
    let number = |from: &config::SharedNumber| {
        let mut shared = Shared { default: from.default_customer.as_deref().and_then(&customer), ..Shared::default() };
        shared.sharers.extend(shared.default);
        for claimant in &config.customer {
            let Some(index) = customer(&claimant.id) else { continue };
            let claims = claimant.keywords.iter().filter(|claim| claim.number == from.number);
            claims.for_each(|claim| shared.claim(index, claim));
        }
        Some((Address::parse(&from.number).ok()?, shared))
    };
    config.shared_number.iter().filter_map(number).collect()
}

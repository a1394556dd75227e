//! `[[shared_number]]`: a number that several customers have keywords of, and `keywords` of a customer.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Config, Customer, check};
use crate::firewall::opt_out;
use crate::message::Address;
use crate::route::first_word;

/// Words of one customer at one number. More than that is a list of another kind.
const WORDS_MAX: usize = 1_000;
/// An SMS has room for no longer one.
const WORD_CHARS_MAX: usize = 40;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedNumber {
    pub number: String,
    /// Gets MOs that begin with no word of anybody; without one, they are refused.
    #[serde(default)]
    pub default_customer: Option<String>,
}

/// MOs to a shared number that begin with one of these words are the customer's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    pub number: String,
    /// In any case; each is one customer's.
    pub words: Vec<String>,
}

impl Config {
    /// Customers that have words of this number.
    pub fn claimants<'c>(&'c self, number: &str) -> impl Iterator<Item = &'c str> {
        let has_words = move |customer: &&Customer| customer.keywords.iter().any(|claim| claim.number == number);
        self.customer.iter().filter(has_words).map(|customer| customer.id.as_str())
    }

    /// Numbers that this customer shares: it has words there, or gets the rest.
    pub fn shared_by<'c>(&'c self, customer: &'c Customer) -> impl Iterator<Item = &'c str> {
        let claims = customer.keywords.iter().map(|claim| claim.number.as_str());
        let is_default = |shared: &&SharedNumber| shared.default_customer.as_ref() == Some(&customer.id);
        claims.chain(self.shared_number.iter().filter(is_default).map(|shared| shared.number.as_str()))
    }
}

/// Do all claims name a shared number, and is each word one customer's?
pub(super) fn check(config: &Config) -> Result<(), String> {
    check::unique("shared_number", config.shared_number.iter().map(|shared| shared.number.as_str()))?;
    for SharedNumber { number, default_customer } in &config.shared_number {
        let who = format!("shared_number {number}");
        let address = Address::parse(number).ok().filter(|address| !matches!(address, Address::Alphanumeric(_)));
        // In one form only: who has words of it names it as a text.
        let Some(address) = address.filter(|address| address.to_string() == *number) else {
            return Err(format!("{who}: it is no number; write it as \"7001\" or \"+46701234567\""));
        };
        let has =
            |customer: &&Customer| customer.numbers.iter().any(|own| Address::parse(own).as_ref() == Ok(&address));
        if let Some(owner) = config.customer.iter().find(has) {
            return Err(format!(
                "{who}: it is in numbers of customer {}; a number is shared or one customer's",
                owner.id
            ));
        }
        default_customer.iter().try_for_each(|id| check::check_known_customer(config, &who, id))?;
    }
    config.customer.iter().try_for_each(|customer| check_claims(config, customer))?;
    let claims = config.customer.iter().flat_map(|customer| {
        let of = |claim: &'_ Claim| (claim.number.clone(), claim.words.clone());
        customer.keywords.iter().map(of).map(|(number, words)| (customer.id.clone(), number, words))
    });
    let mut claimed = Claimed::default();
    for (customer, number, words) in claims {
        words.iter().try_for_each(|word| claimed.add(&customer, &number, word))?;
    }
    Ok(())
}

fn check_claims(config: &Config, customer: &Customer) -> Result<(), String> {
    for Claim { number, words } in &customer.keywords {
        let who = format!("customer {}: keywords of {number}", customer.id);
        if !config.shared_number.iter().any(|shared| shared.number == *number) {
            return Err(format!(
                "{who}: there is no [[shared_number]] with number = {number:?}; the operator makes it first"
            ));
        }
        if words.is_empty() || words.len() > WORDS_MAX {
            return Err(format!("{who}: {} words; a claim has 1 to {WORDS_MAX}", words.len()));
        }
        words.iter().try_for_each(|word| check_word(&who, number, word))?;
    }
    Ok(())
}

fn check_word(who: &str, number: &str, word: &str) -> Result<(), String> {
    if word.split_whitespace().count() != 1 || first_word(word).is_empty() || word.chars().count() > WORD_CHARS_MAX {
        return Err(format!("{who}: {word:?} is no word; it has 1 to {WORD_CHARS_MAX} characters and no blanks"));
    }
    let number = Address::parse(number).map_err(|error| format!("{who}: {error}"))?;
    match opt_out::action(&number, word) {
        Some(action) => Err(format!(
            "{who}: {word:?} asks all who share the number for {}; choose a word that is no opt-out keyword",
            action.name()
        )),
        None => Ok(()),
    }
}

/// Words by number, each with whose it is.
#[derive(Default)]
struct Claimed(BTreeMap<(String, String), String>);

impl Claimed {
    fn add(&mut self, customer: &str, number: &str, word: &str) -> Result<(), String> {
        match self.0.insert((number.to_owned(), first_word(word)), customer.to_owned()) {
            Some(other) => Err(format!(
                "keyword {word:?} of the shared number {number} is claimed by customer {other} and by {customer}; \
                 one of them has to give it up"
            )),
            None => Ok(()),
        }
    }
}

/// Just enough of a file to say where a word stands.
#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    customer: Vec<OfCustomer>,
}

#[derive(Deserialize)]
struct OfCustomer {
    id: String,
    #[serde(default)]
    keywords: Vec<OfClaim>,
}

#[derive(Deserialize)]
struct OfClaim {
    number: String,
    words: Vec<Spanned<String>>,
}

/// The first word of a file that somebody has already, by its offset.
pub(super) fn claimed_twice(text: &str) -> Option<(usize, String)> {
    let places: Places = toml::from_str(text).ok()?;
    let mut claimed = Claimed::default();
    let customers = places.customer.iter();
    let claims = customers.flat_map(|customer| customer.keywords.iter().map(move |claim| (customer, claim)));
    let words = claims.flat_map(|(customer, claim)| claim.words.iter().map(move |word| (customer, claim, word)));
    words.into_iter().find_map(|(customer, claim, word)| {
        let twice = claimed.add(&customer.id, &claim.number, word.get_ref()).err()?;
        Some((word.span().start, twice))
    })
}

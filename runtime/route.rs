//! Who owns a number or a device, which rule runs, and which queue an MT waits in for whom.
//!
//! Pure lookups on tables that are built from the config and never change: a change makes another [`Directory`], see
//! `current.rs`. An index means the same in all of them. Never sees a PDU, a link or the store.
//!
//! A **queue** belongs to a route prefix, or to an account. Its peers pull from it, so that one
//! that is gone or slow is made up for by the others without anything being moved.

mod current;
mod customer;
mod devices;
mod keyword;
mod numbering;
mod password;
mod peer;
mod registry;
mod rules;
mod shared;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use wasmsc_smpp::Ton;

use crate::config::{self, Config, DeadLetters, Retry};
use crate::message::{Address, InvalidAddress};
use devices::DeviceOwners;

pub use current::{Changes, Current};
pub use customer::{Customer, Inbox};
pub use keyword::{first_word, last_word};
pub use numbering::Numbering;
pub use password::{Password, hash_password, is_password_hash, knows_password};
pub use peer::{AddressSet, Login, Outbind, Peer, national_tables};
pub use registry::{Registered, Registry};
pub use shared::Shared;

/// Index of a peer in [`Directory::peers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerIndex(pub usize);

/// Index of a queue in [`Directory::queues`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueIndex(pub usize);

/// Index of a rule in [`Directory::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIndex(pub usize);

/// Index of a customer in [`Directory::customers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerIndex(pub usize);

/// Where messages wait for one of several peers; for nobody once its route is gone.
#[derive(Debug)]
pub struct Queue {
    /// A prefix such as "+46", or the name of an account. Part of what is on disk.
    pub name: Arc<str>,
    pub peers: Vec<PeerIndex>,
}

/// Where an MO to a customer's number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Rule(RuleIndex),
    /// No rule takes it, but the customer's own software does.
    Application(PeerIndex),
}

/// Every table that routing asks.
#[derive(Debug)]
pub struct Directory {
    pub customers: Vec<Arc<Customer>>,
    /// Accounts and upstreams, those that are gone among them.
    pub peers: Vec<Arc<Peer>>,
    pub queues: Vec<Queue>,
    /// Those that are gone among them.
    pub rules: Vec<Arc<config::Rule>>,
    pub retry: Retry,
    pub history_ms: u64,
    pub dead_letters: DeadLetters,
    /// How long `[history]` keeps what happened to messages.
    pub retention_ms: u64,
    registry: Arc<Registry>,
    rule_names: Vec<Box<str>>,
    customers_by_id: HashMap<Arc<str>, CustomerIndex>,
    number_owner: HashMap<Address, usize>,
    shared: HashMap<Address, Shared>,
    device_owners: DeviceOwners,
    /// (digits, queue), longest first.
    routes: Vec<(Box<str>, QueueIndex)>,
    queues_by_name: HashMap<Arc<str>, QueueIndex>,
    rules_by_name: HashMap<Box<str>, RuleIndex>,
    rules_present: Vec<bool>,
    rules_by_number: HashMap<Address, Vec<RuleIndex>>,
}

impl Directory {
    /// `config` has been checked: its addresses parse and its references resolve.
    pub fn new(config: &Config) -> Directory {
        Directory::behind(None, config)
    }

    /// Of what `config` has become. Whatever was there keeps its index, also when it is gone, and has it again when
    /// it comes back.
    pub fn next(&self, config: &Config) -> Directory {
        Directory::behind(Some(self), config)
    }

    fn behind(before: Option<&Directory>, config: &Config) -> Directory {
        let old = before.map(|before| before.customers.as_slice()).unwrap_or_default();
        let registry = before.map(|before| before.registry.clone()).unwrap_or_default();
        let customer = |from| Customer::new(from, config.shared_by(from), registry.clone());
        let customers =
            in_place(old, config.customer.iter().map(customer).collect(), |customer| &customer.id, Customer::gone);
        let mut number_owner = HashMap::new();
        for (index, customer) in customers.iter().enumerate() {
            number_owner.extend(customer.numbers.iter().map(|number| (number.clone(), index)));
        }
        let old = before.map(|before| before.peers.as_slice()).unwrap_or_default();
        let accounts = config.account.iter().map(Peer::account);
        let now = accounts.chain(config.upstream.iter().map(Peer::upstream)).collect();
        let mut peers = in_place(old, now, |peer| &peer.name, Peer::gone);
        let old = before.map(|before| before.queues.as_slice()).unwrap_or_default();
        let queues = queues(&mut peers, old, &prefixes(config));
        let queues_by_name: HashMap<_, _> =
            queues.iter().enumerate().map(|(index, queue)| (queue.name.clone(), QueueIndex(index))).collect();
        let digits = |queue: &Queue| queue.name.strip_prefix('+').filter(|_| !queue.peers.is_empty()).map(Into::into);
        let mut routes: Vec<(Box<str>, QueueIndex)> =
            queues.iter().enumerate().filter_map(|(index, queue)| Some((digits(queue)?, QueueIndex(index)))).collect();
        routes.sort_by_key(|(digits, _)| std::cmp::Reverse(digits.len()));
        let old = before.map(|before| (&*before.rules, &*before.rule_names)).unwrap_or_default();
        let rules = rules::Places::behind(old.0, old.1, &config.rule);
        let present = customers.iter().enumerate().filter(|(_, customer)| !customer.is_gone);
        let customers_by_id = present.map(|(index, customer)| (customer.id.clone(), CustomerIndex(index)));
        let customers_by_id: HashMap<_, _> = customers_by_id.collect();
        Directory {
            shared: shared::numbers(config, |id| customers_by_id.get(id).copied()),
            customers_by_id,
            device_owners: DeviceOwners::new(&customers),
            customers,
            registry,
            peers,
            queues,
            retry: config.retry.clone(),
            history_ms: config.history_secs * 1_000,
            dead_letters: config.dead_letters.clone(),
            retention_ms: config.history.keep_ms(),
            rule_names: rules.names,
            number_owner,
            routes,
            queues_by_name,
            rules_by_name: rules.by_name,
            rules_present: rules.present,
            rules_by_number: rules.by_number,
            rules: rules.all,
        }
    }

    pub fn owner_of_number(&self, number: &Address) -> Option<&Customer> {
        self.number_owner.get(number).map(|index| &*self.customers[*index])
    }

    /// How customers share this number; None: they do not.
    pub fn shared(&self, number: &Address) -> Option<&Shared> {
        self.shared.get(number)
    }

    /// It is a number here, of one customer or of several.
    pub fn is_number(&self, address: &Address) -> bool {
        self.number_owner.contains_key(address) || self.shared.contains_key(address)
    }

    /// What is registered; the same in every directory.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Whether this customer may register a device: nobody else has, and nobody else's ranges fit it better.
    pub fn may_register(&self, customer: &Customer, device: &Address) -> bool {
        let others = || self.customers().filter(|(_, other)| other.id != customer.id);
        let own = customer.devices.closeness(device);
        let is_others = || others().any(|(_, other)| other.devices.closeness(device) > own);
        self.registry.is_of(device, &customer.id).unwrap_or_else(|| !is_others())
    }

    /// Whose device it is where nobody registered it: of several that could say so, who has the longest prefix.
    pub fn owner_by_range(&self, device: &Address) -> Option<&Customer> {
        self.device_owners.find(device).map(|index| self.customer_at(index))
    }

    /// Whose MTs come from this number or name.
    pub fn owner_of_sender(&self, sender: &Address) -> Option<&Customer> {
        self.owner_of_number(sender).or_else(|| self.customers.iter().find(|c| c.may_send_from(sender)).map(|c| &**c))
    }

    /// Reads an address that this peer wrote. Digits that are a short code whose messages it may carry are that
    /// short code.
    pub fn read_address(&self, peer: &Peer, ton: Ton, octets: &[u8]) -> Result<Address, InvalidAddress> {
        peer.numbering.read(ton, octets, |short_code| match peer.customer.as_deref() {
            Some(own) => self.customer(own).is_some_and(|customer| customer.has_number(short_code)),
            None => self.is_number(short_code),
        })
    }

    pub fn customer(&self, id: &str) -> Option<&Customer> {
        self.customer_named(id).map(|index| self.customer_at(index))
    }

    pub fn customer_named(&self, id: &str) -> Option<CustomerIndex> {
        self.customers_by_id.get(id).copied()
    }

    /// Those that are there.
    pub fn customers(&self) -> impl Iterator<Item = (CustomerIndex, &Arc<Customer>)> {
        let all = self.customers.iter().enumerate().map(|(index, customer)| (CustomerIndex(index), customer));
        all.filter(|(_, customer)| !customer.is_gone)
    }

    /// The longest of all customers.
    pub fn retention_max_ms(&self) -> u64 {
        let own = self.customers().filter_map(|(_, customer)| customer.retention_ms);
        own.chain([self.retention_ms]).max().unwrap_or_default()
    }

    pub fn customer_at(&self, index: CustomerIndex) -> &Customer {
        &self.customers[index.0]
    }

    pub fn peer(&self, index: PeerIndex) -> &Arc<Peer> {
        &self.peers[index.0]
    }

    /// The account that binds to us under this name.
    pub fn account(&self, system_id: &[u8]) -> Option<PeerIndex> {
        self.peers.iter().position(|p| p.login.is_some() && p.name.as_bytes() == system_id).map(PeerIndex)
    }

    pub fn peer_named(&self, name: &str) -> Option<PeerIndex> {
        self.peers.iter().position(|p| &*p.name == name).map(PeerIndex)
    }

    pub fn queue_named(&self, name: &str) -> Option<QueueIndex> {
        self.queues_by_name.get(name).copied()
    }

    /// Somebody takes messages from this queue.
    pub fn is_served(&self, queue: &str) -> bool {
        self.queue_named(queue).is_some_and(|index| !self.queues[index.0].peers.is_empty())
    }

    /// Who takes messages from a queue.
    pub fn peers_of(&self, queue: &str) -> impl Iterator<Item = &Peer> {
        let peers = self.queue_named(queue).map(|index| self.queues[index.0].peers.as_slice()).unwrap_or_default();
        peers.iter().map(|peer| &**self.peer(*peer))
    }

    pub fn rule(&self, customer: &str, name: &str) -> Option<RuleIndex> {
        self.place_of_rule(customer, name).filter(|rule| self.has_rule(*rule))
    }

    /// Also of one that is gone.
    pub fn place_of_rule(&self, customer: &str, name: &str) -> Option<RuleIndex> {
        self.rules_by_name.get(&*format!("{customer}/{name}")).copied()
    }

    pub fn has_rule(&self, rule: RuleIndex) -> bool {
        self.rules_present[rule.0]
    }

    /// `customer/name`: how logs and keys call a rule.
    pub fn rule_name(&self, rule: RuleIndex) -> &str {
        &self.rule_names[rule.0]
    }

    /// The queue with the longest prefix of this device.
    pub fn route_to_device(&self, device: &Address) -> Option<QueueIndex> {
        let Address::Msisdn(digits) = device else {
            return None;
        };
        self.routes.iter().find(|(prefix, _)| digits.starts_with(&**prefix)).map(|(_, queue)| *queue)
    }

    /// The queue of what is for an account itself: its receipts, and an application's MOs.
    pub fn queue_of(&self, account: PeerIndex) -> Option<&Arc<str>> {
        self.peer(account).own_queue.map(|queue| &self.queues[queue.0].name)
    }

    /// Which rule or application takes an MO to `number` that begins with `first_word`.
    pub fn destination(
        &self,
        customer: &Customer,
        number: &Address,
        first_word: impl Fn() -> String,
    ) -> Option<Destination> {
        let rule = self.candidates(customer, number).find(|index| match &self.rules[index.0].keyword {
            Some(word) => keyword::first_word(word) == first_word(),
            None => true,
        });
        let application = || self.application_of(customer).map(Destination::Application);
        rule.map(Destination::Rule).or_else(application)
    }

    /// The account that gets what no rule takes.
    pub fn application_of(&self, customer: &Customer) -> Option<PeerIndex> {
        let is_own = |peer: &Arc<Peer>| !peer.is_gone() && peer.customer.as_deref() == Some(&*customer.id);
        self.peers.iter().position(is_own).map(PeerIndex)
    }

    /// A customer's rules that take its MOs to this number, in the order in which they are asked.
    pub fn rules_of(&self, customer: &Customer, number: &Address) -> impl Iterator<Item = &config::Rule> {
        self.candidates(customer, number).map(|index| &*self.rules[index.0])
    }

    /// A rule that takes MOs to `number` needs their text before it can be chosen.
    pub fn has_keywords(&self, customer: &Customer, number: &Address) -> bool {
        self.rules_of(customer, number).any(|rule| rule.keyword.is_some())
    }

    /// Of a number that is shared, every sharer has its own.
    fn candidates(&self, customer: &Customer, number: &Address) -> impl Iterator<Item = RuleIndex> {
        let all = self.rules_by_number.get(number).map(Vec::as_slice).unwrap_or_default().iter().copied();
        all.filter(move |index| *self.rules[index.0].customer == *customer.id)
    }
}

/// Those that were there, each in its place, and behind them those that are new.
fn in_place<T>(before: &[Arc<T>], now: Vec<T>, name: impl Fn(&T) -> &Arc<str>, gone: impl Fn(&T) -> T) -> Vec<Arc<T>> {
    let mut places: HashMap<Arc<str>, usize> =
        before.iter().enumerate().map(|(index, old)| (name(old).clone(), index)).collect();
    let mut all: Vec<Option<T>> = before.iter().map(|_| None).collect();
    for one in now {
        let place = *places.entry(name(&one).clone()).or_insert(all.len());
        if place == all.len() {
            all.push(None);
        }
        all[place] = Some(one);
    }
    let all = all.into_iter().enumerate();
    all.filter_map(|(index, one)| one.or_else(|| before.get(index).map(|old| gone(old)))).map(Arc::new).collect()
}

/// The routes of each peer, by its name.
fn prefixes(config: &Config) -> HashMap<&str, &[String]> {
    let accounts = config.account.iter().map(|account| (account.system_id.as_str(), account.routes.as_slice()));
    let upstreams = config.upstream.iter().map(|upstream| (upstream.name.as_str(), upstream.routes.as_slice()));
    accounts.chain(upstreams).collect()
}

/// One queue per prefix, shared by its peers, and one per account; behind those that were there before.
fn queues(peers: &mut [Arc<Peer>], before: &[Queue], prefixes: &HashMap<&str, &[String]>) -> Vec<Queue> {
    let mut members: BTreeMap<Arc<str>, Vec<PeerIndex>> = BTreeMap::new();
    for (index, peer) in peers.iter().enumerate().filter(|(_, peer)| !peer.is_gone()) {
        let own = peer.login.is_some().then(|| peer.name.clone());
        let routes = prefixes.get(&*peer.name).copied().unwrap_or_default();
        for name in routes.iter().map(|prefix| Arc::from(prefix.as_str())).chain(own).collect::<BTreeSet<_>>() {
            members.entry(name).or_default().push(PeerIndex(index));
        }
    }
    let old = before.iter().map(|queue| queue.name.clone());
    let names: Vec<Arc<str>> = old.collect();
    let known: BTreeSet<Arc<str>> = names.iter().cloned().collect();
    let new = members.keys().filter(|name| !known.contains(*name)).cloned().collect::<Vec<_>>();
    let all = names.into_iter().chain(new).map(|name| Queue { peers: members.remove(&name).unwrap_or_default(), name });
    let all: Vec<Queue> = all.collect();
    for (index, queue) in all.iter().enumerate() {
        for member in &queue.peers {
            let peer = Arc::make_mut(&mut peers[member.0]);
            peer.queues.push(QueueIndex(index));
            if queue.name == peer.name {
                peer.own_queue = Some(QueueIndex(index));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(extra: &str) -> Directory {
        let claims = if extra.contains("shared_number") {
            r#", keywords = [{ number = "7009", words = ["METER"] }]"#
        } else {
            ""
        };
        let text = format!(
            r#"
data_dir = "d"
smpp = {{ listen = "127.0.0.1:0", system_id = "x" }}
customer = [{{ id = "acme", numbers = ["7001"], devices = ["+4670*", "+46731234567"] {claims} }},
            {{ id = "b", numbers = ["7002"], devices = ["+47*"] }}]
account = [{{ system_id = "wide", password = "", role = "network", routes = ["+4"] }},
           {{ system_id = "narrow", password = "", role = "network", routes = ["+4670"] }},
           {{ system_id = "app", password = "", role = "application", customer = "b" }}]
{extra}"#
        );
        Directory::new(&Config::parse(&text, std::path::Path::new("t")).expect("valid"))
    }

    fn address(text: &str) -> Address {
        Address::parse(text).expect("valid")
    }

    #[test]
    fn the_longest_prefix_carries_an_mt() {
        let d = directory("");
        let carriers = |device| d.route_to_device(&address(device)).map(|queue| d.queues[queue.0].peers.clone());
        assert_eq!(carriers("+46701111111"), Some(vec![PeerIndex(1)]));
        assert_eq!(carriers("+46711111111"), Some(vec![PeerIndex(0)]));
        assert_eq!(carriers("+11711111111"), None);
    }

    #[test]
    fn peers_with_the_same_prefix_share_its_queue() {
        let d = directory(
            r#"upstream = [{ name = "carrier", host = "h", port = 1, system_id = "x", password = "", routes = ["+4670"] }]"#,
        );
        let queue = d.route_to_device(&address("+46701111111")).expect("there");
        assert_eq!(d.queues[queue.0].peers, [PeerIndex(1), PeerIndex(3)]);
        assert_eq!(d.peer(PeerIndex(3)).queues, [queue]);
        assert_eq!(d.account(b"carrier"), None, "nobody binds as an upstream");
        assert_eq!(d.queue_of(PeerIndex(2)).map(|name| &**name), Some("app"));
    }

    #[test]
    fn devices_match_exactly_or_by_prefix_and_never_another_customers() {
        let d = directory("");
        let acme = d.customer("acme").expect("there");
        assert!(acme.owns_device(&address("+46701111111")) && acme.owns_device(&address("+46731234567")));
        assert!(!acme.owns_device(&address("+467312345678")) && !acme.owns_device(&address("+4711111111")));
        assert!(!acme.owns_device(&address("7001")));
    }

    #[test]
    fn a_keyword_goes_before_a_catch_all_and_an_application_takes_the_rest() {
        let d = directory(
            r#"rule = [{ customer = "acme", name = "all", component = "a", numbers = ["7001"] },
                       { customer = "acme", name = "wm", component = "a", numbers = ["7001"], keyword = "WM1" }]"#,
        );
        let acme = d.customer("acme").expect("there");
        let number = address("7001");
        assert_eq!(d.destination(acme, &number, || "wm1".into()), Some(Destination::Rule(RuleIndex(1))));
        assert_eq!(d.destination(acme, &number, || "HELLO".into()), Some(Destination::Rule(RuleIndex(0))));
        let b = d.customer("b").expect("there");
        assert_eq!(d.destination(b, &address("7002"), String::new), Some(Destination::Application(PeerIndex(2))));
    }

    #[test]
    fn of_a_shared_number_each_sharer_has_its_words_and_its_own_rules() {
        let d = directory(
            r#"shared_number = [{ number = "7009", default_customer = "b" }, { number = "7008" }]
               rule = [{ customer = "acme", name = "all", component = "a", numbers = ["7009"] },
                       { customer = "b", name = "wm", component = "a", numbers = ["7009"], keyword = "Pümp" }]"#,
        );
        let shared = d.shared(&address("7009")).expect("shared");
        let taker = |text: &str| shared.taker(&first_word(text)).map(|index| &*d.customer_at(index).id);
        assert_eq!([taker(" meter: 1"), taker("PÜMP"), taker("")], [Some("acme"), Some("b"), Some("b")]);
        assert_eq!(d.shared(&address("7008")).and_then(|shared| shared.taker("meter")), None);
        assert!(d.is_number(&address("7008")) && d.owner_of_number(&address("7009")).is_none());
        let (acme, b, number) = (d.customer("acme").expect("there"), d.customer("b").expect("there"), address("7009"));
        assert!(acme.may_send_from(&number) && b.may_send_from(&number) && !b.may_send_from(&address("7008")));
        let to = |customer, word: &str| d.destination(customer, &number, || first_word(word));
        assert_eq!(to(acme, "PÜMP"), Some(Destination::Rule(RuleIndex(0))));
        assert_eq!(to(b, "PÜMP!"), Some(Destination::Rule(RuleIndex(1))));
        assert_eq!(to(b, "METER"), Some(Destination::Application(PeerIndex(2))), "acme's rule is acme's");
        let names = |customer| d.rules_of(customer, &number).map(|rule| rule.name.clone()).collect::<Vec<_>>();
        assert_eq!((names(acme), names(b)), (vec!["all".to_owned()], vec!["wm".to_owned()]));
    }
}

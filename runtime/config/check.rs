//! What a config must fulfil beyond its syntax: references resolve, addresses parse, numbers make sense.

use std::collections::BTreeMap;

use super::rule::REPLAY_HOURS_MAX;
use super::{Account, Config, Customer, NumberFormat, Numbering, Plugins, Role, Rule, Upstream, explain, shared};
use crate::breaker;
use crate::grant;
use crate::message::Address;

pub fn check(config: &Config) -> Result<(), String> {
    let mut numbers = BTreeMap::new();
    unique("customer", config.customer.iter().map(|c| c.id.as_str()))?;
    unique("account", config.account.iter().map(|a| a.system_id.as_str()))?;
    let upstreams = config.upstream.iter().map(|u| u.name.as_str());
    unique("account or upstream", config.account.iter().map(|a| a.system_id.as_str()).chain(upstreams))?;
    if let Some(api) = &config.api {
        at_least_1("api", "body_max_octets", api.body_max_octets)?;
        at_least_1("api", "connections_max", api.connections_max)?;
        at_least_1("api", "event_streams_max", api.event_streams_max)?;
        at_least_1("api", "requests_per_sec", api.requests_per_sec as usize)?;
    }
    if let Some(traces) = &config.traces {
        traces.check().map_err(|what| format!("traces: {what}"))?;
        if config.events_ms() == 0 {
            return Err("traces are made of events, and none are kept: set hours = 1 or more in [events]".to_owned());
        }
    }
    at_least_1("dead_letters", "days", config.dead_letters.days as usize)?;
    at_least_1("dead_letters", "count_max", config.dead_letters.count_max)?;
    for customer in &config.customer {
        check_customer(customer)?;
        if customer.retention_days.is_some() && !config.history.is_kept() {
            return Err(format!("customer {}: retention_days needs [history] with days = 1 or more", customer.id));
        }
        for number in &customer.numbers {
            if let Some(other) = numbers.insert(number.as_str(), customer.id.as_str()) {
                return Err(format!("number {number} belongs to customer {other} and to {}", customer.id));
            }
        }
    }
    check_plugins(&config.plugins)?;
    shared::check(config)?;
    config.account.iter().try_for_each(|account| check_account(config, account))?;
    config.upstream.iter().try_for_each(check_upstream)?;
    // Looked up, as there may be ten thousand rules of a customer with as many numbers.
    let customers: BTreeMap<&str, &Customer> = config.customer.iter().map(|c| (c.id.as_str(), c)).collect();
    config.rule.iter().try_for_each(|rule| check_rule(config, (&customers, &numbers), rule))?;
    unique("rule", config.rule.iter().map(|r| format!("{}/{}", r.customer, r.name)))
}

fn check_plugins(plugins: &Plugins) -> Result<(), String> {
    for (key, value) in [
        ("upload_max_mib", plugins.upload_max_mib as u64),
        ("compile_memory_mib", plugins.compile_memory_mib),
        ("compile_cpu_secs", plugins.compile_cpu_secs),
        ("compile_at_once", plugins.compile_at_once as u64),
        ("deadline_max_ms", plugins.deadline_max_ms.into()),
        ("memory_max_mib", plugins.memory_max_mib.into()),
    ] {
        at_least_1("plugins", key, value as usize)?;
    }
    Ok(())
}

fn check_account(config: &Config, account: &Account) -> Result<(), String> {
    let who = format!("account {}", account.system_id);
    match (account.role, &account.customer) {
        (Role::Application, None) => {
            return Err(format!("{who}: role \"application\" needs customer = \"…\""));
        }
        (Role::Application, Some(id)) => check_known_customer(config, &who, id)?,
        (Role::Network, Some(_)) => {
            return Err(format!("{who}: role \"network\" carries devices of any customer; remove customer"));
        }
        (Role::Network, None) => {}
    }
    if account.role == Role::Application && !account.routes.is_empty() {
        return Err(format!("{who}: routes are for role \"network\""));
    }
    for network in &account.allowed_networks {
        if network.parse::<ipnet::IpNet>().is_err() {
            return Err(format!("{who}: allowed_networks: {network:?} is no network; write it as \"10.0.0.0/8\""));
        }
    }
    check_password(&who, account)?;
    check_outbind(&who, account)?;
    if account.modes.is_empty() {
        return Err(format!("{who}: modes is empty, so that it could never bind"));
    }
    for (key, value) in [("binds_max", account.binds_max), ("burst", account.burst.map_or(1, |b| b as usize))] {
        at_least_1(&who, key, value)?;
    }
    check_peer(&who, &account.system_id, &account.routes, (account.window, account.weight))?;
    check_rate_and_text(&who, account.messages_per_sec, &account.national_alphabets)?;
    check_numbering(&who, account.country_code.as_deref(), account.national_prefix.as_deref(), account.numbering)?;
    match account.message_id_tlv {
        Some(tag) if !(0x1400..=0x3FFF).contains(&tag) => {
            Err(format!("{who}: message_id_tlv {tag:#06x} is outside the vendor range 0x1400 to 0x3fff"))
        }
        _ => Ok(()),
    }
}

fn check_password(who: &str, account: &Account) -> Result<(), String> {
    match (&account.password, &account.password_hash) {
        (Some(_), None) => Ok(()),
        (None, Some(hash)) if crate::route::is_password_hash(hash) => Ok(()),
        (None, Some(_)) => Err(format!("{who}: password_hash is no Argon2 hash; it begins with \"$argon2id$\"")),
        (None, None) => Err(format!("{who}: it needs a password")),
        (Some(_), Some(_)) => Err(format!("{who}: password and password_hash exclude each other; remove one")),
    }
}

fn check_outbind(who: &str, account: &Account) -> Result<(), String> {
    let is_address = |text: &str| {
        text.rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse().is_ok_and(|port: u16| port > 0))
    };
    match (&account.outbind, &account.outbind_password) {
        (Some(address), _) if !is_address(address) => {
            Err(format!("{who}: outbind: {address:?} is no address; write it as \"host:2775\""))
        }
        (None, Some(_)) => Err(format!("{who}: outbind_password is for outbind = \"host:2775\"")),
        _ => Ok(()),
    }
}

fn check_upstream(upstream: &Upstream) -> Result<(), String> {
    let who = format!("upstream {}", upstream.name);
    for (key, text) in [("host", &upstream.host), ("system_id", &upstream.system_id)] {
        if text.is_empty() {
            return Err(format!("{who}: {key} is empty"));
        }
    }
    at_least_1(&who, "binds", upstream.binds)?;
    if let Some(tls) = &upstream.tls
        && tls.certificate.is_some() != tls.key.is_some()
    {
        return Err(format!("{who}: tls: certificate and key go together"));
    }
    check_peer(&who, &upstream.name, &upstream.routes, (upstream.window, upstream.weight))?;
    check_rate_and_text(&who, upstream.messages_per_sec, &upstream.national_alphabets)?;
    check_numbering(&who, upstream.country_code.as_deref(), upstream.national_prefix.as_deref(), upstream.numbering)
}

fn check_peer(who: &str, name: &str, routes: &[String], (window, weight): (usize, u32)) -> Result<(), String> {
    // Queues are named by prefixes and by accounts; the sign keeps them apart.
    if name.is_empty() || name.starts_with('+') || name.len() > 64 {
        return Err(format!("{who}: a name has 1 to 64 octets and does not begin with \"+\""));
    }
    for route in routes {
        if !route.strip_prefix('+').is_some_and(|d| d.len() <= 15 && d.bytes().all(|b| b.is_ascii_digit())) {
            return Err(format!("{who}: route {route:?} is no prefix; write it as \"+46\""));
        }
    }
    at_least_1(who, "window", window)?;
    at_least_1(who, "weight", weight as usize)
}

fn check_rate_and_text(who: &str, messages_per_sec: Option<u32>, national_alphabets: &[String]) -> Result<(), String> {
    at_least_1(who, "messages_per_sec", messages_per_sec.map_or(1, |rate| rate as usize))?;
    crate::route::national_tables(national_alphabets)
        .map(|_| ())
        .map_err(|unknown| format!("{who}: national_alphabets: there is no {unknown:?}"))
}

fn check_numbering(
    who: &str,
    country_code: Option<&str>,
    national_prefix: Option<&str>,
    numbering: Numbering,
) -> Result<(), String> {
    let is_number = |text: &str| text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    if country_code.is_some_and(|code| code.is_empty() || !is_number(code)) {
        return Err(format!("{who}: country_code is one to three digits without \"+\""));
    }
    if national_prefix.is_some_and(|prefix| !is_number(prefix)) {
        return Err(format!("{who}: national_prefix is up to three digits, \"\" for none"));
    }
    let needs_country = [
        ("national_prefix", national_prefix.is_some()),
        ("numbering: format = \"national\"", numbering.format == NumberFormat::National),
    ];
    match needs_country.iter().find(|(_, is_set)| *is_set && country_code.is_none()) {
        Some((key, _)) => Err(format!("{who}: {key} needs country_code, such as \"46\"")),
        None => Ok(()),
    }
}

fn at_least_1(who: &str, key: &str, value: usize) -> Result<(), String> {
    if value == 0 { Err(format!("{who}: {key} must be at least 1")) } else { Ok(()) }
}

/// `numbers`: which customer has it.
fn check_rule(
    config: &Config,
    (customers, numbers): (&BTreeMap<&str, &Customer>, &BTreeMap<&str, &str>),
    rule: &Rule,
) -> Result<(), String> {
    let name = format!("rule {}/{}", rule.customer, rule.name);
    let Some(owner) = customers.get(rule.customer.as_str()) else {
        return check_known_customer(config, &name, &rule.customer);
    };
    for number in &rule.numbers {
        let is_own = numbers.get(number.as_str()).is_some_and(|of| **of == rule.customer);
        if !is_own && !config.shared_by(owner).any(|shared| shared == number) {
            return Err(format!(
                "{name}: number {number} is neither in numbers nor in keywords of customer {}",
                rule.customer
            ));
        }
    }
    match (&rule.component, &rule.plugin) {
        (Some(_), Some(_)) => return Err(format!("{name}: component and plugin exclude each other; remove one")),
        (None, None) => return Err(format!("{name}: it needs component = \"….wasm\", the file of its component")),
        _ => {}
    }
    if rule.name.is_empty() || rule.name.contains(['/', '\0']) {
        return Err(format!("{name}: its name must not be empty or contain '/'"));
    }
    match &rule.sender {
        None if rule.numbers.is_empty() => {
            return Err(format!(
                "{name}: numbers is empty, so that no MO would ever run it; a rule for timers and requests names the sender of \
                 its messages in \"sender\""
            ));
        }
        Some(sender) if Address::parse(sender).is_err() => {
            return Err(format!("{name}: sender {sender:?} is no address"));
        }
        _ => {}
    }
    rule.http_hosts
        .iter()
        .try_for_each(|host| grant::check_host(host))
        .map_err(|why| format!("{name}: http_hosts: {why}"))?;
    if rule.breaker.failures > 100 {
        return Err(format!("{name}: breaker.failures is a number of percent, 0 to 100"));
    }
    if rule.breaker.calls > breaker::CALLS_MAX {
        return Err(format!("{name}: breaker.calls is 1 to {}", breaker::CALLS_MAX));
    }
    if rule.replay_hours > REPLAY_HOURS_MAX {
        return Err(format!("{name}: replay_hours is 0 (calls are not kept) to {REPLAY_HOURS_MAX}"));
    }
    at_least_1(&name, "breaker.calls", rule.breaker.calls as usize)?;
    at_least_1(&name, "breaker.open_secs", rule.breaker.open_secs as usize)?;
    [("deadline_ms", rule.deadline_ms), ("memory_mib", rule.memory_mib), ("attempts_max", rule.attempts_max)]
        .into_iter()
        .try_for_each(|(key, value)| at_least_1(&name, key, value as usize))
}

pub(super) fn check_known_customer(config: &Config, who: &str, id: &str) -> Result<(), String> {
    let ids = config.customer.iter().map(|c| c.id.as_str());
    if ids.clone().any(|known| known == id) {
        return Ok(());
    }
    let hint = explain::nearest(id, ids).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    Err(format!("{who}: there is no [[customer]] with id {id:?}{hint}"))
}

fn check_customer(customer: &Customer) -> Result<(), String> {
    if customer.id.is_empty() || customer.id.contains(['/', '\0']) {
        return Err(format!("customer id {:?} must not be empty or contain '/'", customer.id));
    }
    at_least_1(&format!("customer {}", customer.id), "cpu_weight", customer.cpu_weight as usize)?;
    for number in &customer.numbers {
        match Address::parse(number) {
            Ok(Address::Alphanumeric(_)) => {
                return Err(format!("customer {}: {number:?} is no number", customer.id));
            }
            Ok(_) => {}
            Err(error) => return Err(format!("customer {}: numbers: {error}", customer.id)),
        }
    }
    for sender in &customer.senders {
        if !matches!(Address::parse(sender), Ok(Address::Alphanumeric(_))) {
            return Err(format!("customer {}: senders: {sender:?} is no name; numbers belong in numbers", customer.id));
        }
    }
    if let Err(error) = customer.policy.compile() {
        return Err(format!("customer {}: policy: {error}", customer.id));
    }
    let retention_days = customer.retention_days.map_or(1, |days| days as usize);
    for (key, value) in [
        ("inbox_max", customer.inbox_max),
        ("inbox_days", customer.inbox_days as usize),
        ("retention_days", retention_days),
    ] {
        at_least_1(&format!("customer {}", customer.id), key, value)?;
    }
    if customer.validity_secs > customer.validity_max_secs {
        return Err(format!("customer {}: validity_secs is above validity_max_secs", customer.id));
    }
    for device in &customer.devices {
        let wrong = match device.strip_suffix('*') {
            Some(prefix) => !prefix.strip_prefix('+').is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())),
            None => !matches!(Address::parse(device), Ok(Address::Msisdn(_))),
        };
        if wrong {
            return Err(format!(
                "customer {}: device {device:?} must be \"+46701234567\" or a prefix \"+4670*\"",
                customer.id
            ));
        }
    }
    Ok(())
}

pub(super) fn unique<T: Ord + std::fmt::Display>(what: &str, names: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            return Err(format!("two entries [[{what}]] are called {name}"));
        }
        seen.insert(name);
    }
    Ok(())
}

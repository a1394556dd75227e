//! Whether what is sent to a customer's devices leads anywhere.

use super::Finding::{self, Fine, Note, Wrong};
use crate::config::Config;

/// How much of a range of devices the routes reach.
#[derive(Debug, PartialEq)]
enum Reach {
    All,
    Some,
    None,
}

/// Where not all accounts are known, one of the others may lead there.
pub fn all(config: &Config, is_whole: bool) -> Vec<Finding> {
    let of_accounts = config.account.iter().flat_map(|account| &account.routes);
    let routes: Vec<&str> = of_accounts.chain(config.upstream.iter().flat_map(|up| &up.routes)).map(|r| &**r).collect();
    let mut findings = Vec::new();
    for customer in &config.customer {
        for range in &customer.devices {
            let what = format!("customer {}, devices {range}", customer.id);
            findings.push(match reach(range, &routes) {
                Reach::All => Fine(format!("{what}: a route leads to them")),
                Reach::Some => {
                    Note(format!("{what}: routes lead to some of them"), "add a route with a shorter prefix")
                }
                Reach::None if is_whole => Wrong(
                    format!("{what}: no route leads there"),
                    "add their prefix to routes of an account or upstream",
                ),
                Reach::None => Note(
                    format!("{what}: no route of the config file leads there"),
                    "unless one was made over the API, add their prefix to routes of an account or upstream",
                ),
            });
        }
    }
    findings
}

fn reach(range: &str, routes: &[&str]) -> Reach {
    let (prefix, is_range) = range.strip_suffix('*').map_or((range, false), |prefix| (prefix, true));
    if routes.iter().any(|route| prefix.starts_with(route)) {
        Reach::All
    } else if is_range && routes.iter().any(|route| route.starts_with(prefix)) {
        Reach::Some
    } else {
        Reach::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_reached_by_what_is_shorter_and_in_part_by_what_is_longer() {
        let routes = ["+467", "+4790"];
        assert_eq!(reach("+4670*", &routes), Reach::All);
        assert_eq!(reach("+46701234567", &routes), Reach::All);
        assert_eq!(reach("+47*", &routes), Reach::Some);
        assert_eq!(reach("+47", &routes), Reach::None);
        assert_eq!(reach("+45*", &routes), Reach::None);
    }
}

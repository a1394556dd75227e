//! Where a rule's HTTP calls may lead: hosts that it is granted by name, over https to public addresses unless the
//! operator allows more.

use crate::config::Webhooks;
use crate::target::Target;

/// Of one rule.
#[derive(Clone, Debug, Default)]
pub struct HttpGrant {
    /// "api.example.net", "api.example.net:8443", or "*.example.net" for whatever is below it.
    pub hosts: Vec<String>,
    pub allowed: Webhooks,
}

impl HttpGrant {
    /// An error says what to change.
    pub fn check(&self, url: &str) -> Result<Target, String> {
        let target = Target::parse(url, self.allowed)?;
        let is_granted = self.hosts.iter().any(|granted| fits(granted, &target));
        if is_granted {
            return Ok(target);
        }
        Err(format!("{} is none of the rule's http_hosts ({})", target.authority, self.hosts.join(", ")))
    }
}

/// Why what is written in `http_hosts` names no host.
pub fn check_host(host: &str) -> Result<(), String> {
    let (name, port) = split(host.strip_prefix("*.").unwrap_or(host));
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b));
    if is_name && port.is_none_or(|port| port.parse::<u16>().is_ok()) {
        return Ok(());
    }
    Err(format!("{host:?} is no host; expected \"api.example.net\", \"api.example.net:8443\" or \"*.example.net\""))
}

/// IPv6 addresses are written in brackets where a port follows.
fn split(host: &str) -> (&str, Option<&str>) {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None if host.matches(':').count() == 1 => {
            host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)))
        }
        None => (host, None),
    }
}

fn fits(granted: &str, target: &Target) -> bool {
    let (below, granted) = match granted.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, granted),
    };
    let (name, port) = split(granted);
    let fits_port = match port {
        Some(port) => port.parse() == Ok(target.port),
        None => target.port == if target.is_tls { 443 } else { 80 },
    };
    let host = target.host.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let fits_name = match below {
        true => host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
        false => host == name,
    };
    fits_port && fits_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_for_its_hosts_and_ports_and_no_other() {
        let hosts = ["api.example.net", "*.example.org", "local.example.net:8443"].map(str::to_owned).to_vec();
        let grant = HttpGrant { hosts, allowed: Webhooks::default() };
        for (url, expected) in [
            ("https://api.example.net/a?b=c", true),
            ("https://API.example.net/", true),
            ("https://api.example.net:444/", false),
            ("https://xapi.example.net/", false),
            ("https://api.example.net.evil.test/", false),
            ("https://a.example.org/", true),
            ("https://a.b.example.org/", true),
            ("https://example.org/", false),
            ("https://evilexample.org/", false),
            ("https://local.example.net:8443/", true),
            ("https://local.example.net/", false),
            ("http://api.example.net/", false),
            ("https://user@api.example.net/", false),
        ] {
            assert_eq!(grant.check(url).is_ok(), expected, "{url}");
        }
        assert!(HttpGrant::default().check("https://api.example.net/").is_err());
    }

    #[test]
    fn what_is_no_host_is_refused_when_the_rule_is_set_up() {
        for host in ["api.example.net", "*.example.net", "h:81", "127.0.0.1:81", "[::1]:81"] {
            assert_eq!(check_host(host), Ok(()), "{host}");
        }
        for host in ["", "https://api.example.net", "a b", "h:port", "*.", "h/"] {
            assert!(check_host(host).is_err(), "{host}");
        }
    }
}

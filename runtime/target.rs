//! Where a webhook leads, and whether it may: customers name the URL, and must not reach what only we can.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::Uri;

use crate::config::Webhooks;

/// For the operator's own targets.
pub const ANYWHERE: Webhooks = Webhooks { allow_http: true, allow_private: true };

/// An address that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub is_tls: bool,
    /// Without brackets.
    pub host: String,
    pub port: u16,
    /// As the header Host has it.
    pub authority: String,
    pub path: String,
}

impl Target {
    /// An error says what is wrong with the URL.
    pub fn parse(url: &str, allowed: Webhooks) -> Result<Target, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if allowed.allow_http => false,
            Some("http") => return Err("this server sends over https only".to_owned()),
            _ => return Err("it begins with https://".to_owned()),
        };
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it has a name or a password; the signature says who sends".to_owned());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if let Ok(address) = host.parse::<IpAddr>()
            && !allowed.allow_private
            && !is_public(address)
        {
            return Err(format!("{address} is no public address"));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Target { is_tls, host, port, authority: authority.to_string(), path })
    }
}

/// Of the internet, as far as addresses tell.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Less the special purposes of RFC 6890 and its successors.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !is_special
}

/// Global unicast (RFC 4291 §2.4), less what is for documents, tunnels and translation: those lead to an IPv4 address
/// that nobody has checked.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [a, b, ..] = address.segments();
    let is_global = a & 0xE000 == 0x2000;
    let is_special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || a == 0x2002 || (a == 0x3fff && b < 0x1000);
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("172.15.0.1", true),
            ("172.32.0.1", true),
            ("100.63.255.255", true),
            ("100.128.0.1", true),
            ("2606:4700::1111", true),
            ("::ffff:8.8.8.8", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::7f00:1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("100::1", false),
        ] {
            assert_eq!(is_public(address.parse().expect("an address")), expected, "{address}");
        }
    }

    #[test]
    fn a_url_is_https_and_leads_out_unless_the_operator_says_otherwise() {
        let strict = Webhooks::default();
        let target = Target::parse("https://hooks.example.net:8443/in?a=b", strict).expect("fine");
        assert_eq!(
            (target.is_tls, &*target.host, target.port, &*target.path),
            (true, "hooks.example.net", 8443, "/in?a=b")
        );
        assert_eq!(Target::parse("https://[2606:4700::1111]/", strict).expect("fine").host, "2606:4700::1111");
        for url in [
            "http://hooks.example.net/",
            "ftp://hooks.example.net/",
            "hooks.example.net",
            "/in",
            "https://user:pw@hooks.example.net/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest",
            "",
        ] {
            assert!(Target::parse(url, strict).is_err(), "{url}");
        }
        let lax = Webhooks { allow_http: true, allow_private: true };
        assert_eq!(Target::parse("http://127.0.0.1:81/x", lax).expect("allowed").port, 81);
        assert_eq!(Target::parse("http://localhost", lax).expect("allowed").path, "/");
    }
}

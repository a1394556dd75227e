//! What was made over the API: from the server that runs, or from its store.

use serde_json::Value;

use super::Finding::{self, Fine, Note, Wrong};
use crate::cli::failure::Failure;
use crate::cli::objects::all;
use crate::cli::remote::{Ask, Remote};
use crate::config::{self, Config, Kind, Settings};
use crate::setup;
use crate::store::Store;

/// All that is set up, as far as is known.
pub struct Made {
    pub all: Config,
    pub is_known: bool,
    pub finding: Option<Finding>,
}

/// No server has run yet.
pub fn none(file: &Config) -> Made {
    Made { all: file.clone(), is_known: true, finding: None }
}

/// Why not is a finding already.
pub fn unknown(file: &Config) -> Made {
    Made { is_known: false, ..none(file) }
}

/// Of a store that no server has open.
pub fn read(file: &Config, store: &Store) -> Made {
    match setup::with_made(file, store) {
        Ok(all) => {
            let counts = Kind::ALL.map(|kind| {
                let made = store.controls(kind.name(), |_| true).into_iter();
                (kind, made.filter(|(id, _)| file.declared.get(kind, id).is_none()).count())
            });
            let finding = Fine(format!("made over the API: {}, read from the store", told(&counts)));
            Made { all, is_known: true, finding: Some(finding) }
        }
        Err(error) => {
            let what = format!("made over the API: what is in the store and this config do not fit together: {error}");
            let advice = "correct the config; without that, the server does not start";
            Made { finding: Some(Wrong(what, advice)), ..unknown(file) }
        }
    }
}

/// Of a server that has the store open.
pub async fn ask(file: &Config, remote: &Remote) -> Made {
    let advice = "name the server that runs with --api, and the operator's token with --token-file";
    let unasked = |why: &str| {
        let what = format!("made over the API: it is not looked at, since the server cannot be asked: {why}");
        Made { finding: Some(Note(what, advice)), ..unknown(file) }
    };
    // The token is for nobody but this server.
    let named = remote.clone().or(file.api.as_ref().and_then(address), file.data_dir.join("operator-token"));
    let Some(remote) = named else { return unasked("the config names no port of its API") };
    match of_server(file, &remote).await {
        Ok((all, counts)) => {
            let finding = Fine(format!("made over the API: {}, as {} says", told(&counts), remote.base()));
            Made { all, is_known: true, finding: Some(finding) }
        }
        Err(failure) => unasked(&failure.to_string()),
    }
}

/// Where the API of a config is, from this machine. Of port 0 nobody knows.
fn address(api: &config::Api) -> Option<String> {
    let scheme = if api.tls.is_some() { "https" } else { "http" };
    let mut listen = api.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    (listen.port() != 0).then(|| format!("{scheme}://{listen}"))
}

type Counts = [(Kind, usize); Kind::ALL.len()];

async fn of_server(file: &Config, remote: &Remote) -> Result<(Config, Counts), Failure> {
    let mut all_of_it = file.clone();
    let mut counts = Kind::ALL.map(|kind| (kind, 0));
    for (kind, count) in &mut counts {
        let mut found = remote.json(Ask::get(&all(*kind))).await?;
        let Value::Array(objects) = found["objects"].take() else { continue };
        for mut object in objects.into_iter().filter(|object| object["declared"] == false) {
            let Value::Object(settings) = object["settings"].take() else { continue };
            let added = all_of_it.add(*kind, &with_password(*kind, settings));
            added.map_err(|error| Failure::Failed(format!("{} {}: {error}", kind.name(), object["id"])))?;
            *count += 1;
        }
    }
    Ok((all_of_it, counts))
}

/// The server shows none, and what is looked at here needs none.
fn with_password(kind: Kind, mut settings: Settings) -> Settings {
    if kind == Kind::Upstream {
        settings.entry("password").or_insert_with(|| "".into());
    }
    settings
}

/// `2 customers, 1 account`; nothing, where there is nothing.
fn told(counts: &Counts) -> String {
    let some = counts.iter().filter(|(_, count)| *count > 0);
    let named = some.map(|(kind, count)| {
        let name = kind.name().replace('_', " ");
        if *count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { "nothing".to_owned() } else { named.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_of_a_config_is_asked_on_this_machine_and_counts_are_told() {
        let at = |lines: &str| {
            let text =
                format!("data_dir = \"d\"\n[smpp]\nlisten = \"127.0.0.1:0\"\nsystem_id = \"x\"\n[api]\n{lines}\n");
            let config = Config::parse(&text, std::path::Path::new("t")).expect("valid");
            address(&config.api.expect("there"))
        };
        assert_eq!(at("listen = \"127.0.0.1:8081\"").as_deref(), Some("http://127.0.0.1:8081"));
        assert_eq!(at("listen = \"[::]:81\"").as_deref(), Some("http://[::1]:81"));
        let tls = "listen = \"0.0.0.0:8443\"\ntls = { certificate = \"c\", key = \"k\" }";
        assert_eq!(at(tls).as_deref(), Some("https://127.0.0.1:8443"));
        assert_eq!(at("listen = \"127.0.0.1:0\""), None);
        let mut counts = Kind::ALL.map(|kind| (kind, 0));
        assert_eq!(told(&counts), "nothing");
        (counts[1].1, counts[3].1) = (1, 2);
        assert_eq!(told(&counts), "1 account, 2 shared numbers");
    }
}

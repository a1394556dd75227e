//! The data directory, the store in it, and the ports.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Access, access};

use super::Finding::{self, Fine, Note, Wrong};
use crate::config::Config;
use crate::store::{self, Keeps, Store};

const READ_BY_OTHERS: u32 = 0o004;

pub fn data_dir(path: &Path) -> Vec<Finding> {
    let shown = path.display();
    let Ok(metadata) = fs::metadata(path) else {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return vec![match access(parent, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Fine(format!("data_dir {shown}: the first start makes it")),
            Err(error) => {
                Wrong(format!("data_dir {shown}: cannot be made: {error}"), "make it, and give it to the server's user")
            }
        }];
    };
    let mut findings = Vec::new();
    if let Err(error) = access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        let advice = "run this as the server's user, or give the directory to it";
        findings.push(Wrong(format!("data_dir {shown}: {error}"), advice));
    }
    if metadata.mode() & READ_BY_OTHERS != 0 {
        findings.push(Note(format!("data_dir {shown}: every user can read messages in it"), "chmod o-rwx"));
    }
    findings.push(match store::disk::is_nearly_full(path) {
        Ok(false) => Fine(format!("data_dir {shown}: the disk has room")),
        Ok(true) => Wrong(format!("data_dir {shown}: less than 512 MiB are free"), "make room: nothing is accepted"),
        Err(error) => Wrong(format!("data_dir {shown}: {error}"), "see whether the disk is mounted and works"),
    });
    findings
}

/// What became of opening the store.
pub enum Found {
    /// No server has run yet.
    New,
    Opens(Arc<Store>),
    InUse,
    /// To open it as another user would leave files that its own cannot write.
    Foreign(u32),
    Broken(String),
}

pub fn store(path: &Path, keeps: Keeps) -> Found {
    let Ok(metadata) = fs::metadata(path.join("tables")) else { return Found::New };
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Found::Foreign(metadata.uid());
    }
    let opened = store::disk::open(path, keeps).map_err(|error| error.to_string());
    match opened.and_then(|opened| Store::open(opened).map_err(|error| error.to_string())) {
        Ok((store, _writer)) => Found::Opens(store),
        Err(why) if why.contains("in use") => Found::InUse,
        Err(why) => Found::Broken(why),
    }
}

impl Found {
    pub fn told(self, path: &Path) -> Finding {
        let shown = path.display();
        match self {
            Found::New => Fine(format!("store in {shown}: the first start makes it")),
            Found::Opens(_) => Fine(format!("store in {shown}: it opens, and no server runs with it")),
            Found::InUse => Fine(format!("store in {shown}: a server runs with it")),
            Found::Foreign(uid) => {
                Wrong(format!("store in {shown}: it belongs to user {uid}"), "run this as that user")
            }
            Found::Broken(why) => Wrong(why, "restore a backup into another directory; keep this one for a look at it"),
        }
    }
}

pub fn ports(config: &Config, is_running: bool) -> Vec<Finding> {
    let named = [
        ("smpp.listen", Some(config.smpp.listen)),
        ("smpp.tls.listen", config.smpp.tls.as_ref().map(|tls| tls.listen)),
        ("api.listen", config.api.as_ref().map(|api| api.listen)),
    ];
    named.into_iter().filter_map(|(key, address)| Some(port(key, address?, is_running))).collect()
}

fn port(key: &str, address: SocketAddr, is_running: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) if is_running && address.port() != 0 => {
            let what = format!("{key} = {address}: free, though a server runs with this data directory");
            Note(what, "was it started with another config?")
        }
        Ok(_) => Fine(format!("{key} = {address}: free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_running => {
            Fine(format!("{key} = {address}: in use, by the server that runs"))
        }
        Err(error) => Wrong(format!("{key} = {address}: {error}"), "free it, or choose another address"),
    }
}

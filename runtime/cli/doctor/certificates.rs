//! Certificates and keys: whether they can be read, fit together, and for how long they are valid.

use std::path::Path;

use super::Finding::{self, Fine, Note, Wrong};
use super::expiry::expiry;
use crate::clock;
use crate::config::Config;
use crate::tls::{self, Acceptors, ServerFiles};

const DAY_MS: u64 = 86_400_000;
/// Time to have another one issued.
const SOON_DAYS: u64 = 30;

pub fn all(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let smpp = config.smpp.tls.as_ref().map(|tls| ServerFiles {
        table: "smpp.tls",
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_ca: tls.client_ca.clone(),
    });
    let api = config.api.as_ref().and_then(|api| api.tls.as_ref()).map(|tls| ServerFiles {
        table: "api.tls",
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_ca: None,
    });
    for files in [smpp, api].into_iter().flatten() {
        let (table, certificate) = (files.table, files.certificate.clone());
        match Acceptors::new(files) {
            Ok(_) => findings.push(validity(table, &certificate)),
            Err(error) => findings.push(unusable(table, &error)),
        }
    }
    for upstream in &config.upstream {
        let Some(tls) = &upstream.tls else { continue };
        let table = format!("upstream {}", upstream.name);
        match tls::connector(&upstream.host, tls) {
            Ok(_) => findings.extend(tls.certificate.as_ref().map(|file| validity(&table, file))),
            Err(error) => findings.push(unusable(&table, &error)),
        }
    }
    findings
}

fn unusable(table: &str, error: &tls::TlsError) -> Finding {
    Wrong(
        format!("{table}: {error}"),
        "both files are PEM, the key belongs to the certificate, and the user can read them",
    )
}

/// Of the certificate itself, which comes first in its file.
fn validity(table: &str, file: &Path) -> Finding {
    let shown = file.display();
    let ends = tls::certificates(file).ok().and_then(|chain| expiry(chain.first()?));
    let Some(ends) = ends else {
        return Note(
            format!("{table}: {shown}: until when it is valid cannot be read"),
            "look with openssl x509 -dates",
        );
    };
    let now = clock::now().0;
    let days = ends.saturating_sub(now) / DAY_MS;
    match days {
        _ if ends <= now => {
            Wrong(format!("{table}: {shown}: expired"), "have another one issued; it is used without a restart")
        }
        0..SOON_DAYS => Note(format!("{table}: {shown}: valid for {days} more days"), "have another one issued"),
        _ => Fine(format!("{table}: {shown}: valid for {days} more days")),
    }
}

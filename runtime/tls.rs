//! TLS for listeners and for upstreams (rustls): what `link` and `api` share.
//!
//! Certificate files are read again when they change, for the connections that come after: a link that is
//! up keeps what it was opened with. Files that do not fit together are told in the log, and the old ones stay.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::config;

/// A file of certificates or keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {why}", file.display())]
    File { file: PathBuf, why: String },
    #[error("certificate and key do not fit: {0}")]
    Rustls(#[from] rustls::Error),
    #[error("client_ca: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    #[error("{0:?} is no server name")]
    ServerName(String),
}

/// Files of a listener.
#[derive(Clone, Debug)]
pub struct ServerFiles {
    /// The table of the config, for messages.
    pub table: &'static str,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// With it, clients must show a certificate that one of these has signed.
    pub client_ca: Option<PathBuf>,
}

/// The listener's side, always with the newest files.
pub struct Acceptors {
    files: ServerFiles,
    current: Mutex<(Vec<Option<SystemTime>>, TlsAcceptor)>,
}

impl Acceptors {
    pub fn new(files: ServerFiles) -> Result<Acceptors, TlsError> {
        let current = Mutex::new((modified(&files), acceptor(&files)?));
        Ok(Acceptors { files, current })
    }

    pub fn current(&self) -> TlsAcceptor {
        let mut current = self.current.lock();
        let modified = modified(&self.files);
        if current.0 != modified {
            match acceptor(&self.files) {
                Ok(acceptor) => {
                    tracing::info!("new TLS certificate for {}", self.files.table);
                    current.1 = acceptor;
                }
                Err(error) => {
                    let table = self.files.table;
                    tracing::error!("the files of {table} changed and cannot be used, the old ones stay: {error}");
                }
            }
            current.0 = modified;
        }
        current.1.clone()
    }
}

fn modified(from: &ServerFiles) -> Vec<Option<SystemTime>> {
    let files = [Some(&from.certificate), Some(&from.key), from.client_ca.as_ref()];
    files.into_iter().flatten().map(|file| std::fs::metadata(file).and_then(|meta| meta.modified()).ok()).collect()
}

fn acceptor(from: &ServerFiles) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match &from.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots = Arc::new(roots(file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let server = builder.with_single_cert(certificates(&from.certificate)?, key(&from.key)?)?;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// How to connect to a host, with the files as they are now.
pub fn connector(host: &str, tls: &config::UpstreamTls) -> Result<(TlsConnector, ServerName<'static>), TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let roots = match &tls.ca {
        Some(file) => roots(file)?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let builder = builder.with_root_certificates(roots);
    let client = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(file)) => builder.with_client_auth_cert(certificates(certificate)?, key(file)?)?,
        _ => builder.with_no_client_auth(),
    };
    let name = tls.server_name.as_deref().unwrap_or(host);
    let server_name = match name.parse::<IpAddr>() {
        Ok(address) => ServerName::from(address),
        Err(_) => ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName(name.to_owned()))?,
    };
    Ok((TlsConnector::from(Arc::new(client)), server_name))
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |why: String| TlsError::File { file: file.into(), why };
    let found = CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))?;
    let certificates = found.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() { Err(wrong("no certificate in it".into())) } else { Ok(certificates) }
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| TlsError::File { file: file.into(), why: error.to_string() })
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, format!("TLS: {error}"))
    }
}

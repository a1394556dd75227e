//! Certificates that tests make for themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The name in every certificate.
pub const NAME: &str = "smsc.test";

/// An authority of a test's own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// Files with a certificate and its key.
#[derive(Clone)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

fn key() -> KeyPair {
    KeyPair::generate().expect("there is chance")
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, key()).expect("it signs") }
    }

    /// Its own certificate as a file.
    pub fn file(&self, folder: &Path, name: &str) -> PathBuf {
        let file = folder.join(format!("{name}.ca.pem"));
        std::fs::write(&file, self.issuer.pem()).expect("the folder is there");
        file
    }

    /// A new certificate and key under this name; an old one is replaced, the certificate last.
    pub fn issue(&self, folder: &Path, name: &str) -> Files {
        let key = key();
        let params = CertificateParams::new(vec![NAME.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs");
        let files = Files { certificate: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
        std::fs::write(&files.key, key.serialize_pem()).expect("the folder is there");
        std::fs::write(&files.certificate, certificate.pem()).expect("the folder is there");
        files
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("it is one");
        roots
    }

    /// Believes this authority, and shows a certificate, or none.
    pub fn connector(&self, own: Option<&Files>) -> TlsConnector {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("ring has them").with_root_certificates(self.roots());
        let config = match own.map(Files::read) {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("they fit"),
            None => builder.with_no_client_auth(),
        };
        TlsConnector::from(Arc::new(config))
    }
}

impl Files {
    fn read(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_file(&self.certificate).expect("PEM");
        (vec![certificate], PrivateKeyDer::from_pem_file(&self.key).expect("PEM"))
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.read().0.remove(0)
    }

    /// Shows this certificate; with an authority, wants one of its certificates.
    pub fn acceptor(&self, client_ca: Option<&Authority>) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.expect("ring has them");
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let roots = Arc::new(authority.roots());
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().expect("there are roots"))
            }
        };
        let (chain, key) = self.read();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).expect("they fit")))
    }
}

pub fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).expect("a name")
}

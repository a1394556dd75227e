//! SMPP inside TLS, both ways: who is believed, and certificates that change under way.

use std::path::Path;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wasmsc_smpp::SessionConfig;

use super::certificates::{Authority, Files, NAME, name};
use super::peer::{Login, Peer};
use super::site::{Centre, Plan, Site, mo, mt, read};

/// The server's certificate is made in `folder`.
fn plan(folder: &Path, authority: &Authority, client_ca: Option<&Authority>) -> (Plan, Files) {
    let files = authority.issue(folder, "server");
    let client_ca = client_ca.map(|ca| format!(", client_ca = {:?}", ca.file(folder, "clients")));
    let (certificate, key) = (&files.certificate, &files.key);
    let lines = format!(
        "tls = {{ listen = \"127.0.0.1:0\", certificate = {certificate:?}, key = {key:?}{} }}",
        client_ca.unwrap_or_default()
    );
    (Plan::network().smpp(&lines), files)
}

async fn connect(site: &Site, connector: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    connector.connect(name(), TcpStream::connect(site.tls()).await?).await
}

/// With TLS 1.3 a client learns with its first read only that its certificate was refused.
async fn is_let_in(site: &Site, connector: &TlsConnector) -> bool {
    let Ok(mut stream) = connect(site, connector).await else { return false };
    // enquire_link is answered before a bind
    let asked = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1];
    let mut answer = [0; 16];
    let written = tokio::io::AsyncWriteExt::write_all(&mut stream, &asked).await;
    written.is_ok() && tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer).await.is_ok()
}

async fn bind(site: &Site, connector: &TlsConnector, system_id: &str) -> Peer {
    let stream = connect(site, connector).await.expect("the handshake succeeds");
    Peer::bind_over(stream, Login::new(system_id)).await.expect("the account is in the config")
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_travel_inside_tls_and_the_plain_port_works_beside_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let authority = Authority::new();
    let site = plan(folder.path(), &authority, None).0.start().await;
    let mut app = bind(&site, &authority.connector(None), "app").await;
    let mut sim = site.sim().await;
    let long = "x".repeat(60_000).replace("xxxxxxxxxx", "123456789 ");
    for text in ["short", &long[..30_000]] {
        app.submitted(mt(text)).await;
        let mut got = String::new();
        while got.len() < text.len() {
            got += &read(&sim.take().await);
        }
        assert_eq!(got, text);
        sim.submitted(mo(text)).await;
        let mut got = String::new();
        while got.len() < text.len() {
            got += &read(&app.take().await);
        }
        assert_eq!(got, text);
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_without_tls_on_its_port_and_half_a_handshake_hurt_nobody() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let authority = Authority::new();
    let site = plan(folder.path(), &authority, None).0.smpp("\nsession_init_timeout_secs = 1").start().await;
    let silent = TcpStream::connect(site.tls()).await.expect("the server listens");
    let mut silent = Peer::over(silent, SessionConfig::esme());
    let mut plain = TcpStream::connect(site.tls()).await.expect("the server listens");
    tokio::io::AsyncWriteExt::write_all(&mut plain, &[0; 64]).await.expect("the link is up");
    let app = bind(&site, &authority.connector(None), "app").await;
    let mut plain = Peer::over(plain, SessionConfig::esme());
    assert!(plain.is_closed_within(crate::support::PATIENCE).await);
    assert!(silent.is_closed_within(crate::support::PATIENCE).await, "half a handshake has its time, too");
    site.end((app, plain, silent)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_client_certificates_are_wanted_only_those_of_the_right_authority_get_in() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (authority, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let site = plan(folder.path(), &authority, Some(&clients)).0.start().await;
    let own = clients.issue(folder.path(), "own");
    let strange = strangers.issue(folder.path(), "strange");
    assert!(is_let_in(&site, &authority.connector(Some(&own))).await);
    assert!(!is_let_in(&site, &authority.connector(None)).await, "without a certificate");
    assert!(!is_let_in(&site, &authority.connector(Some(&strange))).await, "with a stranger's");
    // And we are not let in by who does not believe our authority.
    assert!(!is_let_in(&site, &strangers.connector(Some(&own))).await);
    let app = bind(&site, &authority.connector(Some(&own)), "app").await;
    site.end(app).await;
}

fn shown(stream: &TlsStream<TcpStream>) -> rustls::pki_types::CertificateDer<'static> {
    let chain = stream.get_ref().1.peer_certificates().expect("the server shows one");
    chain[0].clone().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_replaced_is_shown_to_the_next_link_and_the_old_link_lives() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let authority = Authority::new();
    let (plan, first) = plan(folder.path(), &authority, None);
    let first = first.der();
    let site = plan.start().await;
    let connector = authority.connector(None);
    let mut old = bind(&site, &connector, "app").await;
    assert_eq!(shown(&connect(&site, &connector).await.expect("handshake")), first);
    let second = authority.issue(folder.path(), "server").der();
    assert_ne!(first, second);
    let shows_second = || async {
        let stream = connect(&site, &connector).await.expect("handshake");
        (shown(&stream) == second).then_some(())
    };
    super::peer::eventually("new certificate", shows_second).await;
    old.submitted(mt("over the old link")).await;
    // Files that make no sense are not taken: the last ones that did stay.
    std::fs::write(folder.path().join("server.pem"), "no certificate").expect("the folder is there");
    for _ in 0..3 {
        assert_eq!(shown(&connect(&site, &connector).await.expect("handshake")), second);
    }
    old.submitted(mt("and again")).await;
    site.end(old).await;
}

async fn bound_over(centre: &Centre, files: &Files, client_ca: Option<&Authority>) -> Option<Peer> {
    let stream = files.acceptor(client_ca).accept(centre.connection().await).await.ok()?;
    Peer::over(stream, SessionConfig::smsc()).until_bound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_is_reached_over_tls_with_our_own_certificate() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (theirs, ours) = (Authority::new(), Authority::new());
    let files = theirs.issue(folder.path(), "centre");
    let own = ours.issue(folder.path(), "own");
    let centre = Centre::new().await;
    let ca = theirs.file(folder.path(), "centre");
    let lines = format!(
        "tls = {{ ca = {ca:?}, server_name = {NAME:?}, certificate = {:?}, key = {:?} }}",
        own.certificate, own.key
    );
    let site = Plan::upstream(&centre, &lines).start().await;
    let mut up = bound_over(&centre, &files, Some(&ours)).await.expect("the server binds");
    let mut app = site.app().await;
    app.submitted(mt("over TLS")).await;
    assert_eq!(read(&up.take().await), "over TLS");
    up.deliver(mo("and back")).await;
    assert_eq!(read(&app.take().await), "and back");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_with_a_certificate_of_a_stranger_or_another_name_is_not_bound_to() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (theirs, strangers) = (Authority::new(), Authority::new());
    let ca = theirs.file(folder.path(), "centre");
    let good = theirs.issue(folder.path(), "centre");
    for (server_name, files) in
        [(NAME, strangers.issue(folder.path(), "strange")), ("other.test", good.clone()), ("127.0.0.1", good)]
    {
        let centre = Centre::new().await;
        let lines = format!("tls = {{ ca = {ca:?}, server_name = {server_name:?} }}");
        let site = Plan::upstream(&centre, &lines).start().await;
        for _ in 0..2 {
            assert!(bound_over(&centre, &files, None).await.is_none(), "{server_name}");
        }
        site.end(()).await;
    }
}

//! HTTPS, with certificates that change under way.

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::client::{Client, Reply, exchange};
use crate::smsc::certificates::{Authority, name};
use crate::smsc::site::{Plan, Site};

async fn get(site: &Site, connector: &TlsConnector, path: &str) -> std::io::Result<Reply> {
    let client = Client::new(site.api(), Some(&site.operator_token()));
    let stream = connector.connect(name(), TcpStream::connect(site.api()).await?).await?;
    Ok(exchange(stream, client.build("GET", path, &[], None)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_served_and_a_new_certificate_is_used_without_a_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (old, new) = (Authority::new(), Authority::new());
    let files = old.issue(folder.path(), "api");
    let (certificate, key) = (&files.certificate, &files.key);
    let table = format!("[api]\nlisten = \"127.0.0.1:0\"\ntls = {{ certificate = {certificate:?}, key = {key:?} }}\n");
    let site = Plan::network().more(&table).start().await;
    let path = "/v1/customers/acme/keys";
    get(&site, &old.connector(None), path).await.expect("the authority is known").expect(200);
    assert!(get(&site, &new.connector(None), path).await.is_err());
    new.issue(folder.path(), "api");
    get(&site, &new.connector(None), path).await.expect("the new one is used").expect(200);
    assert!(get(&site, &old.connector(None), path).await.is_err());
    site.end(()).await;
}

//! Files of others are what `vendor.txt` says, with their licences; and a first look costs little.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::browser::{Browser, site};
use crate::api::client::key;

/// What a browser that was never here loads for its first page.
const FIRST_LOAD_MAX_OCTETS: usize = 300_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/console/assets/vendor")
}

#[test]
fn vendored_files_are_those_that_were_pinned_and_no_others() {
    let list = std::fs::read_to_string(folder().join("vendor.txt")).expect("it is there");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().collect()).collect();
    for row in &rows {
        let [package, version, licence, _, name, sum] = row[..] else { panic!("{row:?}") };
        assert!(["0BSD", "MIT"].contains(&licence), "{package}: {licence}: may the program be shipped with it?");
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{package} {version}");
        assert!(rows.iter().any(|row| row[0] == package && row[3] == "LICENSE"), "{package} comes with its licence");
        let octets = std::fs::read(folder().join(name)).expect("it is there");
        let digest: String = Sha256::digest(&octets).iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(sum, digest, "{name}: `cargo xtask vendor` fetches what is pinned");
    }
    for entry in std::fs::read_dir(folder()).expect("it is there") {
        let file = entry.expect("readable").file_name().into_string().expect("text");
        assert!(file == "vendor.txt" || rows.iter().any(|row| row[4] == file), "{file} is not in vendor.txt");
    }
}

/// Files that a page names.
fn files(page: &str) -> Vec<String> {
    let named = page.split("\"/console/assets/").skip(1).filter_map(|rest| rest.split('"').next());
    named.map(|name| format!("/console/assets/{name}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_load_is_small_and_later_ones_load_no_file_again() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let page = browser.page("/console/c/acme").await;
    let files = files(&page);
    assert!(files.len() >= 6, "{files:?}");
    let mut octets = page.len();
    for file in &files {
        let reply = browser.get(file).await.expect(200);
        assert_eq!(reply.headers["cache-control"], "public, max-age=31536000, immutable");
        octets += reply.text.len() + format!("{:?}", reply.headers).len();
        let tag = reply.headers["etag"].to_str().expect("text").to_owned();
        let again = browser.get_with(file, &[("if-none-match", &tag)]).await.expect(304);
        assert!(again.text.is_empty());
    }
    assert!(octets < FIRST_LOAD_MAX_OCTETS, "{octets} octets");
    assert_eq!(browser.page("/console/c/acme/messages").await.matches("/console/assets/").count(), files.len());
    // An old digest is not answered with a new file.
    let stale = files[0].replacen("/assets/", "/assets/x", 1);
    browser.get(&stale).await.expect(404);
    site.end(()).await;
}

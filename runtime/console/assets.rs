//! The console's own files, inside the program: style sheet, scripts, and those of others under `assets/vendor`, as
//! `vendor.txt` pins them. Paths have the files' digests, so that browsers keep them for ever and never an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::secret::Digest;

/// A year: the most that anybody keeps.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Characters of the digest in paths: enough that two versions of a file never share them.
const DIGEST_CHARS: usize = 16;

const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

macro_rules! files {
    ($($name:literal $from:literal $kind:expr;)*) => {
        const FILES: &[(&str, &str, &str)] = &[$(($name, include_str!(concat!("assets/", $from)), $kind)),*];
    };
}

files! {
    "console.css" "console.css" CSS;
    "console.js" "console.js" JS;
    "icon.svg" "icon.svg" "image/svg+xml";
    "htmx.min.js" "vendor/htmx.min.js" JS;
    "uPlot.iife.min.js" "vendor/uPlot.iife.min.js" JS;
    "uPlot.min.css" "vendor/uPlot.min.css" CSS;
}

/// By [`FILES`].
static DIGESTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    FILES.iter().map(|(_, text, _)| Digest::of(text).to_text().chars().take(DIGEST_CHARS).collect()).collect()
});

/// Where a file is. One that is not there is a mistake of a page, which the tests would see.
pub fn path(name: &str) -> String {
    let digest = FILES.iter().position(|(file, ..)| *file == name).map_or("", |at| &DIGESTS[at]);
    format!("/console/assets/{digest}/{name}")
}

pub async fn serve(Path((digest, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let at = FILES.iter().position(|(file, ..)| *file == name).filter(|at| DIGESTS[*at] == digest);
    let Some((_, text, kind)) = at.map(|at| FILES[at]) else { return StatusCode::NOT_FOUND.into_response() };
    let tag = format!("\"{digest}\"");
    let head = [(CACHE_CONTROL, FOR_EVER), (ETAG, &*tag), (CONTENT_TYPE, kind)];
    if headers.get(IF_NONE_MATCH).is_some_and(|has| has == &*tag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, text).into_response()
}

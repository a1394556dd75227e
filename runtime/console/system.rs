//! The house's own state, for the operator: health, commits, checkpoints, version.

use axum::body::Body;
use axum::http::Method;
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use maud::{Markup, html};

use super::ask::{Answer, At, Refused};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::visitor::Visitor;
use super::words;

/// The numbers of a house with a thousand rules.
const NUMBERS_MAX_OCTETS: usize = 8 << 20;

pub async fn page(visitor: Visitor) -> Response {
    let body = body(&visitor).await;
    visitor.page("System", Tab::System, body)
}

async fn body(visitor: &Visitor) -> Answer<Markup> {
    let ready = visitor.asker.ask(Method::GET, &At::new("/readyz"), &[], Body::empty()).await.status();
    let answer = visitor.asker.ask(Method::GET, &At::new("/metrics"), &[], Body::empty()).await;
    let status = answer.status();
    if !status.is_success() {
        return Err(Refused::new(status, "There is no such page", "Only the operator sees the system."));
    }
    let octets = Limited::new(answer.into_body(), NUMBERS_MAX_OCTETS).collect().await;
    let octets =
        octets.map_err(|error| Refused::new(status, "The numbers cannot be read", error.to_string()))?.to_bytes();
    let text = String::from_utf8_lossy(&octets);
    let numbers = Numbers(&text);
    Ok(html! {
        h1 { "System" }
        div #now hx-get="/console/system" hx-trigger="every 5s" hx-select="#now" hx-swap="outerHTML" {
            section.card {
                dl.facts {
                    div { dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) } }
                    div { dt { "Messages" } dd {
                        @if ready.is_success() { (parts::badge(Mood::Good, "are taken")) } @else { (parts::badge(Mood::Bad, "are not taken")) }
                    } }
                    div { dt { "Store" } dd { (on_disk(&numbers, "wasmsc_store_octets")) } }
                    div { dt { "Free on its disk" } dd { (on_disk(&numbers, "wasmsc_store_free_octets")) } }
                    div { dt { "Commits" } dd { (parts::number(numbers.sum("wasmsc_store_commit_seconds_count") as u64)) } }
                    div { dt { "Mean time of a commit" } dd { (mean(&numbers)) } }
                    div { dt { "99 of 100 commits within" } dd { (within(&numbers, 0.99)) } }
                    div { dt { "Checkpoints" } dd { (parts::number(numbers.sum("wasmsc_store_checkpoints_total") as u64)) } }
                    div { dt { "Webhook attempts" } dd { (parts::number(numbers.sum("wasmsc_webhook_attempts_total") as u64)) } }
                }
            }
            p.faint { "Since the start of the server. " code { "GET /metrics" } " has all numbers, for Prometheus." }
        }
    })
}

/// OpenMetrics text.
struct Numbers<'t>(&'t str);

impl Numbers<'_> {
    fn of<'n>(&'n self, name: &'n str) -> impl Iterator<Item = (&'n str, f64)> {
        self.0.lines().filter_map(move |line| {
            let (labels, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
            let is_whole = labels.is_empty() || labels.starts_with('{');
            is_whole.then_some((labels, value.parse().ok()?))
        })
    }

    fn sum(&self, name: &str) -> f64 {
        self.of(name).map(|(_, value)| value).sum()
    }
}

/// Where it is known.
fn on_disk(numbers: &Numbers, name: &str) -> String {
    numbers.of(name).next().map_or_else(|| "–".to_owned(), |(_, octets)| words::size(octets as u64))
}

fn mean(numbers: &Numbers) -> Markup {
    let count = numbers.sum("wasmsc_store_commit_seconds_count");
    let micros = numbers.sum("wasmsc_store_commit_seconds_sum") / count.max(1.0) * 1e6;
    html! { (words::micros(micros as u64)) }
}

/// The bound of the first bucket that has so many of all.
fn within(numbers: &Numbers, share: f64) -> String {
    let wanted = numbers.sum("wasmsc_store_commit_seconds_count") * share;
    let bound = |labels: &str| labels.split("le=\"").nth(1)?.split('"').next()?.parse::<f64>().ok();
    let mut buckets = numbers.of("wasmsc_store_commit_seconds_bucket");
    let first = buckets.find(|(_, count)| *count >= wanted).and_then(|(labels, _)| bound(labels));
    match first.filter(|bound| bound.is_finite()) {
        Some(secs) => words::micros((secs * 1e6) as u64),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_whole_name() {
        let text = "a_count 3\na_count_total 9\na_bucket{le=\"0.001\"} 1\na_bucket{le=\"+Inf\"} 3\nb{x=\"y\"} 2\nb{x=\"z\"} 3\n";
        let numbers = Numbers(text);
        assert_eq!((numbers.sum("a_count"), numbers.sum("b"), numbers.sum("c")), (3.0, 5.0, 0.0));
    }

    #[test]
    fn a_percentile_is_the_bound_of_its_bucket() {
        let name = "wasmsc_store_commit_seconds";
        let text = format!(
            "{name}_count 100\n{name}_bucket{{le=\"0.001\"}} 98\n{name}_bucket{{le=\"0.0025\"}} 99\n{name}_bucket{{le=\"+Inf\"}} 100\n"
        );
        assert_eq!(within(&Numbers(&text), 0.99), "2.5 ms");
        assert_eq!(within(&Numbers(&text), 1.0), "–");
    }
}

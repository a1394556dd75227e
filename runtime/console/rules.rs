//! A customer's rules, and the plugins that they are made of.

use axum::Form;
use axum::body::Body;
use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ask::{Answer, At, escaped, read};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;
use super::words;

#[derive(Debug, Deserialize)]
pub struct PluginList {
    pub plugins: Vec<Plugin>,
}

#[derive(Debug, Deserialize)]
pub struct Plugin {
    pub name: String,
    pub version: String,
    customer: Option<String>,
    pub digest: String,
    octets: u64,
    exports: Vec<String>,
    used_by: Vec<String>,
    uploaded_at: String,
}

impl Plugin {
    /// As rules name it.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

#[derive(Debug, Deserialize)]
struct RuleList {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
pub struct Rule {
    pub name: String,
    pub declared: bool,
    pub settings: Value,
    pub state: String,
    pub why: Option<String>,
    pub lately: Lately,
    pub active: Option<Version>,
    pub previous: Option<Version>,
    pub canary: Option<Canary>,
    pub shadow: Option<Shadow>,
    pub history: Vec<Step>,
}

#[derive(Debug, Deserialize)]
pub struct Version {
    pub plugin: String,
    pub digest: String,
    pub runs: u64,
    pub retried: u64,
    pub rejected: u64,
    pub broken: u64,
    pub mean_micros: u64,
    pub lately: Lately,
}

/// How often it was called in the last minutes, and how long that took.
#[derive(Debug, Deserialize)]
pub struct Lately {
    pub calls_per_sec: f64,
    pub p50_micros: Option<u64>,
    pub p99_micros: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub struct Canary {
    pub version: Version,
    pub percent: u64,
    pub steps: Vec<u64>,
    pub every_secs: u64,
    pub since: String,
    pub active_runs: u64,
    pub active_failed: u64,
    pub active_mean_micros: u64,
}

#[derive(Debug, Deserialize)]
pub struct Shadow {
    pub version: Version,
    pub same: u64,
    pub differed: u64,
    pub unsure: u64,
    pub skipped: u64,
    pub differences: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Step {
    pub at: String,
    pub who: String,
    pub what: String,
    pub plugin: String,
    pub percent: Option<u64>,
    pub why: Option<String>,
}

impl Rule {
    /// Which MOs come to it, in words.
    pub fn trigger(&self) -> String {
        let numbers = self.settings["numbers"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut trigger = numbers.collect::<Vec<_>>().join(", ");
        for (name, word) in [("keyword", "keyword"), ("sender", "from")] {
            if let Some(value) = self.settings[name].as_str() {
                trigger.push_str(&format!(", {word} {value}"));
            }
        }
        trigger
    }
}

/// A new rule, as its form says it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewRule {
    name: String,
    plugin: String,
    numbers: String,
    keyword: String,
    config: String,
}

impl NewRule {
    fn settings(&self) -> Value {
        let words = |text: &str| -> Vec<String> {
            text.split([',', ' ', '\n']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let mut settings = json!({ "plugin": self.plugin, "numbers": words(&self.numbers) });
        if !self.keyword.is_empty() {
            settings["keyword"] = json!(self.keyword);
        }
        let config = pairs(&self.config);
        if !config.is_empty() {
            settings["config"] = Value::Object(config);
        }
        settings
    }
}

/// Config as forms have it: a line for each, `name = value`.
pub fn pairs(lines: &str) -> Map<String, Value> {
    let pairs = lines.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), json!(value.trim()))).collect()
}

pub async fn list(visitor: Visitor) -> Response {
    let body = body(&visitor, None, &NewRule::default()).await;
    visitor.page("Rules", Tab::Rules, body)
}

async fn body(visitor: &Visitor, notice: Option<Markup>, draft: &NewRule) -> Answer<Markup> {
    let rules: RuleList = visitor.asker.get(&visitor.at("/v1/rules")).await?;
    let plugins: PluginList = visitor.asker.get(&visitor.at("/v1/plugins")).await?;
    Ok(html! {
        h1 { "Rules and plugins" }
        @if let Some(notice) = notice { (notice) }
        (table(visitor, &rules.rules))
        @if visitor.may("manage") && !plugins.plugins.is_empty() { (form(visitor, &plugins.plugins, draft)) }
        section.card { h2 { "Plugins" } (plugins_table(visitor, &plugins.plugins)) }
        @if visitor.may("manage") { (upload_form(visitor)) }
    })
}

fn table(visitor: &Visitor, rules: &[Rule]) -> Markup {
    html! {
        @if rules.is_empty() {
            (parts::empty("No rules yet.", "Upload a plugin below, then make a rule of it: it says which MOs the plugin answers."))
        } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Rule" } th scope="col" { "Answers" } th scope="col" { "State" } th scope="col" { "Version" }
                    th.figure scope="col" { "Runs" } th.figure scope="col" { "Failed" } th.figure scope="col" { "Calls/s" }
                    th.figure scope="col" { "p50" } th.figure scope="col" { "p99" }
                } }
                tbody { @for rule in rules { tr {
                    td { a href={ (visitor.path("rules")) "/" (escaped(&rule.name)) } { (text::shown(&rule.name)) } }
                    td { (text::shown(&rule.trigger())) }
                    td { (state(rule)) }
                    @match &rule.active {
                        Some(active) => {
                            td { (text::shown(&active.plugin)) }
                            td.figure { (parts::number(active.runs)) }
                            td.figure { (parts::number(active.rejected + active.broken)) }
                            td.figure { (words::rate(rule.lately.calls_per_sec)) }
                            td.figure { (words::some_micros(rule.lately.p50_micros)) }
                            td.figure { (words::some_micros(rule.lately.p99_micros)) }
                        },
                        None => td colspan="6" { span.faint { "none is loaded" } },
                    }
                } } }
            } }
        }
    }
}

pub fn state(rule: &Rule) -> Markup {
    html! {
        @if rule.state == "running" { (parts::badge(Mood::Good, "running")) } @else { (parts::badge(Mood::Bad, &rule.state)) }
        @if let Some(canary) = &rule.canary { " " (parts::badge(Mood::Busy, &format!("canary {} %", canary.percent))) }
        @if rule.shadow.is_some() { " " (parts::badge(Mood::Busy, "shadow")) }
    }
}

fn form(visitor: &Visitor, plugins: &[Plugin], draft: &NewRule) -> Markup {
    html! {
        details.card open[!draft.name.is_empty()] {
            summary { "New rule" }
            form.filter method="post" action=(visitor.path("rules")) {
                (parts::field("Name", "name", &draft.name, "alarm"))
                label.field { span { "Plugin" } select name="plugin" {
                    @for plugin in plugins { (parts::choice(&plugin.label(), &plugin.label(), &draft.plugin)) }
                } }
                (parts::field("Numbers", "numbers", &draft.numbers, "7001"))
                (parts::field("Keyword, if any", "keyword", &draft.keyword, ""))
                label.field.wide { span { "Config, a line for each: name = value" } textarea name="config" rows="3" spellcheck="false" { (draft.config) } }
                div.buttons { button.primary type="submit" { "Make the rule" } }
            }
        }
    }
}

fn plugins_table(visitor: &Visitor, plugins: &[Plugin]) -> Markup {
    html! {
        @if plugins.is_empty() { p.faint { "None yet." } } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Plugin" } th scope="col" { "Of" } th scope="col" { "Handles" } th scope="col" { "Used by" }
                    th.figure scope="col" { "Octets" } th scope="col" { "Uploaded" }
                } }
                tbody { @for plugin in plugins { tr {
                    td {
                        a href={ (visitor.path("plugins")) "/" (escaped(&plugin.label())) } { (text::shown(&plugin.label())) }
                        br; code.faint { (short(&plugin.digest)) }
                    }
                    td { @match &plugin.customer { Some(customer) => (text::shown(customer)), None => "the operator" } }
                    td { (exports(plugin)) }
                    td { (text::shown(&plugin.used_by.join(", "))) }
                    td.figure { (parts::number(plugin.octets)) }
                    td { (parts::time(&plugin.uploaded_at)) }
                } } }
            } }
        }
    }
}

fn exports(plugin: &Plugin) -> Markup {
    html! { @for export in &plugin.exports { code title=(text::plain(export)) { (text::shown(handler(export))) } " " } }
}

/// What is known of a plugin, on its own page.
pub fn plugin_card(plugin: &Plugin) -> Markup {
    html! {
        section.card { dl.facts {
            div { dt { "Of" } dd { @match &plugin.customer { Some(customer) => (text::shown(customer)), None => "the operator" } } }
            div { dt { "Handles" } dd { (exports(plugin)) } }
            div { dt { "Used by" } dd { @if plugin.used_by.is_empty() { "no rule" } @else { (text::shown(&plugin.used_by.join(", "))) } } }
            div { dt { "Octets" } dd { (parts::number(plugin.octets)) } }
            div { dt { "Uploaded" } dd { (parts::time(&plugin.uploaded_at)) } }
            div { dt { "Digest" } dd { code { (plugin.digest) } } }
        } }
    }
}

/// `mo-handler` of `wasmsc:plugin/mo-handler@0.1.0`
fn handler(export: &str) -> &str {
    let name = export.rsplit('/').next().unwrap_or(export);
    name.split('@').next().unwrap_or(name)
}

/// Enough of a digest to tell two apart.
pub fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

/// Those that the visitor may use. A page without its list is better than none.
pub async fn plugins(visitor: &Visitor) -> Vec<Plugin> {
    let list = visitor.asker.get::<PluginList>(&visitor.at("/v1/plugins")).await;
    list.map(|list| list.plugins).unwrap_or_default()
}

/// Sent by a script, as it is: a component is no field of a form.
fn upload_form(visitor: &Visitor) -> Markup {
    html! {
        section.card {
            h2 { "Upload a plugin" }
            form.filter data-upload=(visitor.path("plugins")) {
                label.field.wide.drop { span { "Component (.wasm): choose it, or drop it here" }
                    input type="file" name="file" accept=".wasm,application/wasm" required;
                }
                (parts::field("Name", "name", "", "alarm"))
                (parts::field("Version", "version", "", "1.0.0"))
                div.buttons { button.primary type="submit" { "Upload" } }
            }
            div #uploaded role="status" {}
            noscript { p.faint { "Uploading needs scripts; or use " code { "POST /v1/plugins" } "." } }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    name: String,
    version: String,
}

/// Hands the component on as it comes; what is said about it stands below the form.
pub async fn upload(visitor: Visitor, Query(named): Query<Named>, component: Body) -> Response {
    let at = At::new("/v1/plugins").with("name", &named.name).with("version", &named.version);
    let at = at.with("customer", visitor.customer());
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/wasm"))];
    match read::<Plugin>(visitor.asker.ask(Method::POST, &at, &kind, component).await).await {
        Ok(plugin) => {
            let said = html! {
                strong { (text::shown(&plugin.label())) } " is taken: checked, compiled and tried. "
                a href=(visitor.path("rules")) { "Use it in a rule" }
            };
            (StatusCode::CREATED, parts::done(&said)).into_response()
        }
        Err(refused) => (refused.status(), parts::problem(&refused)).into_response(),
    }
}

pub async fn make(visitor: Visitor, Form(draft): Form<NewRule>) -> Response {
    let at = At::new("/v1/rules").then(&draft.name).with("customer", visitor.customer());
    let only_new = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (axum::http::header::IF_NONE_MATCH, HeaderValue::from_static("*")),
    ];
    let answer = visitor.asker.ask(Method::PUT, &at, &only_new, draft.settings().to_string().into()).await;
    match read::<Value>(answer).await {
        Ok(_) => Redirect::to(&format!("{}/{}", visitor.path("rules"), escaped(&draft.name))).into_response(),
        Err(refused) => {
            let status = refused.status();
            let body = body(&visitor, Some(parts::problem(&refused)), &draft).await;
            (status, visitor.page("Rules", Tab::Rules, body)).into_response()
        }
    }
}

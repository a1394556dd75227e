//! The playground of a rule and of a plugin: events that somebody makes up, on any version, with whatever config and state, and all
//! that would come of them. The form has the whole conversation in it; nothing of it is kept here, and nothing happens.

use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ask::{Answer, At, Refused, escaped};
use super::effects::{self, Step};
use super::layout::Tab;
use super::parts;
use super::rule_config;
use super::rules::{Plugin, PluginList, Rule, pairs};
use super::text;
use super::visitor::Visitor;

/// What the form says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Draft {
    plugin: String,
    device: String,
    number: String,
    /// `text` or `hex`.
    kind: String,
    said: String,
    after: String,
    /// Another event than an MO, as a case file has it, in JSON.
    event: String,
    /// `now` or `json`.
    before: String,
    state: String,
    shared: String,
    attributes: String,
    config: String,
    clock: String,
    /// The events so far, as JSON.
    past: String,
    /// `add`, `again`, `back`, or `new`.
    act: String,
    /// An event that the page offers, as JSON.
    next: String,
}

#[derive(Debug, Deserialize)]
struct Tried {
    plugin: String,
    config_fault: Option<String>,
    given: Value,
    #[serde(default)]
    cut: Vec<String>,
    steps: Vec<Step>,
    stopped: Option<String>,
    after: After,
    case: String,
}

#[derive(Debug, Deserialize)]
struct After {
    now: String,
    state: Map<String, Value>,
    shared: Map<String, Value>,
    timers: Vec<Due>,
    http_calls: Vec<String>,
    receipts: Vec<Awaited>,
}

#[derive(Debug, Deserialize)]
struct Due {
    name: String,
    due_at: String,
}

#[derive(Debug, Deserialize)]
struct Awaited {
    of: u64,
    to: String,
}

/// What is tried.
enum What {
    Rule { name: String, rule: Box<Rule>, plugins: Vec<String> },
    Plugin(Box<Plugin>),
}

impl What {
    async fn rule(visitor: &Visitor, name: &str) -> Answer<What> {
        let at = At::new("/v1/rules").then(name).with("customer", visitor.customer());
        let rule = visitor.asker.get(&at).await?;
        let plugins: PluginList = visitor.asker.get(&visitor.at("/v1/plugins")).await?;
        let plugins = plugins.plugins.iter().map(Plugin::label).collect();
        Ok(What::Rule { name: name.to_owned(), rule: Box::new(rule), plugins })
    }

    async fn plugin(visitor: &Visitor, reference: &str) -> Answer<What> {
        let at = At::new("/v1/plugins").then(reference).with("customer", visitor.customer());
        Ok(What::Plugin(visitor.asker.get(&at).await?))
    }

    fn title(&self) -> String {
        match self {
            What::Rule { name, .. } => format!("Try rule {name}"),
            What::Plugin(plugin) => format!("Plugin {}", plugin.label()),
        }
    }

    /// Of the page, and of the API.
    fn paths(&self, visitor: &Visitor) -> (String, At) {
        let (page, at) = match self {
            What::Rule { name, .. } => {
                (format!("{}/{}/playground", visitor.path("rules"), escaped(name)), At::new("/v1/rules").then(name))
            }
            What::Plugin(plugin) => {
                let label = plugin.label();
                (format!("{}/{}", visitor.path("plugins"), escaped(&label)), At::new("/v1/plugins").then(&label))
            }
        };
        (page, at.then("try").with("customer", visitor.customer()))
    }

    /// The form as it begins.
    fn draft(&self) -> Draft {
        let mut draft = Draft { kind: "text".into(), before: "json".into(), ..Draft::default() };
        if let What::Rule { rule, .. } = self {
            draft.before = "now".into();
            draft.number = rule.settings["numbers"][0].as_str().unwrap_or_default().to_owned();
            draft.config = rule_config::lines(&rule.settings["config"]);
        }
        draft
    }
}

/// What is read of the form.
type Read<T> = Result<T, Box<Refused>>;

impl From<Box<Refused>> for Refused {
    fn from(refused: Box<Refused>) -> Refused {
        *refused
    }
}

fn wrong(field: &str, why: impl std::fmt::Display) -> Box<Refused> {
    let refused = Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "A field cannot be read", format!("{field}: {why}"));
    Box::new(Refused { field: Some(field.to_owned()), ..refused })
}

/// What is in a field as JSON; nothing where it is empty.
fn read(field: &str, text: &str) -> Read<Option<Value>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| wrong(field, error))
}

impl Draft {
    fn past(&self) -> Read<Vec<Value>> {
        match read("past", &self.past)? {
            Some(Value::Array(events)) => Ok(events),
            _ => Ok(Vec::new()),
        }
    }

    /// The event that is asked for; None: there is none.
    fn next(&self) -> Read<Option<Value>> {
        let mut event = match (read("next", &self.next)?, read("event", &self.event)?) {
            (Some(offered), _) => return Ok(Some(offered)),
            (None, Some(event)) => event,
            (None, None) if self.said.is_empty() => return Ok(None),
            (None, None) if self.kind == "hex" => json!({ "mo": { "hex": self.said } }),
            (None, None) => json!({ "mo": self.said }),
        };
        if let (false, Some(fields)) = (self.after.trim().is_empty(), event.as_object_mut()) {
            fields.insert("after".into(), self.after.trim().into());
        }
        Ok(Some(event))
    }

    fn given(&self) -> Read<Map<String, Value>> {
        let mut given = Map::new();
        for (name, text) in [("device", &self.device), ("number", &self.number), ("now", &self.clock)] {
            if !text.trim().is_empty() {
                given.insert(name.to_owned(), text.trim().into());
            }
        }
        given.insert("config".into(), Value::Object(pairs(&self.config)));
        if self.before == "json" {
            for (name, text) in [("state", &self.state), ("shared", &self.shared), ("attributes", &self.attributes)] {
                given.insert(name.to_owned(), read(name, text)?.unwrap_or_else(|| json!({})));
            }
        }
        Ok(given)
    }

    /// As the API is asked, with all events.
    fn wish(&self, what: &What, events: &[Value]) -> Read<Value> {
        let mut wish = json!({ "given": self.given()?, "events": events });
        if let What::Rule { .. } = what {
            wish["as_is"] = json!(self.before == "now");
            if !self.plugin.is_empty() {
                wish["plugin"] = json!(self.plugin);
            }
        }
        Ok(wish)
    }
}

pub async fn of_rule(visitor: Visitor, Path((_, name)): Path<(String, String)>) -> Response {
    let what = What::rule(&visitor, &name).await;
    begun(&visitor, what)
}

pub async fn of_plugin(visitor: Visitor, Path((_, reference)): Path<(String, String)>) -> Response {
    let what = What::plugin(&visitor, &reference).await;
    begun(&visitor, what)
}

fn begun(visitor: &Visitor, what: Answer<What>) -> Response {
    let (title, body) = match what {
        Ok(what) => (what.title(), Ok(page(visitor, &what, &what.draft(), None))),
        Err(refused) => ("Playground".to_owned(), Err(refused)),
    };
    visitor.page(&text::plain(&title), Tab::Rules, body)
}

pub async fn try_rule(visitor: Visitor, Path((_, name)): Path<(String, String)>, Form(draft): Form<Draft>) -> Response {
    let what = What::rule(&visitor, &name).await;
    tried(&visitor, what, draft).await
}

pub async fn try_plugin(
    visitor: Visitor,
    Path((_, reference)): Path<(String, String)>,
    Form(draft): Form<Draft>,
) -> Response {
    let what = What::plugin(&visitor, &reference).await;
    tried(&visitor, what, draft).await
}

async fn tried(visitor: &Visitor, what: Answer<What>, mut draft: Draft) -> Response {
    let what = match what {
        Ok(what) => what,
        refused @ Err(_) => return begun(visitor, refused),
    };
    let (answer, before) = match run(visitor, &what, &draft).await {
        Ok((tried, events)) => {
            draft.past = Value::from(events.clone()).to_string();
            if draft.act == "new" {
                draft.clock.clear();
            }
            (draft.said, draft.event, draft.next, draft.after) = Default::default();
            if let Some(Tried { given, .. }) = &tried {
                // Time stands still between the events of a conversation.
                draft.clock = given["now"].as_str().unwrap_or_default().to_owned();
            }
            (Ok(tried), events)
        }
        Err(refused) => (Err(refused), draft.past().unwrap_or_default()),
    };
    let title = text::plain(&what.title());
    match answer {
        Ok(result) => {
            let result = result.map(|tried| results(&tried, &before));
            visitor.page(&title, Tab::Rules, Ok(page(visitor, &what, &draft, result)))
        }
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => visitor.page(&title, Tab::Rules, Err(refused)),
        Err(refused) => {
            let status = refused.status();
            let body = page(visitor, &what, &draft, Some(parts::problem(&refused)));
            (status, visitor.page(&title, Tab::Rules, Ok(body))).into_response()
        }
    }
}

/// None: there are no events.
async fn run(visitor: &Visitor, what: &What, draft: &Draft) -> Answer<(Option<Tried>, Vec<Value>)> {
    let mut events = draft.past()?;
    match draft.act.as_str() {
        "new" => events.clear(),
        "back" => drop(events.pop()),
        "again" => {}
        _ => events.extend(draft.next()?),
    }
    if events.is_empty() {
        return Ok((None, events));
    }
    let (_, at) = what.paths(visitor);
    let tried = visitor.asker.post(&at, &draft.wish(what, &events)?).await?;
    Ok((Some(tried), events))
}

fn page(visitor: &Visitor, what: &What, draft: &Draft, result: Option<Markup>) -> Markup {
    let (path, _) = what.paths(visitor);
    html! {
        h1 { (text::shown(&what.title())) }
        @match what {
            What::Rule { name, .. } => p {
                a href={ (visitor.path("rules")) "/" (escaped(name)) } { "Back to the rule" } ". "
                "Nothing here is sent or kept, and no HTTP call is made."
            },
            What::Plugin(plugin) => (super::rules::plugin_card(plugin)),
        }
        @if visitor.may("manage") { (form(&path, what, draft, result)) } @else {
            p.faint { "Trying it needs a key with the scope " code { "manage" } "." }
        }
    }
}

fn form(path: &str, what: &What, draft: &Draft, result: Option<Markup>) -> Markup {
    let has_past = draft.past().is_ok_and(|past| !past.is_empty());
    html! {
        form.playground method="post" action=(path) {
            // Enter sends what was typed, whatever button comes first on the page.
            button.first type="submit" name="act" value="add" tabindex="-1" aria-hidden="true" {}
            input type="hidden" name="past" value=(draft.past);
            @if let Some(result) = result { (result) }
            section.card {
                h2 { "What the device says" }
                div.filter {
                    label.field.wide { span { "Text, or octets" } textarea name="said" rows="2" { (draft.said) } }
                    label.field { span { "That is" } select name="kind" { (parts::choice("text", "text", &draft.kind)) (parts::choice("hex", "octets, in hex", &draft.kind)) } }
                    (parts::field("Device", "device", &draft.device, "+46701234567"))
                    (parts::field("To", "number", &draft.number, "7001"))
                    (parts::field("Time before it", "after", &draft.after, "5m"))
                }
                div.buttons {
                    button.primary type="submit" name="act" value="add" { "Try it" }
                    @if has_past {
                        button type="submit" name="act" value="again" { "All of it again" }
                        button type="submit" name="act" value="back" { "Take the last one back" }
                        button type="submit" name="act" value="new" { "Begin anew" }
                    }
                }
            }
            details.card open[result_is_about_settings(draft)] {
                summary { "Version, config, state, clock" }
                div.filter { (settings(what, draft)) }
            }
        }
    }
}

/// What was changed stays in sight.
fn result_is_about_settings(draft: &Draft) -> bool {
    !draft.plugin.is_empty() || draft.before == "json" && !draft.state.is_empty()
}

fn settings(what: &What, draft: &Draft) -> Markup {
    let area = |label: &str, name: &str, value: &str, hint: &str| {
        html! { label.field.wide { span { (label) } textarea.code name=(name) rows="3" spellcheck="false" placeholder=(hint) { (value) } } }
    };
    html! {
        @if let What::Rule { plugins, .. } = what {
            label.field { span { "Version" } select name="plugin" {
                (parts::choice("", "the one that the device has", &draft.plugin))
                @for label in plugins { (parts::choice(label, label, &draft.plugin)) }
            } }
            label.field { span { "State, tags and attributes" } select name="before" {
                (parts::choice("now", "as the device's are now", &draft.before)) (parts::choice("json", "as written below", &draft.before))
            } }
        } @else { input type="hidden" name="before" value="json"; }
        (parts::field("Clock", "clock", &draft.clock, "2026-11-29T12:00:00Z"))
        (area("Config, a line for each: name = value", "config", &draft.config, ""))
        (area("State of the device, as JSON", "state", &draft.state, r#"{ "count": { "int": 3 }, "name": "text", "last": { "json": { "litres": 12 } } }"#))
        (area("State that the rule's devices share, as JSON", "shared", &draft.shared, "{}"))
        (area("Attributes of the device, as JSON", "attributes", &draft.attributes, r#"{ "site": "Hall 3" }"#))
        (area("Another event than an MO, as case files have them, in JSON", "event", &draft.event, r#"{ "request": { "name": "status" } }"#))
    }
}

fn results(tried: &Tried, events: &[Value]) -> Markup {
    html! {
        @if let Some(fault) = &tried.config_fault {
            div.notice.bad role="alert" { p { strong { "The config does not suit it. " } (text::shown(fault)) } p { "A rule would not be made with it." } }
        }
        @if !tried.cut.is_empty() {
            div.notice { p { "There is more state than is taken here: " (tried.cut.join(", ")) "." } }
        }
        section.card #tried {
            h2 { "What " (text::shown(&tried.plugin)) " does" }
            ol.steps { @for (at, step) in tried.steps.iter().enumerate() { li {
                div.conversation { ol { li.mo { p.speech { (event(events.get(at))) } p.under { (effects::outcome(&step.outcome)) } } } }
                (effects::all(step))
            } } }
            @if let Some(why) = &tried.stopped { div.notice.bad role="alert" { p { strong { "It goes no further. " } (text::shown(why)) } } }
        }
        (after(&tried.after))
        details.card { summary { "As a case of wasmsc plugin test" } pre { (text::shown(&tried.case)) } }
    }
}

/// An event as people read it.
fn event(event: Option<&Value>) -> Markup {
    let event = event.unwrap_or(&Value::Null);
    let mo = &event["mo"];
    html! {
        @if let Some(after) = event["after"].as_str() { span.faint { (text::shown(after)) " later: " } }
        @if mo.is_null() { code { (text::shown(&event.to_string())) } }
        @else if let Some(said) = mo["text"].as_str() { (text::shown(said)) }
        @else { (effects::octets(mo)) }
    }
}

fn after(after: &After) -> Markup {
    let rows = |what: &str, rows: &Map<String, Value>| {
        html! {
            @if !rows.is_empty() { div.scroll { table {
                thead { tr { th scope="col" { (what) } th scope="col" { "Value" } } }
                tbody { @for (name, value) in rows { tr { th scope="row" { (text::shown(name)) } td { (effects::octets(value)) } } } }
            } } }
        }
    };
    let next = |event: Value, label: String| {
        html! { button type="submit" name="next" value=(event.to_string()) { (text::plain(&label)) } }
    };
    html! {
        section.card {
            h2 { "After it" }
            (rows("State of the device", &after.state))
            (rows("State that devices share", &after.shared))
            @if after.state.is_empty() && after.shared.is_empty() { p.faint { "No state." } }
            @if !(after.timers.is_empty() && after.http_calls.is_empty() && after.receipts.is_empty()) {
                h3 { "What may happen next" }
                div.buttons {
                    @for due in &after.timers { (next(json!({ "timer": due.name }), format!("Timer {} is due", due.name))) }
                    @for tag in &after.http_calls {
                        (next(json!({ "http_reply": { "tag": tag, "status": 200 } }), format!("HTTP call {tag} is answered with 200")))
                        (next(json!({ "http_reply": { "tag": tag } }), format!("HTTP call {tag} is never answered")))
                    }
                    @for Awaited { of, to } in &after.receipts {
                        @for state in ["delivered", "undeliverable"] {
                            (next(json!({ "receipt": { "of": of, "state": state } }), format!("Message {of} to {to}: {state}")))
                        }
                    }
                }
                ul.plain { @for due in &after.timers { li { "Timer " (text::shown(&due.name)) " is due at " (parts::time(&due.due_at)) } } }
            }
            p.under { "It is " (parts::time(&after.now)) " there." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_events_and_a_world() {
        let draft = Draft { said: "STATUS".into(), kind: "text".into(), after: " 5m ".into(), ..Draft::default() };
        assert_eq!(draft.next(), Ok(Some(json!({ "mo": "STATUS", "after": "5m" }))));
        let hex = Draft { said: "00 ff".into(), kind: "hex".into(), ..Draft::default() };
        assert_eq!(hex.next(), Ok(Some(json!({ "mo": { "hex": "00 ff" } }))));
        let offered = Draft { next: r#"{"timer":"t"}"#.into(), ..draft };
        assert_eq!(offered.next(), Ok(Some(json!({ "timer": "t" }))));
        assert_eq!(Draft::default().next(), Ok(None));
        let wrong = Draft { before: "json".into(), state: "{ no".into(), ..Draft::default() };
        assert_eq!(wrong.given().expect_err("no JSON").field.as_deref(), Some("state"));
    }
}

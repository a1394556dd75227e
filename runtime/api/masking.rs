//! Whether whoever asks sees what messages say, and the request that shows one message to who else does not.
//!
//! Texts are masked for keys that were made so, and for the operator unless `[api]` says otherwise. Whatever shows a text takes a
//! [`Texts`], so that a new way to show one does not compile without a decision. What quotes texts counts as one: lines of a rule's log,
//! its reasons, its state, its calls.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::body::{PathOf, QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::fields::FieldsView;
use super::history::{ContentView, Of, unreadable};
use super::key::{Scope, durable};
use crate::clock;
use crate::config::OperatorTexts;
use crate::message::{Content, MessageId};
use crate::store::Audit;
use crate::timeline::{Event, Happened};

/// Whether texts of messages are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Texts {
    #[default]
    Shown,
    /// They are not, nor what may quote them; `POST /v1/messages/{id}/reveal` shows one, and is in the audit.
    Masked,
}

/// In the place of words that may quote a text.
const MASKED: &str = "(masked)";
/// How the relay begins a reason that the rule gave.
const REJECTED: &str = "rejected by the rule: ";

impl Texts {
    pub fn are_masked(self) -> bool {
        self == Texts::Masked
    }

    /// What a rule said, which may be what a device said.
    pub fn words(self, words: &str) -> String {
        if self.are_masked() { MASKED.to_owned() } else { words.to_owned() }
    }

    /// Why something failed. What the house says about it quotes nobody.
    pub fn reason(self, why: &str) -> String {
        match why.strip_prefix(REJECTED) {
            Some(words) => format!("{REJECTED}{}", self.words(words)),
            None => why.to_owned(),
        }
    }

    /// Nor by running a rule on what quotes them.
    pub fn may_run(self) -> Answer<()> {
        match self {
            Texts::Masked => Err(Problem::new(
                Code::Forbidden,
                "texts are masked for you, and this would show what messages say, or what a rule keeps of them",
            )),
            Texts::Shown => Ok(()),
        }
    }

    /// Who does not see texts may not find out about them by searching, either.
    pub fn may_search(self, text: Option<&str>) -> Answer<()> {
        match (self, text) {
            (Texts::Masked, Some(_)) => {
                Err(Problem::new(Code::Forbidden, "texts are masked for you, so that they cannot be searched either"))
            }
            _ => Ok(()),
        }
    }
}

impl From<OperatorTexts> for Texts {
    fn from(texts: OperatorTexts) -> Texts {
        match texts {
            OperatorTexts::Masked => Texts::Masked,
            OperatorTexts::Shown => Texts::Shown,
        }
    }
}

/// One message's text.
#[derive(Serialize, ToSchema)]
pub struct Revealed {
    #[schema(example = "1a209002b4d00000")]
    id: String,
    #[serde(flatten)]
    content: ContentView,
    fields: FieldsView,
}

/// What a message says now: another text may have taken the place of the first.
fn content(timeline: &[Happened]) -> Option<&Content> {
    timeline.iter().rev().find_map(|happened| match &happened.event {
        Event::Received(received) => Some(&received.message.content),
        Event::Replaced { content, .. } => Some(content),
        _ => None,
    })
}

/// Shows the text of one message to who does not see texts otherwise. The audit has who did it, durably so before this answers.
#[utoipa::path(
    post, path = "/v1/messages/{id}/reveal", operation_id = "revealMessage", tag = "messages",
    params(("id" = String, Path, description = "As the list names it, or the answer that accepted it"), Of),
    responses(
        (status = 200, description = "What it says", body = Revealed),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The server keeps no history",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 500, description = "The history cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store takes nothing any more",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn reveal(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
) -> Answer<Reply<Revealed>> {
    let (customer, since) = api.history_for(&caller, of.customer(), Scope::Reveal)?;
    let id = MessageId::parse(id.as_bytes()).ok_or_else(Problem::not_found)?;
    let owner = customer.clone();
    let read = api.readers.read(&api.house.store, move |store| store.timeline(&customer, id)).await;
    let timeline = read.map_err(unreadable)?;
    let is_there = timeline.first().is_some_and(|first| since <= Some(first.at));
    let content = content(&timeline).filter(|_| is_there).ok_or_else(Problem::not_found)?;
    let audit = Audit {
        who: caller.name().into(),
        at: clock::now(),
        kind: "message".into(),
        id: format!("{owner}/{id}").into(),
        before: None,
        after: Some(json!({ "revealed": true }).to_string().into()),
    };
    let store = &api.house.store;
    durable(|done| {
        let written = store.change_audited(Vec::new(), &audit, done);
        written.map(drop).map_err(|failed| Problem::store_failed(&failed))
    })
    .await?;
    let shown = ContentView::of(content, Texts::Shown);
    Ok(Reply(Revealed { id: id.to_string(), content: shown, fields: FieldsView::of(content, Texts::Shown) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_quote_a_text_is_masked_and_what_the_house_says_is_not() {
        assert_eq!(Texts::Masked.words("saw HELLO"), "(masked)");
        assert_eq!(Texts::Shown.words("saw HELLO"), "saw HELLO");
        assert_eq!(Texts::Masked.reason("rejected by the rule: not HELLO"), "rejected by the rule: (masked)");
        assert_eq!(Texts::Shown.reason("rejected by the rule: not HELLO"), "rejected by the rule: not HELLO");
        assert_eq!(
            Texts::Masked.reason("ran longer than its deadline of 50 ms"),
            "ran longer than its deadline of 50 ms"
        );
        assert!(Texts::Masked.may_search(Some("")).is_err() && Texts::Masked.may_search(None).is_ok());
        assert!(Texts::Shown.may_search(Some("x")).is_ok());
    }
}

//! `POST /v1/route:explain`: what would happen to a message, and why, without sending it.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::body::{Json, Reply};
use super::compose::address;
use super::error::{Answer, Problem, ProblemDetails};
use super::key::Scope;
use super::rfc3339::Time;
use crate::clock;
use crate::firewall::opt_out::Action;
use crate::firewall::{Passing, Refused, Step, Viewer};
use crate::relay::{self, Explained, GoesTo};
use crate::route::{Directory, Peer};

/// A message that is not sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    #[schema(example = "+46701234567")]
    from: String,
    #[schema(example = "7001")]
    to: String,
    /// What it says; without it, patterns of the policy are not looked for and keywords not seen.
    #[schema(example = "STATUS")]
    text: Option<String>,
    /// The account or upstream that would hand it in, held to its ranges. Without it: the API, where `from` is a customer's
    /// number or name, and else a network that may carry it.
    #[schema(example = "sim")]
    account: Option<String>,
}

/// What would happen.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// `mo`, `mt` or `p2p`.
    #[schema(example = "mo")]
    kind: &'static str,
    /// The firewall lets it pass.
    allowed: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalView>,
    /// It is an opt-out keyword, which is answered instead: `stop`, `start` or `help`.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<&'static str>,
    /// Where it would wait if it passed; absent: nothing leads there, or it is another customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_to: Option<Place>,
    /// Every check in order; the first that refuses decides.
    steps: Vec<StepView>,
}

/// A refusal as the sender gets it.
#[derive(Serialize, ToSchema)]
pub struct RefusalView {
    /// A reason code of docs/FIREWALL.md.
    #[schema(example = "p2p_off")]
    code: &'static str,
    /// Whose policy, or which end: `sender` or `receiver`.
    side: &'static str,
    advice: &'static str,
    #[schema(example = "ESME_RINVDSTADR")]
    command_status: &'static str,
    #[schema(example = 403)]
    http_status: u16,
    /// When it would pass, where time alone changes that.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Time>,
}

/// One of them is there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = GoesTo)]
pub enum Place {
    /// The customer's rule.
    Rule(String),
    /// The customer's account.
    Application(String),
    /// Peers that have this route share what waits there.
    Route(String),
}

/// One check.
#[derive(Serialize, ToSchema)]
pub struct StepView {
    check: &'static str,
    side: &'static str,
    /// `passed`, `skipped` (there was nothing to check) or `refused`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    why: String,
}

impl From<&Refused> for RefusalView {
    fn from(refused: &Refused) -> RefusalView {
        let Refused { code, side, advice, command_status, http_status, retry_at } = *refused;
        RefusalView { code, side, advice, command_status, http_status, retry_at: retry_at.map(Time) }
    }
}

impl From<Step> for StepView {
    fn from(step: Step) -> StepView {
        let Step { check, side, outcome, code, why } = step;
        let outcome = match outcome {
            Passing::Passed => "passed",
            Passing::Skipped => "skipped",
            Passing::Refused => "refused",
        };
        StepView { check, side, outcome, code, why }
    }
}

/// Tells what would happen to a message: every check of the firewall, and where it would go. Nothing is sent or counted.
#[utoipa::path(
    post, path = "/v1/route:explain", operation_id = "explainRoute", tag = "firewall",
    request_body = Question,
    responses(
        (status = 200, description = "What would happen", body = Explanation),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn explain(State(api): State<Arc<Api>>, caller: Caller, body: Json<Question>) -> Answer<Reply<Explanation>> {
    let directory = &api.house.directory();
    let own = match &caller {
        Caller::Operator => None,
        Caller::Key(key) => {
            key.must_have(Scope::Read)?;
            Some(directory.customer_at(key.customer).id.clone())
        }
    };
    let Question { from, to, text, account } = body.value;
    let (source, destination) = (address("from", &from)?, address("to", &to)?);
    let account = account.map(|name| peer(directory, &name, own.as_deref())).transpose()?;
    let question = relay::Question { source: &source, destination: &destination, text: text.as_deref(), account };
    let viewer = own.as_deref().map_or(Viewer::Operator, Viewer::Customer);
    let explained = relay::explain(&api.house, &question, viewer, clock::now());
    let explained = explained.ok_or_else(|| Problem::invalid("from", "one end has to be this customer's"))?;
    Ok(Reply(view(explained)))
}

/// A customer may ask as its own accounts only.
fn peer<'d>(directory: &'d Directory, name: &str, own: Option<&str>) -> Answer<&'d Peer> {
    let peer = directory.peer_named(name).map(|index| &**directory.peer(index)).filter(|peer| !peer.is_gone());
    let peer = peer.filter(|peer| own.is_none_or(|own| peer.customer.as_deref() == Some(own)));
    peer.ok_or_else(|| Problem::invalid("account", format!("there is no account {name}")))
}

fn view(explained: Explained) -> Explanation {
    let Explained { kind, firewall, goes_to } = explained;
    Explanation {
        kind: kind.name(),
        allowed: firewall.allowed,
        refusal: firewall.refusal.as_ref().map(Into::into),
        keyword: firewall.keyword.map(Action::name),
        goes_to: match goes_to {
            GoesTo::Rule(name) => Some(Place::Rule(name)),
            GoesTo::Application(name) => Some(Place::Application(name)),
            GoesTo::Route(prefix) => Some(Place::Route(prefix)),
            GoesTo::Other | GoesTo::Nobody => None,
        },
        steps: firewall.steps.into_iter().map(Into::into).collect(),
    }
}

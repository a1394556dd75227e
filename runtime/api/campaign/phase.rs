//! Campaigns: pause one, let it go on, cancel it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::super::Api;
use super::super::auth::{Caller, Scope};
use super::super::body::{PathOf, QueryOf, Reply};
use super::super::error::{Answer, ProblemDetails};
use super::{CampaignView, Whose, durable, number, shown};
use crate::campaign::Phase;
use crate::clock;
use crate::relay;

async fn change(api: Arc<Api>, caller: Caller, (id, whose): (String, Whose), phase: Phase) -> Answer<Response> {
    let customer = caller.customer_of(&api, whose.customer.as_deref(), Scope::Send)?;
    let id = number(&id)?;
    let changing = api.clone();
    durable(move |done| Ok(relay::change_phase(&changing.house, (customer, id), phase, clock::now(), done)?)).await?;
    Ok(Reply(shown(&api, customer, id).await?).into_response())
}

macro_rules! phases {
    ($($(#[doc = $doc:literal])* $name:ident $phase:ident $path:literal $operation:literal)*) => { $(
        $(#[doc = $doc])*
        #[utoipa::path(
            post, path = $path, operation_id = $operation, tag = "campaigns",
            params(("id" = String, Path, description = "As the answer named it that began it"), Whose),
            responses(
                (status = 200, description = "It is so, durably", body = CampaignView),
                (status = 403, description = "The key has not the scope for this",
                    body = ProblemDetails, content_type = "application/problem+json"),
                (status = 409, description = "It has come to its end",
                    body = ProblemDetails, content_type = "application/problem+json"),
                (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
            ),
        )]
        pub async fn $name(
            State(api): State<Arc<Api>>,
            caller: Caller,
            PathOf(id): PathOf<String>,
            QueryOf(whose): QueryOf<Whose>,
        ) -> Answer<Response> {
            change(api, caller, (id, whose), Phase::$phase).await
        }
    )* };
}

phases! {
    /// Makes no more messages until it goes on. Those that were made leave all the same.
    pause Paused "/v1/campaigns/{id}/pause" "pauseCampaign"
    /// Goes on where it was paused, at its pace.
    resume Running "/v1/campaigns/{id}/resume" "resumeCampaign"
    /// Ends it, and cancels its messages that wait.
    cancel Cancelled "/v1/campaigns/{id}/cancel" "cancelCampaign"
}

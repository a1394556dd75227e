//! Which path is whose, and what those hear who miss.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Uri};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Code, Problem};
use super::{
    Api, apply, audit, backup, caller, calls, campaign, dead, device, events, explain, export, health, history, inbox,
    key, links, masking, message, number, object, openapi, opt_out, overview, pause, pdu, plugin, policy, queue,
    replay, rule, rule_request, scrape, statuses, tryout, usage, webhook,
};

pub fn router(api: Arc<Api>) -> Router {
    let (router, mut document) = paths().split_for_parts();
    statuses::write_out(&mut document);
    let document: Arc<str> = openapi::text(&document).into();
    let described = get(move || async move { ([(CONTENT_TYPE, "application/json")], document.to_string()) });
    router
        .route("/v1/openapi.json", described)
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(api)
}

/// The API's description, as it is served.
pub fn description() -> String {
    let mut document = paths().split_for_parts().1;
    statuses::write_out(&mut document);
    openapi::text(&document)
}

/// Every path, with its documentation.
fn paths() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(key::make, key::list))
        .routes(routes!(key::delete))
        .routes(routes!(caller::get))
        .routes(routes!(overview::get))
        .routes(routes!(message::send, history::list))
        .routes(routes!(message::measure))
        .routes(routes!(export::export))
        .routes(routes!(message::look_up, message::cancel))
        .routes(routes!(history::timeline))
        .routes(routes!(masking::reveal))
        .routes(routes!(explain::explain))
        .routes(routes!(inbox::poll))
        .routes(routes!(inbox::acknowledge))
        .routes(routes!(events::stream))
        .routes(routes!(webhook::make, webhook::list))
        .routes(routes!(webhook::get, webhook::put, webhook::delete))
        .routes(routes!(webhook::dead))
        .routes(routes!(webhook::replay))
        .merge(of_links())
        .routes(routes!(queue::list))
        .routes(routes!(rule_request::ask))
        .routes(routes!(rule_request::answer))
        .routes(routes!(backup::make))
        .routes(routes!(number::list))
        .routes(routes!(object::customer::list))
        .routes(routes!(object::customer::get, object::customer::put, object::customer::delete))
        .routes(routes!(policy::get, policy::put))
        .routes(routes!(policy::preview::preview))
        .routes(routes!(object::account::list))
        .routes(routes!(object::account::get, object::account::put, object::account::delete))
        .routes(routes!(object::upstream::list))
        .routes(routes!(object::upstream::get, object::upstream::put, object::upstream::delete))
        .merge(of_rules())
        .routes(routes!(object::shared_number::list))
        .routes(routes!(object::shared_number::get, object::shared_number::put, object::shared_number::delete))
        .routes(routes!(device::list))
        .routes(routes!(device::get, device::put, device::patch, device::delete))
        .routes(routes!(device::import::import))
        .routes(routes!(device::kept::state))
        .routes(routes!(device::kept::timers))
        .routes(routes!(opt_out::list))
        .routes(routes!(opt_out::delete))
        .routes(routes!(campaign::begin, campaign::list))
        .routes(routes!(campaign::get))
        .routes(routes!(campaign::export::export))
        .routes(routes!(campaign::phase::pause))
        .routes(routes!(campaign::phase::resume))
        .routes(routes!(campaign::phase::cancel))
        .routes(routes!(dead::list))
        .routes(routes!(dead::get))
        .routes(routes!(dead::verbs::retry))
        .routes(routes!(dead::verbs::drop))
        .routes(routes!(dead::verbs::retry_all))
        .routes(routes!(dead::verbs::drop_all))
        .routes(routes!(usage::list))
        .routes(routes!(apply::apply))
        .routes(routes!(audit::list))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(scrape::metrics))
}

/// What the operator looks after links with.
fn of_rules() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(plugin::upload, plugin::list))
        .routes(routes!(plugin::get, plugin::delete))
        .routes(routes!(plugin::component))
        .routes(routes!(rule::list))
        .routes(routes!(rule::get, rule::put, rule::delete))
        .routes(routes!(rule::turn::activate))
        .routes(routes!(rule::turn::rollback))
        .routes(routes!(rule::canary::set, rule::canary::end))
        .routes(routes!(rule::shadow::set, rule::shadow::end))
        .routes(routes!(calls::list))
        .routes(routes!(replay::replay))
        .routes(routes!(tryout::rule_))
        .routes(routes!(tryout::plugin_))
}

fn of_links() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(links::list))
        .routes(routes!(links::history))
        .routes(routes!(links::drop_it))
        .routes(routes!(pdu::of_link))
        .routes(routes!(pdu::decode))
        .routes(routes!(pause::list))
        .routes(routes!(pause::put, pause::delete))
}

async fn unknown_path(uri: Uri) -> Problem {
    Problem::new(Code::NotFound, format!("there is no path {}", uri.path()))
}

async fn unknown_method(method: Method, uri: Uri) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{} has no method {method}; see the header Allow", uri.path()))
}

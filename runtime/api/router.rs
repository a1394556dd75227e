//! Which path is whose, and what those hear who miss.

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Uri};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{Code, Problem};
use super::{Api, key, message};

pub fn router(api: Arc<Api>) -> Router {
    let (router, _) = paths().split_for_parts();
    router.fallback(unknown_path).method_not_allowed_fallback(unknown_method).with_state(api)
}

/// Every path, with its documentation.
fn paths() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(key::make, key::list))
        .routes(routes!(key::delete))
        .routes(routes!(message::send))
        .routes(routes!(message::look_up, message::cancel))
}

async fn unknown_path(uri: Uri) -> Problem {
    Problem::new(Code::NotFound, format!("there is no path {}", uri.path()))
}

async fn unknown_method(method: Method, uri: Uri) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{} has no method {method}; see the header Allow", uri.path()))
}

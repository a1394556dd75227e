//! Numbers: whose they are, and who takes what is sent to them.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::body::{QueryOf, Reply};
use super::error::{Answer, ProblemDetails};
use super::key::Scope;
use crate::route::{Customer, CustomerIndex, Directory};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Whose numbers; a customer's key may leave it out, the operator gets those of all without it.
    #[param(example = "acme")]
    customer: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct NumberList {
    numbers: Vec<NumberView>,
}

/// A number of a customer, with who takes MOs to it.
#[derive(Serialize, ToSchema)]
pub struct NumberView {
    #[schema(example = "7001")]
    number: String,
    #[schema(example = "acme")]
    customer: String,
    /// Other customers have keywords of it, too: see `words`.
    shared: bool,
    /// First words that make an MO this customer's, where the number is shared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<String>,
    /// Of a shared number: it gets what begins with nobody's word.
    is_default: bool,
    /// Rules that take them, in the order in which they are asked.
    rules: Vec<NumberRule>,
    /// The account that gets what no rule takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "app")]
    application: Option<String>,
    /// They wait for `GET /v1/inbox`, too.
    inbox: bool,
}

#[derive(Serialize, ToSchema)]
pub struct NumberRule {
    #[schema(example = "water-meter")]
    name: String,
    /// The first word of what it takes; absent: it takes all.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<String>,
}

/// Lists numbers, by customer and number. They are changed with their customer, see `/v1/shared-numbers` for those that
/// several have.
#[utoipa::path(
    get, path = "/v1/numbers", operation_id = "listNumbers", tag = "customers",
    params(Wanted),
    responses(
        (status = 200, description = "All that the caller may see", body = NumberList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Reply<NumberList>> {
    let only = match (&caller, &wanted.customer) {
        (Caller::Operator, None) => None,
        (_, named) => Some(caller.customer_of(&api, named.as_deref(), Scope::Read)?),
    };
    let directory = api.house.directory();
    let customers = directory.customers().filter(|(index, _)| only.is_none_or(|only| only == *index));
    let mut numbers: Vec<NumberView> =
        customers.flat_map(|(index, customer)| of(&directory, index, customer)).collect();
    numbers.sort_by(|one, other| (&one.customer, &one.number).cmp(&(&other.customer, &other.number)));
    Ok(Reply(NumberList { numbers }))
}

fn of(directory: &Directory, index: CustomerIndex, customer: &Customer) -> Vec<NumberView> {
    let application = directory.application_of(customer).map(|index| directory.peer(index).name.to_string());
    let view = |number| {
        let rules = directory
            .rules_of(customer, number)
            .map(|rule| NumberRule { name: rule.name.clone(), keyword: rule.keyword.clone() });
        let shared = directory.shared(number);
        let words = shared.into_iter().flat_map(|shared| shared.words_of(index));
        NumberView {
            shared: shared.is_some(),
            words: words.map(str::to_owned).collect(),
            is_default: shared.is_some_and(|shared| shared.is_default(index)),
            number: number.to_string(),
            customer: customer.id.to_string(),
            rules: rules.collect(),
            application: application.clone(),
            inbox: customer.inbox.is_some(),
        }
    };
    customer.numbers().map(view).collect()
}

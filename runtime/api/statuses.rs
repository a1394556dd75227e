//! Writes out which problems an operation can give: what its `default` response stands for, status by status.
//!
//! What follows from an operation's shape is here: a token can be wrong where one is asked for, a body where there
//! is one. What only the handler knows (403, 409, and 404 where the path names nothing) it documents itself.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr, Response};

const DEFAULT: &str = "default";

const OF_TOKENS: [(&str, &str); 2] =
    [("401", "No valid token came with the request"), ("429", "Too many requests of one customer; see Retry-After")];
const OF_PARAMETERS: [(&str, &str); 1] = [("400", "The path, the query, a header or the body cannot be read")];
const OF_PATHS: [(&str, &str); 1] = [("404", "There is nothing under this name, or it is another customer's")];
const OF_BODIES: [(&str, &str); 5] = [
    ("400", OF_PARAMETERS[0].1),
    ("408", "The body did not come in time"),
    ("413", "The body is too large"),
    ("415", "The body is not of type application/json"),
    ("422", "The body says something that cannot be done; `field` names where"),
];
const OF_THE_STORE: [(&str, &str); 1] = [("503", "The store does not work, or the server is about to end")];

/// In place of every `default`.
pub fn write_out(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let names_something = path.contains('{');
        for (changes, operation) in operations(item) {
            write_out_of(operation, names_something, changes);
        }
    }
}

/// With whether it changes something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let reads = [&mut item.get].into_iter().map(|operation| (false, operation));
    let writes = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
    let all = reads.chain(writes.into_iter().map(|operation| (true, operation)));
    all.filter_map(|(changes, operation)| Some((changes, operation.as_mut()?)))
}

fn write_out_of(operation: &mut Operation, names_something: bool, changes: bool) {
    let Some(default) = operation.responses.responses.remove(DEFAULT) else { return };
    let has_parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let classes: [(bool, &[_]); 5] = [
        (true, &OF_TOKENS),
        (has_parameters, &OF_PARAMETERS),
        (names_something, &OF_PATHS),
        (operation.request_body.is_some(), &OF_BODIES),
        (names_something || changes, &OF_THE_STORE),
    ];
    let given = classes.into_iter().filter(|(is_given, _)| *is_given);
    for (status, description) in given.flat_map(|(_, class)| class) {
        let response = operation.responses.responses.entry((*status).to_owned());
        response.or_insert_with(|| described(&default, description));
    }
}

fn described(default: &RefOr<Response>, description: &str) -> RefOr<Response> {
    let mut response = default.clone();
    if let RefOr::T(response) = &mut response {
        response.description = description.to_owned();
    }
    response
}

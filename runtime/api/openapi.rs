//! The API's own description: OpenAPI 3.1, from the handlers themselves. `docs/openapi.json` is a copy that a test
//! holds to it.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, Info, OpenApi, OpenApiBuilder};

const BEARER: &str = "bearer";

/// All but the paths.
pub fn head() -> OpenApi {
    let mut info = Info::new("wasmsc", "1");
    info.description = Some(
        "Messages and keys of an SMSC. Errors are problem details (RFC 9457): branch on `code`. What is another \
         customer's is 404."
            .to_owned(),
    );
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some("A customer's API key, or the operator's token".to_owned());
    let mut components = Components::new();
    components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    let tag = |name: &str, what: &str| TagBuilder::new().name(name).description(Some(what)).build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new(BEARER, [""; 0])]))
        .tags(Some([
            tag("messages", "Send messages, look them up, cancel them"),
            tag("inbox", "MOs of customers that poll"),
            tag("events", "What happens to a customer, as it happens"),
            tag("keys", "API keys of customers"),
            tag("customers", "Customers, with their numbers and devices"),
            tag("devices", "Devices that customers register"),
            tag("campaigns", "One message to many devices"),
            tag("dead letters", "What rules or peers could not process or deliver"),
            tag("accounts", "Who binds to us, and whom we bind to"),
            tag("rules", "Plugins, and the rules that run them"),
            tag("firewall", "Who may message whom"),
            tag("operation", "For the operator and its tools"),
        ]))
        .build()
}

/// As it is served, and as the file has it.
pub fn text(document: &OpenApi) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a description is JSON");
    text.push('\n');
    text
}

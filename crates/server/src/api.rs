//! The API: which operation lives where, what it is called, who may ask for it. One description (OpenAPI 3.1), from which
//! the permissions are read too, so that what is described and what is allowed cannot differ.

mod accounts;
pub(crate) mod assessments;
mod audit;
mod devices;
mod door;
mod health;
mod inference;
mod pages;
pub(crate) mod participants;
mod screeners;
pub(crate) mod sessions;
pub(crate) mod submissions;

use std::{collections::HashMap, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    Error,
    app::{App, Permit},
    caller,
    metrics::Operation,
    problem::Problem,
    role::Role,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Inkling",
        description = "Screening for dementia and mild cognitive impairment from speech and drawing: participants, sessions, \
            assessments. Screening, not a diagnosis. Every error is application/problem+json. Creating requests take an \
            Idempotency-Key; changes take If-Match with the ETag of what is changed. `x-roles` says who may ask.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem))
)]
struct Described;

/// What a form holds beside the media: its manifest and the lines between parts.
const FORM_BYTES: usize = 64 * 1024;

/// Every operation, in the order of the documentation.
fn operations(upload_bytes: u64) -> OpenApiRouter<Arc<App>> {
    let uploads = DefaultBodyLimit::max(upload_bytes as usize + FORM_BYTES);
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(door::needed, door::set_up))
        .routes(routes!(door::sign_in))
        .routes(routes!(door::refresh))
        .routes(routes!(door::sign_out))
        .routes(routes!(door::me))
        .routes(routes!(door::change_password))
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::show, accounts::change))
        .routes(routes!(devices::list, devices::create))
        .routes(routes!(devices::revoke))
        .routes(routes!(participants::list, participants::create))
        .routes(routes!(participants::show, participants::change, participants::erase))
        .routes(routes!(participants::consents, participants::consent))
        .routes(routes!(participants::export))
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::show))
        .routes(routes!(submissions::list, submissions::create).layer(uploads))
        .routes(routes!(submissions::show))
        .routes(routes!(submissions::media))
        .routes(routes!(assessments::list, assessments::create))
        .routes(routes!(assessments::show))
        .routes(routes!(assessments::report))
        .routes(routes!(assessments::measures))
        .routes(routes!(assessments::fhir))
        .routes(routes!(assessments::sign))
        .routes(routes!(assessments::table))
        .routes(routes!(screeners::list))
        .routes(routes!(screeners::reload))
        .routes(routes!(screeners::card))
        .routes(routes!(screeners::definitions))
        .routes(routes!(audit::records))
        .routes(routes!(audit::verify))
        .routes(routes!(inference::server))
        .routes(routes!(inference::live))
        .routes(routes!(inference::ready))
        .routes(routes!(inference::network))
        .routes(routes!(inference::network_ready))
        .routes(routes!(inference::infer))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(pages::openapi))
        .routes(routes!(pages::docs))
        .routes(routes!(pages::problems))
}

/// The description as it is answered, and who may do what.
pub(crate) fn described() -> (String, HashMap<String, Permit>) {
    let document = document();
    let permits = permits(&document);
    (serde_json::to_string_pretty(&document).expect("a JSON value is always JSON"), permits)
}

fn document() -> Value {
    let (_, openapi) = operations(0).split_for_parts();
    let mut document = serde_json::to_value(openapi).expect("a description is always JSON");
    document["components"]["securitySchemes"] = json!({ "bearer": { "type": "http", "scheme": "bearer" } });
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operation["operationId"] = json!(operation_id(method, path));
            if operation["x-roles"] != json!(["public"]) {
                operation["security"] = json!([{ "bearer": [] }]);
            }
            operation["responses"]["default"] = json!({
                "description": "A problem",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            });
        }
    }
    document
}

/// `get /v1/participants/{id}` is `get_v1_participants_id`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn permits(document: &Value) -> HashMap<String, Permit> {
    let mut permits = HashMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let names: Vec<&str> =
                operation["x-roles"].as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect();
            let permit = match names[..] {
                ["public"] => Permit::Public,
                _ => Permit::Roles(names.into_iter().filter_map(Role::of).collect()),
            };
            permits.insert(format!("{} {path}", method.to_uppercase()), permit);
        }
    }
    permits
}

/// The whole house behind one router.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let (operations, _) = operations(app.settings.upload_bytes).split_for_parts();
    operations
        .fallback(pages::page)
        .method_not_allowed_fallback(async || Error::NotFound { what: "operation" })
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), caller::let_in))
        .layer(DefaultBodyLimit::max(app.settings.body_bytes))
        .layer(middleware::from_fn_with_state(Arc::clone(app), observed))
        .with_state(Arc::clone(app))
}

/// Headers of every answer: no sniffing, no framing, no scripts or connections but ours, nothing cached.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
         font-src 'self'; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "microphone=(self), camera=(), geolocation=()"),
];

/// Counts and logs a request by its operation, and adds the headers of every answer.
async fn observed(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().as_str().to_owned();
    let path = request.extensions().get::<MatchedPath>().map_or("-", |it| it.as_str()).to_owned();
    let known = matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS");
    let method = if known { method } else { "other".to_owned() };
    let mut response = match app.draining() && path.starts_with("/v") {
        true => Error::Draining.into_response(),
        false => next.run(request).await,
    };
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    app.metrics.seconds.observe(took.as_secs_f64());
    tracing::info!(method, path, status, ms = took.as_millis() as u64, "answered");
    app.metrics.requests.get_or_create(&Operation { method, path, status }).inc();
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.entry("cache-control").or_insert(HeaderValue::from_static("no-store"));
    if app.settings.secure() {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert("strict-transport-security", year);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_who_may_ask_for_it() {
        let (_, permits) = described();
        assert!(permits.len() > 40, "{}", permits.len());
        for (operation, permit) in &permits {
            assert_ne!(*permit, Permit::Roles(vec![]), "{operation} is for nobody");
        }
        let public: Vec<&String> =
            permits.iter().filter(|it| *it.1 == Permit::Public).map(|it| it.0).collect();
        for operation in &public {
            let path = operation.split(' ').nth(1).unwrap();
            let open = [
                "/v1/setup",
                "/v1/auth/",
                "/v2/health/",
                "/livez",
                "/readyz",
                "/docs",
                "/openapi.json",
                "/metrics",
            ];
            assert!(open.iter().any(|it| path.starts_with(it)) || path == "/v2", "{operation} is public");
        }
    }
}

//! What a browser is shown: the page of the product where it was built in, the documentation of the API, the problems.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};
use rust_embed::RustEmbed;
use serde_json::Value;

use crate::{Error, app::App};

/// `web/dist`, where `make build` put it.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

const STYLE: &str = include_str!("docs.css");

/// Anything that no operation answers: a file of the page, the page itself, or a problem.
pub(super) async fn page(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let reading = method == Method::GET || method == Method::HEAD;
    let ours = path.starts_with("v1/") || path.starts_with("v2/");
    if !reading || ours {
        return Error::NotFound { what: "operation" }.into_response();
    }
    if path == "docs.css" {
        return ([(header::CONTENT_TYPE, HeaderValue::from_static("text/css"))], STYLE).into_response();
    }
    // An address without an ending is one of the page's own.
    let name = if path.is_empty() || !path.contains('.') { "index.html" } else { path };
    match Built::get(name) {
        Some(file) => {
            let kind = HeaderValue::from_static(media_type(name));
            // Names of built files hold their digest; the page that names them is asked for anew.
            let keep =
                if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            let headers =
                [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static(keep))];
            (headers, file.data.into_owned()).into_response()
        }
        None if name == "index.html" && Built::iter().next().is_none() => not_built().into_response(),
        None => Error::NotFound { what: "page" }.into_response(),
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |it| it.1) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript",
        "css" => "text/css",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "flac" => "audio/flac",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

fn not_built() -> (StatusCode, Html<String>) {
    let body = html! {
        h1 { "Inkling" }
        p { "The server runs. Its page was not built into this program: " code { "make build" } " does." }
        p { "The API answers; it is described at " a href="/docs" { "/docs" } "." }
    };
    (StatusCode::OK, Html(framed("Inkling", &body)))
}

fn framed(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/docs.css";
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

/// The API's description, OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", tag = "documentation", responses((status = 200, body = serde_json::Value)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn openapi(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], app.openapi.clone())
        .into_response()
}

/// The same for people; it needs no network.
#[utoipa::path(get, path = "/docs", tag = "documentation",
    responses((status = 200, content_type = "text/html", body = String)), extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn docs(State(app): State<Arc<App>>) -> Result<Html<String>, Error> {
    let document: Value = serde_json::from_str(&app.openapi).map_err(|it| Error::Broken(it.to_string()))?;
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, it)| (path.as_str(), method.as_str(), it))
    });
    let mut by_tag: Vec<(&str, Vec<Listed<'_>>)> = vec![];
    for operation in operations {
        let tag = operation.2["tags"][0].as_str().unwrap_or("");
        match by_tag.iter_mut().find(|it| it.0 == tag) {
            Some(group) => group.1.push(operation),
            None => by_tag.push((tag, vec![operation])),
        }
    }
    let body = html! {
        h1 { "Inkling · API" }
        p { (document["info"]["description"].as_str().unwrap_or("")) }
        p { "Machines read " a href="/openapi.json" { "/openapi.json" } ". Errors: " a href="/docs/problems" { "problems" } "." }
        nav { @for (tag, _) in &by_tag { a href=(format!("#{tag}")) { (tag) } " " } }
        @for (tag, operations) in &by_tag {
            h2 id=(tag) { (tag) }
            @for (path, method, it) in operations { (operation(path, method, it)) }
        }
        h2 { "Shapes" }
        @for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            (shape(name, schema))
        }
    };
    Ok(Html(framed("Inkling · API", &body)))
}

/// Path, method and description of an operation.
type Listed<'a> = (&'a str, &'a str, &'a Value);

fn operation(path: &str, method: &str, it: &Value) -> Markup {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let list = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(text).collect() };
    let body = it["requestBody"]["content"].as_object().into_iter().flatten();
    let responses = it["responses"].as_object().into_iter().flatten().filter(|it| it.0 != "default");
    html! {
        section {
            h3 { span class=(format!("method {method}")) { (method.to_uppercase()) } " " code { (path) } }
            p { (text(&it["summary"])) " " (text(&it["description"])) }
            p class="who" { "for " (list(&it["x-roles"]).join(", ")) }
            @for parameter in it["parameters"].as_array().into_iter().flatten() {
                p { code { (text(&parameter["name"])) } " (" (text(&parameter["in"])) ") " (text(&parameter["description"])) }
            }
            @for (kind, content) in body { p { "takes " code { (kind) } " " (reference(&content["schema"])) } }
            @for (status, response) in responses {
                p { "answers " (status)
                    @for (kind, content) in response["content"].as_object().into_iter().flatten() {
                        " " code { (kind) } " " (reference(&content["schema"]))
                    }
                }
            }
        }
    }
}

fn shape(name: &str, schema: &Value) -> Markup {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
    html! {
        section id=(format!("shape-{name}")) {
            h3 { (name) }
            p { (text(&schema["description"])) }
            @if let Some(words) = schema["enum"].as_array() {
                p { @for word in words { code { (text(word)) } " " } }
            }
            dl {
                @for (field, it) in schema["properties"].as_object().into_iter().flatten() {
                    dt {
                        code { (field) } " " (reference(it))
                        @if required.iter().any(|it| *it == field) { " · required" }
                    }
                    dd { (text(&it["description"])) }
                }
            }
        }
    }
}

/// The kind of a schema, as a link where it has a name.
fn reference(schema: &Value) -> Markup {
    let name = |it: &Value| it["$ref"].as_str().and_then(|it| it.rsplit('/').next()).map(str::to_owned);
    let inner = [schema, &schema["items"], &schema["oneOf"][1]].into_iter().find_map(name);
    let mut kind = String::new();
    match &schema["type"] {
        Value::String(it) => kind.push_str(it),
        Value::Array(several) => {
            for it in several {
                let _ = write!(kind, "{} ", it.as_str().unwrap_or(""));
            }
        }
        _ => {}
    }
    html! {
        @match inner {
            Some(name) => { @if schema["items"].is_object() { "list of " } a href=(format!("#shape-{name}")) { (name) } }
            None => { (kind) }
        }
    }
}

/// What each problem's code means and what helps.
const PROBLEMS: [(&str, &str); 27] = [
    (
        "invalid",
        "Something in the request is not what belongs there; the detail says what, where, expected and got.",
    ),
    ("media-type", "The body is of another media type than is read here; set Content-Type."),
    (
        "too-large",
        "The body, a part of it or a tensor is over the server's limit; the detail says which limit.",
    ),
    ("broken-off", "The request ended or stalled before it was whole. Nothing was kept; send it again."),
    ("not-found", "There is no such thing, or it is another organisation's: the answer is the same."),
    ("unauthenticated", "Sign in, refresh the access token, or use a device's key that is not revoked."),
    ("forbidden", "Signed in, but the role may not do this; the documentation says who may."),
    ("foreign-origin", "A cookie lets in pages of this server only."),
    ("conflict", "It contradicts what is there; the detail says how."),
    ("changed", "Somebody changed it since it was read; read it again and decide anew."),
    ("version-needed", "A change needs If-Match with the ETag of what is changed."),
    ("limited", "Too many requests of this address or key; wait as Retry-After says."),
    ("queue-full", "More waits than can be computed in time; come again as Retry-After says."),
    ("expired", "The deadline passed before an answer was computed."),
    ("draining", "The server is stopping; come again in a moment."),
    ("vanished", "What was asked for was discarded or erased."),
    (
        "corrupt",
        "What is stored does not open or is not what its digest says; it is not shown. Restore a backup.",
    ),
    ("disk-full", "The server has no room left; nothing of the request was kept."),
    ("store-busy", "The database is locked or not there; nothing of the request was kept; come again."),
    ("assessment", "The session could not be assessed; the server's log says why."),
    ("network", "The network could not be run on these inputs; the server's log says why."),
    ("database", "The server failed; its log says why."),
    ("file", "The server failed to read a file; its log says which."),
    ("keyring", "The server's keys are not those of its data; its log says which is missing."),
    ("schema", "The database is of a later version than the program."),
    ("audit", "The audit chain is not whole."),
    ("broken", "A part of the server broke off; its log says which."),
];

/// What each problem's code means.
#[utoipa::path(get, path = "/docs/problems", tag = "documentation",
    responses((status = 200, content_type = "text/html", body = String)), extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn problems() -> Html<String> {
    let body = html! {
        h1 { "Inkling · problems" }
        p { "Every error is " code { "application/problem+json" } " (RFC 9457) with one of these codes." }
        dl { @for (code, words) in PROBLEMS { dt id=(code) { code { (code) } } dd { (words) } } }
    };
    Html(framed("Inkling · problems", &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_problem_is_explained() {
        let source = include_str!("../problem.rs");
        let told = &source[source.find("fn told(").unwrap()..source.find("/// SQLITE_FULL").unwrap()];
        let is_code = |it: &&str| it.len() < 20 && it.bytes().all(|it| it.is_ascii_lowercase() || it == b'-');
        let codes: Vec<&str> = told.split('"').skip(1).step_by(2).filter(is_code).collect();
        assert!(codes.len() > 20, "{codes:?}");
        for code in codes {
            let known = PROBLEMS.iter().any(|it| it.0 == code);
            assert!(known || code == "settings", "the problem {code} is not explained");
        }
    }
}

//! The Open Inference Protocol v2 (KServe's "V2 inference protocol") over HTTP, with its binary tensor extension.
//!
//! Its own words stand where its clients read them: `model_name`, `model_version`. A version is the SHA-256 of the network.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use neural::{Dim, Port};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Error,
    app::App,
    executor::Terms,
    extract::{Id, body},
    queue::Class,
    tensor::{self, Wanted},
};

/// What the server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerMetadata {
    name: String,
    version: String,
    extensions: Vec<String>,
}

/// A tensor that goes in or comes out.
#[derive(Serialize, ToSchema)]
pub(crate) struct TensorMetadata {
    name: String,
    datatype: String,
    /// -1 for a length that is free.
    shape: Vec<i64>,
}

/// A network that is served.
#[derive(Serialize, ToSchema)]
pub(crate) struct NetworkMetadata {
    name: String,
    /// SHA-256 of its file.
    versions: Vec<String>,
    platform: String,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
}

/// Inputs of a run, as the protocol says; large tensors may follow the JSON as bytes (`Inference-Header-Content-Length`).
#[derive(ToSchema)]
#[allow(dead_code)] // read by `tensor`, which checks more than a shape
pub(crate) struct InferRequest {
    /// The client's own name for the request.
    id: Option<String>,
    /// `{"name", "shape", "datatype", "data"}`, each an input of the network.
    #[schema(value_type = Vec<Object>)]
    inputs: Vec<Value>,
    /// Which outputs; all where not given.
    #[schema(value_type = Option<Vec<Object>>)]
    outputs: Option<Vec<Value>>,
    /// `deadline_ms`, `priority` (0 when somebody waits, else nobody does), `binary_data_output`.
    #[schema(value_type = Option<Object>)]
    parameters: Option<Value>,
}

/// Outputs of a run.
#[derive(ToSchema)]
#[allow(dead_code)] // written by `tensor`
pub(crate) struct InferResponse {
    model_name: String,
    /// SHA-256 of the network.
    model_version: String,
    id: Option<String>,
    /// `{"name", "shape", "datatype", "data"}`.
    #[schema(value_type = Vec<Object>)]
    outputs: Vec<Value>,
}

const LENGTH: &str = "inference-header-content-length";

/// What the server is.
#[utoipa::path(get, path = "/v2", tag = "networks", responses((status = 200, body = ServerMetadata)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn server() -> Json<ServerMetadata> {
    let extensions = vec!["binary_tensor_data".to_owned()];
    Json(ServerMetadata { name: "inkling".into(), version: env!("CARGO_PKG_VERSION").into(), extensions })
}

/// 200 while the process answers.
#[utoipa::path(get, path = "/v2/health/live", tag = "networks", responses((status = 200)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn live() -> StatusCode {
    StatusCode::OK
}

/// 200 while networks answer.
#[utoipa::path(get, path = "/v2/health/ready", tag = "networks", responses((status = 200)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<StatusCode, Error> {
    if app.draining() { Err(Error::Draining) } else { Ok(StatusCode::OK) }
}

/// What goes into a network and what comes out.
#[utoipa::path(get, path = "/v2/models/{name}", tag = "networks", params(("name" = String, Path,)),
    responses((status = 200, body = NetworkMetadata)),
    extensions(("x-roles" = json!(["administrator", "clinician", "assessor", "researcher", "device"]))))]
pub(super) async fn network(
    State(app): State<Arc<App>>,
    Id(name): Id,
) -> Result<Json<NetworkMetadata>, Error> {
    let loaded = app.networks.get(&name)?;
    let described = |ports: &[Port]| ports.iter().map(described).collect();
    Ok(Json(NetworkMetadata {
        name: loaded.name.clone(),
        versions: vec![loaded.digest.clone()],
        platform: format!("inkling_{}", loaded.network.executor()),
        inputs: described(loaded.network.inputs()),
        outputs: described(loaded.network.outputs()),
    }))
}

fn described(port: &Port) -> TensorMetadata {
    let length = |it: &Dim| match it {
        Dim::Fixed(length) => *length as i64,
        Dim::Named(_) | Dim::Any => -1,
    };
    let shape = port.shape.as_ref().map(|it| it.iter().map(length).collect());
    let datatype = tensor::datatype(port.dtype).unwrap_or("UNSUPPORTED").to_owned();
    TensorMetadata { name: port.name.clone(), datatype, shape: shape.unwrap_or_default() }
}

/// 200 where the network answers.
#[utoipa::path(get, path = "/v2/models/{name}/ready", tag = "networks", params(("name" = String, Path,)),
    responses((status = 200)),
    extensions(("x-roles" = json!(["administrator", "clinician", "assessor", "researcher", "device"]))))]
pub(super) async fn network_ready(State(app): State<Arc<App>>, Id(name): Id) -> Result<StatusCode, Error> {
    app.networks.get(&name).map(|_| StatusCode::OK)
}

/// Runs a network. Answered at the deadline at the latest; a request whose client left is not computed.
#[utoipa::path(post, path = "/v2/models/{name}/infer", tag = "networks", params(("name" = String, Path,)),
    request_body(content((InferRequest = "application/json"), (Vec<u8> = "application/octet-stream"))),
    responses((status = 200, content((InferResponse = "application/json"), (Vec<u8> = "application/octet-stream")))),
    extensions(("x-roles" = json!(["administrator", "device"]))))]
pub(super) async fn infer(
    State(app): State<Arc<App>>,
    Id(name): Id,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Error> {
    let network = app.networks.get(&name)?;
    let length = json_length(&headers)?;
    let bytes: Bytes = body(request, &app).await?;
    let (asked, inputs) = tensor::read(&bytes, length)?;
    let terms = terms(&app, &asked);
    let outputs = app.executors.run(Arc::clone(&network), inputs, terms).await?;
    app.metrics.network_runs.inc();
    let written = tensor::write(&network, &asked, &outputs)?;
    let mut answer = HeaderMap::new();
    let kind = if written.json_length.is_some() { "application/octet-stream" } else { "application/json" };
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(length) = written.json_length {
        answer.insert(LENGTH, length.into());
    }
    Ok((answer, written.bytes).into_response())
}

fn json_length(headers: &HeaderMap) -> Result<Option<usize>, Error> {
    let Some(value) = headers.get(LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|it| it.parse().ok());
    length
        .map(Some)
        .ok_or_else(|| Error::invalid("Inference-Header-Content-Length", "a number of bytes", "another"))
}

fn terms(app: &App, asked: &Wanted) -> Terms {
    let class = if asked.parameters.priority.unwrap_or(0) == 0 { Class::Interactive } else { Class::Batch };
    let longest = app.settings.network_deadline_ms;
    let within = Duration::from_millis(asked.parameters.deadline_ms.unwrap_or(longest).min(longest));
    Terms { class, within }
}

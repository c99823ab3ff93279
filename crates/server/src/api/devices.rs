//! Devices of the organisation and their keys: for its administrators.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Error,
    app::App,
    caller::Caller,
    clock::rfc3339,
    extract::{Asked, Id},
    store::{accounts, fresh_id},
};

/// A machine that hands in or runs networks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Device {
    id: String,
    name: String,
    created: String,
    /// When its key became void.
    revoked: Option<String>,
    /// Its key; shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// A new device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDevice {
    /// What it is called.
    name: String,
}

fn shown(it: accounts::Device, key: Option<String>) -> Device {
    Device { id: it.id, name: it.name, created: rfc3339(it.created), revoked: it.revoked.map(rfc3339), key }
}

/// Every device of the organisation.
#[utoipa::path(get, path = "/v1/devices", tag = "accounts", responses((status = 200, body = [Device])),
    extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Vec<Device>>, Error> {
    let devices = accounts::devices(&mut *app.store.read().await?, &caller.tenant).await?;
    Ok(Json(devices.into_iter().map(|it| shown(it, None)).collect()))
}

/// Makes a device. Its key is in this answer and nowhere else; a request that is sent again makes another device.
#[utoipa::path(post, path = "/v1/devices", tag = "accounts", request_body = NewDevice,
    responses((status = 201, body = Device)), extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    asked: Asked<NewDevice>,
) -> Result<Response, Error> {
    let name = asked.value.name;
    if !(1..=128).contains(&name.trim().len()) || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "1 to 128 characters", "another"));
    }
    let (key, digest) = app.tokens.fresh_secret(true);
    let created = app.store.clock.now();
    let device =
        accounts::Device { id: fresh_id(), tenant: caller.tenant.clone(), name, created, revoked: None };
    let mut write = app.store.write().await?;
    accounts::insert_device(&mut write, &device, &digest).await?;
    app.store.record(&mut write, caller.does("device.create", &device.id, "")).await?;
    write.commit().await?;
    Ok((StatusCode::CREATED, Json(shown(device, Some(key)))).into_response())
}

/// Makes a device's key void: at once here, on other servers of the same database within five seconds.
#[utoipa::path(delete, path = "/v1/devices/{id}", tag = "accounts", params(("id" = String, Path,)),
    responses((status = 204)), extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    let mut write = app.store.write().await?;
    if !accounts::revoke_device(&mut write, &caller.tenant, &id, app.store.clock.now()).await? {
        return Err(Error::NotFound { what: "device" });
    }
    app.store.record(&mut write, caller.does("device.revoke", &id, "")).await?;
    write.commit().await?;
    app.forget_device(&id);
    Ok(StatusCode::NO_CONTENT)
}

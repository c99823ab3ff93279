//! Accounts of the organisation: for its administrators.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::{check_login, new_account};
use crate::{
    Error,
    app::App,
    caller::Caller,
    clock::rfc3339,
    extract::{Asked, Id, if_match, versioned},
    password,
    problem::is_duplicate,
    role::Role,
    store::{
        accounts,
        idempotency::{Once, done, once},
    },
};

/// A person who works with the server.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    id: String,
    login: String,
    role: Role,
    /// Whether it may not sign in.
    disabled: bool,
    version: i64,
    created: String,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// What its person signs in with; unique in the server.
    login: String,
    /// 12 characters or more.
    password: String,
    /// Not `device`: devices have keys.
    role: Role,
}

/// What changes of an account; every sign-in of it ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountChange {
    role: Option<Role>,
    disabled: Option<bool>,
    password: Option<String>,
}

fn shown(it: accounts::Account) -> Account {
    let accounts::Account { id, login, role, disabled, version, created, .. } = it;
    Account { id, login, role, disabled, version, created: rfc3339(created) }
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<accounts::Account, Error> {
    let account = accounts::account(&mut *app.store.read().await?, id).await?;
    account.filter(|it| it.tenant == caller.tenant).ok_or(Error::NotFound { what: "account" })
}

fn of_a_person(role: Role) -> Result<Role, Error> {
    match role {
        Role::Device => {
            Err(Error::invalid("role", "the role of a person; devices are made at /v1/devices", "device"))
        }
        role => Ok(role),
    }
}

/// Every account of the organisation.
#[utoipa::path(get, path = "/v1/accounts", tag = "accounts", responses((status = 200, body = [Account])),
    extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Vec<Account>>, Error> {
    let accounts = accounts::accounts(&mut *app.store.read().await?, &caller.tenant).await?;
    Ok(Json(accounts.into_iter().map(shown).collect()))
}

/// Makes an account.
#[utoipa::path(post, path = "/v1/accounts", tag = "accounts", request_body = NewAccount,
    responses((status = 201, body = Account)), extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked<NewAccount>,
) -> Result<Response, Error> {
    let wanted = &asked.value;
    check_login(&wanted.login)?;
    let role = of_a_person(wanted.role)?;
    let password = password::hashed(wanted.password.clone()).await?;
    let labelled = asked.labelled(&caller);
    let account = match once(&app.store, labelled).await? {
        Once::Earlier(id) => find(&app, &caller, &id).await?,
        Once::Now(mut write) => {
            let now = app.store.clock.now();
            let account = new_account(&caller.tenant, &wanted.login, password, role, now);
            accounts::insert_account(&mut write, &account).await.map_err(|error| match error {
                Error::Sql(sql) if is_duplicate(&sql) => Error::conflict("this login is taken"),
                other => other,
            })?;
            app.store.record(&mut write, caller.does("account.create", &account.id, role.name())).await?;
            done(write, labelled, &account.id, now).await?;
            account
        }
    };
    Ok((StatusCode::CREATED, versioned(&headers, account.version, &shown(account))).into_response())
}

/// One account.
#[utoipa::path(get, path = "/v1/accounts/{id}", tag = "accounts", params(("id" = String, Path,)),
    responses((status = 200, body = Account)), extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
) -> Result<Response, Error> {
    let account = find(&app, &caller, &id).await?;
    Ok(versioned(&headers, account.version, &shown(account)))
}

/// Changes an account. The last administrator who can sign in stays one.
#[utoipa::path(patch, path = "/v1/accounts/{id}", tag = "accounts", params(("id" = String, Path,)),
    request_body = AccountChange, responses((status = 200, body = Account)),
    extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
    asked: Asked<AccountChange>,
) -> Result<Response, Error> {
    let version = if_match(&headers)?;
    let wanted = asked.value;
    let account = find(&app, &caller, &id).await?;
    let password = match wanted.password {
        Some(password) => password::hashed(password).await?,
        None => account.password.clone(),
    };
    let changed = accounts::Account {
        role: of_a_person(wanted.role.unwrap_or(account.role))?,
        disabled: wanted.disabled.unwrap_or(account.disabled),
        password,
        epoch: account.epoch + 1,
        version,
        ..account
    };
    let mut write = app.store.write().await?;
    if !accounts::update_account(&mut write, &changed).await? {
        return Err(Error::Changed);
    }
    if accounts::administrators(&mut write, &caller.tenant).await? == 0 {
        return Err(Error::conflict("this is the last administrator who can sign in"));
    }
    accounts::end_sign_ins(&mut write, &id).await?;
    let detail = format!("role {}, disabled {}", changed.role.name(), changed.disabled);
    app.store.record(&mut write, caller.does("account.change", &id, &detail)).await?;
    write.commit().await?;
    let account = find(&app, &caller, &id).await?;
    Ok(versioned(&headers, account.version, &shown(account)))
}

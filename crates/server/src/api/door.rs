//! Coming in: the first account, signing in, staying in, leaving.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::{
    Error,
    app::App,
    caller::{Address, Caller, same_origin},
    extract::Asked,
    password,
    role::Role,
    store::{
        Writing, accounts,
        accounts::{Account, Refresh},
        audit::Entry,
        fresh_id,
    },
};

/// The first account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUp {
    /// What the server printed when it started; not needed from this machine's own browser.
    token: Option<String>,
    /// Name of the organisation.
    organisation: String,
    /// What the administrator signs in with.
    login: String,
    /// 12 characters or more.
    password: String,
}

/// Whether the server waits for its first account.
#[derive(Serialize, ToSchema)]
pub(crate) struct Needed {
    /// True until there is an account.
    needed: bool,
}

/// Signing in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The account's name.
    login: String,
    /// Its password.
    password: String,
    /// For pages: the refresh token comes as a cookie that scripts cannot read, not in the answer.
    #[serde(default)]
    cookie: bool,
}

/// Staying signed in.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    /// The refresh token; the cookie's where it is not given.
    refresh_token: Option<String>,
}

/// What lets a client in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// Goes into `Authorization: Bearer …`.
    access_token: String,
    /// Seconds it is good for.
    expires_in: i64,
    /// Good once, for the next pair; absent where it came as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// Id of the account or device.
    id: String,
    /// The account's name.
    login: Option<String>,
    /// What it may do.
    role: Role,
    /// Name of the organisation.
    organisation: String,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The present one.
    current: String,
    /// 12 characters or more.
    new: String,
}

const COOKIE: &str = "inkling_refresh";
const DAY_MS: i64 = 86_400_000;
/// Two servers on one Postgres do not both make the first account.
const FIRST_ACCOUNT_LOCK: &str = "SELECT pg_advisory_xact_lock(7346516)";

/// Whether the server waits for its first account.
#[utoipa::path(get, path = "/v1/setup", tag = "accounts", responses((status = 200, body = Needed)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn needed(State(app): State<Arc<App>>) -> Result<Json<Needed>, Error> {
    let any = accounts::any_tenant(&mut *app.store.read().await?).await?;
    Ok(Json(Needed { needed: !any }))
}

/// Makes the organisation and its administrator, once.
#[utoipa::path(post, path = "/v1/setup", tag = "accounts", request_body = SetUp,
    responses((status = 201, body = SignedIn)), extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn set_up(
    State(app): State<Arc<App>>,
    address: Address,
    headers: HeaderMap,
    asked: Asked<SetUp>,
) -> Result<Response, Error> {
    app.limits.sign_in(address.ip, "setup")?;
    let wanted = asked.value;
    may_set_up(&app, &headers, address, wanted.token.as_deref())?;
    check_login(&wanted.login)?;
    check_name(&wanted.organisation)?;
    let password = password::hashed(wanted.password).await?;
    let mut write = app.store.write().await?;
    if write.kind() == crate::store::Kind::Postgres {
        sqlx::raw_sql(FIRST_ACCOUNT_LOCK).execute(&mut *write).await?;
    }
    if accounts::any_tenant(&mut write).await? {
        return Err(Error::conflict("there is an account already; sign in"));
    }
    let (tenant, now) = (fresh_id(), app.store.clock.now());
    accounts::insert_tenant(&mut write, &tenant, &wanted.organisation, now).await?;
    let account = new_account(&tenant, &wanted.login, password, Role::Administrator, now);
    accounts::insert_account(&mut write, &account).await?;
    record(&app, &mut write, &account, "account.first").await?;
    let signed_in = begin(&app, &mut write, &account, fresh_id()).await?;
    write.commit().await?;
    Ok((StatusCode::CREATED, answered(&app, signed_in, false)).into_response())
}

/// From this machine's own browser, or with the token that was printed. A proxy, a foreign page or a name that is not this
/// machine's makes a request one from elsewhere.
fn may_set_up(app: &App, headers: &HeaderMap, address: Address, token: Option<&str>) -> Result<(), Error> {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or("");
    let name =
        host.rsplit_once(':').map_or(host, |(name, port)| if port.contains(']') { host } else { name });
    let here = address.ip.is_loopback()
        && !address.forwarded
        && app.settings.proxies.is_empty()
        && matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    if here && same_origin(app, headers).is_ok() && token.is_none() {
        return Ok(());
    }
    let good = match (&app.setup_token, token) {
        (Some(expected), Some(shown)) => bool::from(expected.as_bytes().ct_eq(shown.as_bytes())),
        _ => false,
    };
    let reason =
        "the first account is made on this machine, or with the token that the server printed at its start";
    good.then_some(()).ok_or(Error::Unauthenticated { reason })
}

/// Signs in with name and password.
#[utoipa::path(post, path = "/v1/auth/login", tag = "accounts", request_body = SignIn,
    responses((status = 200, body = SignedIn)), extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    address: Address,
    asked: Asked<SignIn>,
) -> Result<Response, Error> {
    let wanted = asked.value;
    app.limits.sign_in(address.ip, &wanted.login)?;
    let account = accounts::account_by_login(&mut *app.store.read().await?, &wanted.login).await?;
    let stored = account.as_ref().map(|it| it.password.clone());
    let good = password::verified(wanted.password, stored).await?;
    let account = account.filter(|it| good && !it.disabled);
    let account = account.ok_or(Error::Unauthenticated { reason: "name or password is wrong" })?;
    let mut write = app.store.write().await?;
    record(&app, &mut write, &account, "account.sign-in").await?;
    let signed_in = begin(&app, &mut write, &account, fresh_id()).await?;
    write.commit().await?;
    Ok(answered(&app, signed_in, wanted.cookie))
}

/// The next pair of tokens. A refresh token is good once; one that is shown a second time ends every sign-in that followed
/// from it, because somebody else has it.
#[utoipa::path(post, path = "/v1/auth/refresh", tag = "accounts", request_body = Again,
    responses((status = 200, body = SignedIn)), extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    asked: Asked<Again>,
) -> Result<Response, Error> {
    let (shown, cookie) = shown(&app, &headers, asked.value)?;
    let refused = Error::Unauthenticated { reason: "this sign-in is over" };
    let digest = app.tokens.digest(&shown);
    let mut write = app.store.write().await?;
    let now = app.store.clock.now();
    let Some(token) = accounts::refresh(&mut write, &digest).await? else { return Err(refused) };
    let account = accounts::account(&mut write, &token.account).await?;
    let Some(account) = account.filter(|it| !it.disabled && token.expires > now) else { return Err(refused) };
    if token.used.is_some() || !accounts::use_refresh(&mut write, &digest, now).await? {
        accounts::end_family(&mut write, &token.family).await?;
        record(&app, &mut write, &account, "account.refresh-reused").await?;
        write.commit().await?;
        return Err(refused);
    }
    let signed_in = begin(&app, &mut write, &account, token.family).await?;
    write.commit().await?;
    Ok(answered(&app, signed_in, cookie))
}

/// Ends this sign-in.
#[utoipa::path(post, path = "/v1/auth/logout", tag = "accounts", request_body = Again,
    responses((status = 204)), extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    asked: Asked<Again>,
) -> Result<Response, Error> {
    let (shown, _) = shown(&app, &headers, asked.value)?;
    let mut write = app.store.write().await?;
    if let Some(token) = accounts::refresh(&mut write, &app.tokens.digest(&shown)).await? {
        accounts::end_family(&mut write, &token.family).await?;
        if let Some(account) = accounts::account(&mut write, &token.account).await? {
            record(&app, &mut write, &account, "account.sign-out").await?;
        }
        write.commit().await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&app, "", 0))]).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/v1/me", tag = "accounts", responses((status = 200, body = Me)),
    extensions(("x-roles" = json!(["administrator", "clinician", "assessor", "researcher", "device"]))))]
pub(super) async fn me(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Me>, Error> {
    let mut read = app.store.read().await?;
    let account = accounts::account(&mut read, &caller.id).await?;
    let organisation = accounts::tenant_name(&mut read, &caller.tenant).await?;
    Ok(Json(Me { id: caller.id, login: account.map(|it| it.login), role: caller.role, organisation }))
}

/// Another password for who is signed in; every sign-in of the account ends.
#[utoipa::path(put, path = "/v1/me/password", tag = "accounts", request_body = NewPassword, responses((status = 204)),
    extensions(("x-roles" = json!(["administrator", "clinician", "assessor", "researcher"]))))]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    address: Address,
    caller: Caller,
    asked: Asked<NewPassword>,
) -> Result<StatusCode, Error> {
    app.limits.sign_in(address.ip, &caller.id)?;
    let account = accounts::account(&mut *app.store.read().await?, &caller.id).await?;
    let account = account.ok_or(Error::NotFound { what: "account" })?;
    if !password::verified(asked.value.current, Some(account.password.clone())).await? {
        return Err(Error::invalid("current", "the present password", "another"));
    }
    let password = password::hashed(asked.value.new).await?;
    let changed = Account { password, epoch: account.epoch + 1, ..account };
    let mut write = app.store.write().await?;
    if !accounts::update_account(&mut write, &changed).await? {
        return Err(Error::Changed);
    }
    accounts::end_sign_ins(&mut write, &changed.id).await?;
    record(&app, &mut write, &changed, "account.password").await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An account that is about to be.
pub(super) fn new_account(tenant: &str, login: &str, password: String, role: Role, now: i64) -> Account {
    Account {
        id: fresh_id(),
        tenant: tenant.to_owned(),
        login: login.to_owned(),
        password,
        role,
        disabled: false,
        epoch: 0,
        version: 1,
        created: now,
    }
}

/// Refuses a name that cannot be typed.
pub(super) fn check_login(login: &str) -> Result<(), Error> {
    let good = (1..=128).contains(&login.len())
        && login.chars().all(|it| it.is_alphanumeric() || "@._+-".contains(it));
    let expected = "1 to 128 letters, digits or @ . _ + -";
    good.then_some(()).ok_or_else(|| Error::invalid("login", expected, "another"))
}

fn check_name(name: &str) -> Result<(), Error> {
    let good = (1..=200).contains(&name.trim().len()) && !name.chars().any(char::is_control);
    good.then_some(()).ok_or_else(|| Error::invalid("organisation", "1 to 200 characters", "another"))
}

async fn record(app: &App, write: &mut Writing<'_>, account: &Account, action: &str) -> Result<(), Error> {
    let Account { tenant, id, role, .. } = account;
    let entry = Entry { tenant, actor: id, role: role.name(), action, subject: id, detail: "" };
    app.store.record(write, entry).await
}

/// A pair of tokens, the refresh token stored as its digest.
async fn begin(
    app: &App,
    write: &mut Writing<'_>,
    account: &Account,
    family: String,
) -> Result<SignedIn, Error> {
    let (refresh_token, digest) = app.tokens.fresh_secret(false);
    let expires = app.store.clock.now() + i64::from(app.settings.refresh_days) * DAY_MS;
    let token = Refresh { digest: digest.to_vec(), account: account.id.clone(), family, expires, used: None };
    accounts::insert_refresh(write, &token).await?;
    Ok(SignedIn {
        access_token: app.tokens.issue(&account.id, account.epoch, app.store.clock.seconds())?,
        expires_in: app.tokens.lifetime(),
        refresh_token: Some(refresh_token),
    })
}

fn answered(app: &App, mut signed_in: SignedIn, as_cookie: bool) -> Response {
    if !as_cookie {
        return Json(signed_in).into_response();
    }
    let token = signed_in.refresh_token.take().unwrap_or_default();
    let seconds = i64::from(app.settings.refresh_days) * DAY_MS / 1_000;
    ([(header::SET_COOKIE, cookie(app, &token, seconds))], Json(signed_in)).into_response()
}

/// Sent back to `/v1/auth/` of this origin alone, never readable by a script.
fn cookie(app: &App, value: &str, seconds: i64) -> HeaderValue {
    let secure = if app.settings.secure() { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={value}; Path=/v1/auth/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("base64 is a header")
}

/// The refresh token of a body, or of a cookie that a page of this server sent.
fn shown(app: &App, headers: &HeaderMap, asked: Again) -> Result<(String, bool), Error> {
    if let Some(token) = asked.refresh_token {
        return Ok((token, false));
    }
    same_origin(app, headers)?;
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let token = pairs.find(|it| it.0 == COOKIE).map(|it| it.1.to_owned());
    token.map(|it| (it, true)).ok_or(Error::Unauthenticated { reason: "no refresh token" })
}

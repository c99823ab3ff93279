//! Who asks: read from what the request shows, held against what the operation permits, before anything else of it is read.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    Error,
    app::{App, Permit},
    role::Role,
    store::{accounts, audit::Entry},
    token,
};

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub tenant: String,
    /// Id of the account or device.
    pub id: String,
    pub role: Role,
}

impl Caller {
    /// A record of what this caller does.
    pub(crate) fn does<'a>(&'a self, action: &'a str, subject: &'a str, detail: &'a str) -> Entry<'a> {
        Entry { tenant: &self.tenant, actor: &self.id, role: self.role.name(), action, subject, detail }
    }
}

/// The address a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address {
    pub ip: IpAddr,
    /// Whether a proxy stands between.
    pub forwarded: bool,
}

/// Lets a request in, or answers it.
pub(crate) async fn let_in(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admitted(&app, &parts).await {
        Ok((address, caller)) => {
            parts.extensions.insert(address);
            if let Some(caller) = caller {
                parts.extensions.insert(caller);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

async fn admitted(app: &App, request: &Parts) -> Result<(Address, Option<Caller>), Error> {
    let address = address(app, request);
    app.limits.address(address.ip)?;
    let path = request.extensions.get::<MatchedPath>().map_or("", |it| it.as_str());
    let method = match request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    // What is not described is not permitted.
    match app.permits.get(&format!("{method} {path}")) {
        Some(Permit::Public) => Ok((address, None)),
        Some(Permit::Roles(roles)) => {
            let caller = identified(app, &request.headers).await?;
            match roles.contains(&caller.role) {
                true => Ok((address, Some(caller))),
                false => Err(Error::Forbidden { role: caller.role.name() }),
            }
        }
        None => Err(Error::NotFound { what: "operation" }),
    }
}

async fn identified(app: &App, headers: &HeaderMap) -> Result<Caller, Error> {
    let refused = |reason| Error::Unauthenticated { reason };
    let shown = headers.get(header::AUTHORIZATION).ok_or(refused("no Authorization header"))?;
    let token = shown
        .to_str()
        .ok()
        .and_then(|it| it.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or(refused("expected Authorization: Bearer …"))?;
    if token::is_device_key(token) {
        let digest = app.tokens.digest(token);
        app.limits.key(&digest)?;
        let device =
            app.device(&digest).await?.ok_or(refused("the device's key is not known, or was revoked"))?;
        return Ok(Caller { tenant: device.tenant, id: device.id, role: Role::Device });
    }
    let claims = app.tokens.read(token, app.store.clock.seconds())?;
    app.limits.key(&app.tokens.digest(&claims.sub))?;
    let account = accounts::account(&mut *app.store.read().await?, &claims.sub).await?;
    let account = account.filter(|it| !it.disabled && it.epoch == claims.epoch);
    let account = account.ok_or(refused("the account was changed since; sign in again"))?;
    Ok(Caller { tenant: account.tenant, id: account.id, role: account.role })
}

fn address(app: &App, request: &Parts) -> Address {
    let peer = request.extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|it| it.0.ip());
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0])).to_canonical();
    let header = request.headers.get_all("x-forwarded-for").iter().next_back();
    // The last address is the one that our own proxy saw; those before it are hearsay.
    let last = header.and_then(|it| it.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    let ip = last.filter(|_| app.settings.proxies.contains(&peer)).unwrap_or(peer);
    Address { ip, forwarded: header.is_some() || request.headers.contains_key("forwarded") }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Error::Unauthenticated { reason: "nobody is signed in" })
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or_else(|| Error::Broken("a request without address".into()))
    }
}

/// Refuses what a page of another site may have sent: only for requests that a cookie lets in.
pub(crate) fn same_origin(app: &App, headers: &HeaderMap) -> Result<(), Error> {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    if text("sec-fetch-site").is_some_and(|it| it != "same-origin") {
        return Err(Error::ForeignOrigin);
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let own = match &app.settings.public_url {
        Some(url) => origin == url.trim_end_matches('/'),
        None => text("host").is_some_and(|host| origin.split_once("://").is_some_and(|(_, it)| it == host)),
    };
    own.then_some(()).ok_or(Error::ForeignOrigin)
}

//! Who may come in: tenants, accounts with their refresh tokens, devices.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::flag;
use crate::{Error, role::Role};

/// A person who works with the server.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub id: String,
    pub tenant: String,
    pub login: String,
    /// PHC string of argon2id.
    pub password: String,
    pub role: Role,
    pub disabled: bool,
    /// Counts up when every token of the account shall be void.
    pub epoch: i64,
    pub version: i64,
    pub created: i64,
}

/// A machine that hands in, by a key of its own.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub id: String,
    pub tenant: String,
    pub name: String,
    pub created: i64,
    pub revoked: Option<i64>,
}

/// A refresh token as it is stored: never the token.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub digest: Vec<u8>,
    pub account: String,
    /// All tokens that follow from one sign-in.
    pub family: String,
    pub expires: i64,
    pub used: Option<i64>,
}

pub(crate) async fn any_tenant(store: &mut AnyConnection) -> Result<bool, Error> {
    Ok(sqlx::query("SELECT id FROM tenants LIMIT 1").fetch_optional(store).await?.is_some())
}

pub(crate) async fn tenants(store: &mut AnyConnection) -> Result<Vec<String>, Error> {
    let rows = sqlx::query("SELECT id FROM tenants ORDER BY created, id").fetch_all(store).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

pub(crate) async fn tenant_name(store: &mut AnyConnection, id: &str) -> Result<String, Error> {
    let row = sqlx::query("SELECT name FROM tenants WHERE id = $1").bind(id).fetch_one(store).await?;
    Ok(row.try_get("name")?)
}

pub(crate) async fn insert_tenant(
    store: &mut AnyConnection,
    id: &str,
    name: &str,
    created: i64,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO tenants (id, name, created) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(name)
        .bind(created)
        .execute(store)
        .await?;
    Ok(())
}

const ACCOUNT: &str =
    "SELECT id, tenant, login, password, role, disabled, epoch, version, created FROM accounts WHERE id = $1";
const ACCOUNT_BY_LOGIN: &str = "SELECT id, tenant, login, password, role, disabled, epoch, version, created FROM accounts WHERE login = $1";
const ACCOUNTS: &str = "SELECT id, tenant, login, password, role, disabled, epoch, version, created FROM accounts \
    WHERE tenant = $1 ORDER BY created, id";

fn account_of(row: &AnyRow) -> Result<Account, Error> {
    let role: String = row.try_get("role")?;
    Ok(Account {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        login: row.try_get("login")?,
        password: row.try_get("password")?,
        role: Role::of(&role).ok_or(Error::Corrupt { what: "the role of an account".into() })?,
        disabled: flag(row, "disabled")?,
        epoch: row.try_get("epoch")?,
        version: row.try_get("version")?,
        created: row.try_get("created")?,
    })
}

pub(crate) async fn account(store: &mut AnyConnection, id: &str) -> Result<Option<Account>, Error> {
    sqlx::query(ACCOUNT).bind(id).fetch_optional(store).await?.as_ref().map(account_of).transpose()
}

pub(crate) async fn account_by_login(
    store: &mut AnyConnection,
    login: &str,
) -> Result<Option<Account>, Error> {
    sqlx::query(ACCOUNT_BY_LOGIN)
        .bind(login)
        .fetch_optional(store)
        .await?
        .as_ref()
        .map(account_of)
        .transpose()
}

pub(crate) async fn accounts(store: &mut AnyConnection, tenant: &str) -> Result<Vec<Account>, Error> {
    sqlx::query(ACCOUNTS).bind(tenant).fetch_all(store).await?.iter().map(account_of).collect()
}

pub(crate) async fn insert_account(store: &mut AnyConnection, account: &Account) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO accounts (id, tenant, login, password, role, disabled, epoch, version, created) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&account.id)
    .bind(&account.tenant)
    .bind(&account.login)
    .bind(&account.password)
    .bind(account.role.name())
    .bind(i64::from(account.disabled))
    .bind(account.epoch)
    .bind(account.version)
    .bind(account.created)
    .execute(store)
    .await?;
    Ok(())
}

/// Writes password, role, disabled and epoch of version `account.version`, which becomes the next; false where somebody else
/// was first.
pub(crate) async fn update_account(store: &mut AnyConnection, account: &Account) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE accounts SET password = $3, role = $4, disabled = $5, epoch = $6, version = version + 1 \
         WHERE id = $1 AND version = $2",
    )
    .bind(&account.id)
    .bind(account.version)
    .bind(&account.password)
    .bind(account.role.name())
    .bind(i64::from(account.disabled))
    .bind(account.epoch)
    .execute(store)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Administrators of a tenant who can sign in.
pub(crate) async fn administrators(store: &mut AnyConnection, tenant: &str) -> Result<i64, Error> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS n FROM accounts WHERE tenant = $1 AND role = 'administrator' AND disabled = 0",
    );
    Ok(row.bind(tenant).fetch_one(store).await?.try_get("n")?)
}

pub(crate) async fn insert_refresh(store: &mut AnyConnection, token: &Refresh) -> Result<(), Error> {
    sqlx::query("INSERT INTO refresh_tokens (digest, account, family, expires) VALUES ($1, $2, $3, $4)")
        .bind(token.digest.clone())
        .bind(&token.account)
        .bind(&token.family)
        .bind(token.expires)
        .execute(store)
        .await?;
    Ok(())
}

pub(crate) async fn refresh(store: &mut AnyConnection, digest: &[u8]) -> Result<Option<Refresh>, Error> {
    let row =
        sqlx::query("SELECT digest, account, family, expires, used FROM refresh_tokens WHERE digest = $1")
            .bind(digest.to_vec())
            .fetch_optional(store)
            .await?;
    let token = |row: AnyRow| -> Result<Refresh, sqlx::Error> {
        Ok(Refresh {
            digest: row.try_get("digest")?,
            account: row.try_get("account")?,
            family: row.try_get("family")?,
            expires: row.try_get("expires")?,
            used: row.try_get("used")?,
        })
    };
    Ok(row.map(token).transpose()?)
}

/// Marks a token as used; false where it was used already.
pub(crate) async fn use_refresh(store: &mut AnyConnection, digest: &[u8], now: i64) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE refresh_tokens SET used = $2 WHERE digest = $1 AND used IS NULL")
        .bind(digest.to_vec())
        .bind(now)
        .execute(store)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn end_family(store: &mut AnyConnection, family: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM refresh_tokens WHERE family = $1").bind(family).execute(store).await?;
    Ok(())
}

pub(crate) async fn end_sign_ins(store: &mut AnyConnection, account: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM refresh_tokens WHERE account = $1").bind(account).execute(store).await?;
    Ok(())
}

pub(crate) async fn forget_expired(store: &mut AnyConnection, now: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM refresh_tokens WHERE expires < $1").bind(now).execute(store).await?;
    Ok(())
}

fn device_of(row: &AnyRow) -> Result<Device, Error> {
    Ok(Device {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        name: row.try_get("name")?,
        created: row.try_get("created")?,
        revoked: row.try_get("revoked")?,
    })
}

pub(crate) async fn insert_device(
    store: &mut AnyConnection,
    device: &Device,
    digest: &[u8],
) -> Result<(), Error> {
    sqlx::query("INSERT INTO devices (id, tenant, name, digest, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(&device.id)
        .bind(&device.tenant)
        .bind(&device.name)
        .bind(digest.to_vec())
        .bind(device.created)
        .execute(store)
        .await?;
    Ok(())
}

pub(crate) async fn device_by_key(store: &mut AnyConnection, digest: &[u8]) -> Result<Option<Device>, Error> {
    sqlx::query("SELECT id, tenant, name, created, revoked FROM devices WHERE digest = $1")
        .bind(digest.to_vec())
        .fetch_optional(store)
        .await?
        .as_ref()
        .map(device_of)
        .transpose()
}

pub(crate) async fn devices(store: &mut AnyConnection, tenant: &str) -> Result<Vec<Device>, Error> {
    sqlx::query(
        "SELECT id, tenant, name, created, revoked FROM devices WHERE tenant = $1 ORDER BY created, id",
    )
    .bind(tenant)
    .fetch_all(store)
    .await?
    .iter()
    .map(device_of)
    .collect()
}

/// False where there is no such device of this tenant.
pub(crate) async fn revoke_device(
    store: &mut AnyConnection,
    tenant: &str,
    id: &str,
    now: i64,
) -> Result<bool, Error> {
    let done =
        sqlx::query("UPDATE devices SET revoked = COALESCE(revoked, $3) WHERE tenant = $1 AND id = $2")
            .bind(tenant)
            .bind(id)
            .bind(now)
            .execute(store)
            .await?;
    Ok(done.rows_affected() == 1)
}

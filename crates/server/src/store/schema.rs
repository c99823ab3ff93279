//! The tables, as numbered steps that only ever grow. `{bytes}` is BLOB in SQLite and BYTEA in Postgres; all else is the same.

/// One step after another; the database remembers how many were taken.
pub(super) const STEPS: &[&str] = &[FIRST];

/// Times are milliseconds since 1970, ids are UUIDs as text, flags are 0 or 1. What may name or describe a person is sealed.
const FIRST: &str = "
CREATE TABLE tenants (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE accounts (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, login TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
  role TEXT NOT NULL, disabled BIGINT NOT NULL DEFAULT 0, epoch BIGINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL DEFAULT 1, created BIGINT NOT NULL);
CREATE INDEX accounts_of ON accounts (tenant, created);
CREATE TABLE refresh_tokens (
  digest {bytes} PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts, family TEXT NOT NULL, expires BIGINT NOT NULL,
  used BIGINT);
CREATE INDEX refresh_families ON refresh_tokens (family);
CREATE TABLE devices (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, name TEXT NOT NULL, digest {bytes} NOT NULL UNIQUE,
  created BIGINT NOT NULL, revoked BIGINT);
CREATE INDEX devices_of ON devices (tenant, created);
CREATE TABLE participants (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, code TEXT NOT NULL, profile {bytes},
  version BIGINT NOT NULL DEFAULT 1, created BIGINT NOT NULL, erased BIGINT, UNIQUE (tenant, code));
CREATE INDEX participants_of ON participants (tenant, created);
CREATE TABLE data_keys (
  participant TEXT PRIMARY KEY REFERENCES participants, tenant TEXT NOT NULL, master TEXT NOT NULL, wrapped {bytes} NOT NULL);
CREATE TABLE consents (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL, participant TEXT NOT NULL REFERENCES participants, at BIGINT NOT NULL,
  account TEXT NOT NULL, keep_sound BIGINT NOT NULL, research BIGINT NOT NULL, withdrawn BIGINT NOT NULL,
  terms {bytes} NOT NULL);
CREATE INDEX consents_of ON consents (participant, at);
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, participant TEXT NOT NULL REFERENCES participants,
  facts {bytes}, version BIGINT NOT NULL DEFAULT 1, created BIGINT NOT NULL, account TEXT NOT NULL);
CREATE INDEX sessions_of ON sessions (tenant, created);
CREATE INDEX sessions_by ON sessions (participant, created);
CREATE TABLE submissions (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL, session TEXT NOT NULL REFERENCES sessions,
  participant TEXT NOT NULL REFERENCES participants, task TEXT NOT NULL, manifest {bytes}, blob TEXT, bytes BIGINT NOT NULL,
  created BIGINT NOT NULL, discarded BIGINT);
CREATE INDEX submissions_of ON submissions (session, created);
CREATE INDEX submissions_kept ON submissions (created) WHERE blob IS NOT NULL;
CREATE TABLE assessments (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL, session TEXT NOT NULL REFERENCES sessions,
  participant TEXT NOT NULL REFERENCES participants, state TEXT NOT NULL, outcome TEXT, report TEXT,
  version BIGINT NOT NULL DEFAULT 1, created BIGINT NOT NULL, finished BIGINT, signed BIGINT, signer TEXT, note {bytes});
CREATE INDEX assessments_of ON assessments (tenant, created);
CREATE INDEX assessments_by ON assessments (session, created);
CREATE TABLE jobs (
  assessment TEXT PRIMARY KEY REFERENCES assessments, tenant TEXT NOT NULL, class BIGINT NOT NULL, deadline BIGINT NOT NULL,
  owner TEXT, lease BIGINT NOT NULL DEFAULT 0, attempts BIGINT NOT NULL DEFAULT 0);
CREATE INDEX jobs_in_turn ON jobs (class, deadline);
CREATE TABLE idempotency (
  tenant TEXT NOT NULL, actor TEXT NOT NULL, label TEXT NOT NULL, request {bytes} NOT NULL, subject TEXT NOT NULL,
  created BIGINT NOT NULL, PRIMARY KEY (tenant, actor, label));
CREATE TABLE audit (
  tenant TEXT NOT NULL, place BIGINT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL,
  action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, mac {bytes} NOT NULL, PRIMARY KEY (tenant, place));
CREATE TABLE audit_heads (
  tenant TEXT PRIMARY KEY, place BIGINT NOT NULL, mac {bytes} NOT NULL);
";

//! Passwords: argon2id, away from the threads that answer, and as long for a name that nobody has.

use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;

use crate::Error;

/// Bytes of a password, both included.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=1_024;

/// Hashes at once: each takes 19 MiB and a core (argon2id, RFC 9106; memory and passes as OWASP's first choice).
static TURNS: Semaphore = Semaphore::const_new(2);

/// What is verified where there is no account, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());

/// Refuses a password that is too short to be one.
pub(crate) fn check(password: &str) -> Result<(), Error> {
    let length = password.len();
    let error = || Error::invalid("password", "12 to 1024 bytes", format!("{length} bytes"));
    LENGTHS.contains(&length).then_some(()).ok_or_else(error)
}

/// The PHC string of a password.
pub(crate) async fn hashed(password: String) -> Result<String, Error> {
    check(&password)?;
    in_turn(move || hash(&password)).await?
}

/// Whether the password is that of `stored`; without one, as slow and false.
pub(crate) async fn verified(password: String, stored: Option<String>) -> Result<bool, Error> {
    in_turn(move || {
        let known = stored.is_some();
        let text = stored.unwrap_or_else(|| NOBODY.clone());
        let good = PasswordHash::new(&text)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        good && known
    })
    .await
}

fn hash(password: &str) -> Result<String, Error> {
    let hash: Result<argon2::password_hash::phc::PasswordHash, _> =
        Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|it| Error::Broken(it.to_string()))?.to_string())
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let _turn = TURNS.acquire().await.map_err(|it| Error::Broken(it.to_string()))?;
    tokio::task::spawn_blocking(work).await.map_err(|it| Error::Broken(it.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_that_of_its_hash_and_of_no_other() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let stored = hashed("correct horse battery".into()).await.unwrap();
            assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
            let verified = async |password: &str, stored: Option<&String>| {
                verified(password.to_owned(), stored.cloned()).await.unwrap()
            };
            assert!(verified("correct horse battery", Some(&stored)).await);
            assert!(!verified("correct horse batterz", Some(&stored)).await);
            assert!(!verified("nobody has this password", None).await);
            assert!(hashed("short".into()).await.is_err());
        });
    }
}

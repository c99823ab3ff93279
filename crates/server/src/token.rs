//! What a client shows to be let in: access tokens that live minutes, refresh tokens that are used once, device keys.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::ErrorKind,
};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};

use crate::{
    Error,
    seal::{self, Key, Keyring},
};

const ISSUER: &str = "inkling";
/// How every device key begins, so that scanners for lost secrets find it.
const DEVICE_PREFIX: &str = "ink_";

/// What an access token says. The role is not in it: it is read afresh at every request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub iss: String,
    pub aud: String,
    /// The account.
    pub sub: String,
    /// The account's epoch when it was issued; a later epoch makes it void.
    pub epoch: i64,
    pub iat: i64,
    pub exp: i64,
}

/// Issues and reads access tokens (JWT with HS256, RFC 7519), signed with a key that changes when the master key is rotated.
pub(crate) struct Tokens {
    signing: EncodingKey,
    reading: DecodingKey,
    lifetime: i64,
    hashing: Key,
}

impl Tokens {
    pub(crate) fn new(keyring: &Keyring, minutes: u32) -> Self {
        // A second installation is of the same provider: there is no other in this program.
        let _ = HMAC_ONLY.install_default();
        let key = keyring.current_key("inkling access tokens v1");
        Self {
            signing: EncodingKey::from_secret(&key[..]),
            reading: DecodingKey::from_secret(&key[..]),
            lifetime: i64::from(minutes) * 60,
            hashing: keyring.hashing_key("inkling keys of devices and sign-ins v1"),
        }
    }

    /// Seconds an access token lives.
    pub(crate) fn lifetime(&self) -> i64 {
        self.lifetime
    }

    pub(crate) fn issue(&self, account: &str, epoch: i64, now: i64) -> Result<String, Error> {
        let name = || ISSUER.to_owned();
        let (iss, aud, sub) = (name(), name(), account.to_owned());
        let claims = Claims { iss, aud, sub, epoch, iat: now, exp: now + self.lifetime };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|it| Error::Broken(it.to_string()))
    }

    /// The claims of a token of ours that is still good by the server's own clock.
    pub(crate) fn read(&self, token: &str, now: i64) -> Result<Claims, Error> {
        let refused = |reason| Error::Unauthenticated { reason };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_exp = false; // by our clock, below
        let claims = jsonwebtoken::decode::<Claims>(token, &self.reading, &validation)
            .map_err(|_| refused("the access token is not one of this server"))?
            .claims;
        match claims.iat <= now && now < claims.exp && claims.exp - claims.iat <= self.lifetime {
            true => Ok(claims),
            false => Err(refused("the access token has expired")),
        }
    }

    /// A new refresh token or device key, and what is stored of it.
    pub(crate) fn fresh_secret(&self, device: bool) -> (String, [u8; 32]) {
        let text = BASE64_URL_SAFE_NO_PAD.encode(&seal::fresh_key()[..]);
        let text = if device { format!("{DEVICE_PREFIX}{text}") } else { text };
        let digest = self.digest(&text);
        (text, digest)
    }

    /// Keyed BLAKE3 of a secret of 256 random bits: nothing slower is needed where nothing can be guessed.
    pub(crate) fn digest(&self, secret: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.hashing, secret.as_bytes()).as_bytes()
    }
}

/// Whether a bearer token is a device's key.
pub(crate) fn is_device_key(token: &str) -> bool {
    token.starts_with(DEVICE_PREFIX)
}

/// HS256 and nothing else: `none`, RSA and elliptic curves cannot even be asked for.
static HMAC_ONLY: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.family(), key.as_bytes())?)),
    verifier_factory: |algorithm, key| {
        Ok(Box::new(Hs256::new(*algorithm, key.family(), key.try_get_as_bytes()?)?))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: Algorithm, family: AlgorithmFamily, key: &[u8]) -> jsonwebtoken::errors::Result<Self> {
        if algorithm != Algorithm::HS256 || family != AlgorithmFamily::Hmac {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Ok(Self(Hmac::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.clone().chain_update(message).verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        let folder = tempfile::tempdir().unwrap();
        Tokens::new(&Keyring::read_or_make(&folder.path().join("key")).unwrap(), 10)
    }

    fn forged(header: &str, claims: &Claims, signature: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{signature}", part(header), part(&serde_json::to_string(claims).unwrap()))
    }

    #[test]
    fn a_token_is_good_until_it_expires_by_our_own_clock() {
        let tokens = tokens();
        let token = tokens.issue("someone", 3, 1_000).unwrap();
        assert_eq!(tokens.read(&token, 1_599).unwrap().epoch, 3);
        assert!(tokens.read(&token, 1_600).is_err());
        assert!(tokens.read(&token, 999).is_err(), "a token from the future");
    }

    #[test]
    fn abused_tokens_are_refused() {
        let tokens = tokens();
        let good = tokens.issue("someone", 0, 1_000).unwrap();
        let claims = tokens.read(&good, 1_000).unwrap();
        let parts: Vec<&str> = good.split('.').collect();
        let longer = Claims { exp: claims.exp + 1, ..claims.clone() };
        let other = Claims { sub: "another".into(), ..claims.clone() };
        let stranger = self::tokens().issue("someone", 0, 1_000).unwrap();
        let cases = [
            String::new(),
            "a.b.c".into(),
            forged(r#"{"alg":"none"}"#, &claims, ""),
            forged(r#"{"alg":"None","typ":"JWT"}"#, &claims, ""),
            forged(r#"{"alg":"RS256","typ":"JWT"}"#, &claims, parts[2]),
            forged(r#"{"alg":"HS512","typ":"JWT"}"#, &claims, parts[2]),
            forged(r#"{"typ":"JWT","alg":"HS256"}"#, &longer, parts[2]),
            forged(r#"{"typ":"JWT","alg":"HS256"}"#, &other, parts[2]),
            forged(r#"{"typ":"JWT","alg":"HS256","jwk":{"kty":"oct","k":"AA"}}"#, &claims, parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}x"),
            stranger,
        ];
        for (place, case) in cases.iter().enumerate() {
            assert!(matches!(tokens.read(case, 1_000), Err(Error::Unauthenticated { .. })), "case {place}");
        }
        let foreign = Claims { aud: "another server".into(), ..claims };
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &foreign, &tokens.signing).unwrap();
        assert!(tokens.read(&signed, 1_000).is_err());
    }
}

//! Envelope encryption: what is known of a person is readable only with that person's data key, and the data key only with
//! the master key.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, RFC 8439) with random 192-bit nonces; streams are sealed segment by segment
//! by the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, *Online authenticated-encryption and its nonce-reuse
//! misuse-resistance*, CRYPTO 2015) so that a cut or reordered stream does not open. Keys of tenants and purposes are derived
//! by BLAKE3's `derive_key`. What is sealed is bound to its place: the purpose and ids go in as associated data.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, disk};

/// A secret key of 256 bits; wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// Plain bytes of a sealed segment of a stream.
const SEGMENT: usize = 64 * 1024;
/// Bytes that authenticate a segment.
const TAG: usize = 16;
/// Random bytes at the head of a stream.
const PREFIX: usize = 19;
/// First byte of everything sealed: the format.
const FORMAT: u8 = 1;

/// The master keys, oldest first; the last one wraps. One file, readable by its owner alone.
#[derive(Debug)]
pub(crate) struct Keyring {
    path: PathBuf,
    written: Written,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Of keyed hashes: audit chain, device keys, refresh tokens. It is not rotated.
    hashing: String,
    keys: Vec<MasterKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MasterKey {
    id: String,
    secret: String,
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|it| &it.id)).finish()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.hashing.zeroize();
        self.keys.iter_mut().for_each(|it| it.secret.zeroize());
    }
}

/// A data key as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wrapped {
    /// The master key it was wrapped with.
    pub key: String,
    pub bytes: Vec<u8>,
}

impl Keyring {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::open(path, source))?;
        let written: Written = serde_json::from_slice(&bytes)
            .map_err(|_| Error::Keyring { path: path.to_owned(), reason: "expected a keyring".into() })?;
        let ring = Self { path: path.to_owned(), written };
        ring.check()?;
        Ok(ring)
    }

    /// Reads the file, or makes one with a new key where there is none.
    pub(crate) fn read_or_make(path: &Path) -> Result<Self, Error> {
        if path.exists() {
            return Self::read(path);
        }
        let written = Written { hashing: fresh_secret(), keys: vec![MasterKey::fresh()] };
        let ring = Self { path: path.to_owned(), written };
        ring.write()?;
        Ok(ring)
    }

    /// The same file with a new key that wraps from now on; the old ones still unwrap.
    pub(crate) fn rotated(mut self) -> Result<Self, Error> {
        self.written.keys.push(MasterKey::fresh());
        self.write()?;
        Ok(self)
    }

    /// The same file with its latest key alone: what an older key wrapped is lost.
    pub(crate) fn pruned(mut self) -> Result<Self, Error> {
        let last = self.written.keys.len() - 1;
        self.written.keys.drain(..last);
        self.write()?;
        Ok(self)
    }

    /// Name of the key that wraps.
    pub(crate) fn current(&self) -> &str {
        self.written.keys.last().map_or("", |it| &it.id)
    }

    /// A key for one purpose from the latest master key: it changes with a rotation.
    pub(crate) fn current_key(&self, purpose: &str) -> Key {
        derived(purpose, &[&self.secret(self.current()).unwrap_or_default()[..]])
    }

    /// A key for one purpose that outlives rotations, for keyed hashes of what is stored.
    pub(crate) fn hashing_key(&self, purpose: &str) -> Key {
        derived(purpose, &[&decoded(&self.written.hashing).unwrap_or_default()[..]])
    }

    /// A data key as it may be stored for a person of a tenant.
    pub(crate) fn wrap(&self, tenant: &str, owner: &str, data_key: &Key) -> Result<Wrapped, Error> {
        let id = self.current().to_owned();
        let bytes = seal(&self.tenant_key(&id, tenant)?, &Place("data key", owner), &data_key[..])?;
        Ok(Wrapped { key: id, bytes })
    }

    /// The data key of a person.
    pub(crate) fn unwrap(&self, tenant: &str, owner: &str, wrapped: &Wrapped) -> Result<Key, Error> {
        let plain = open(&self.tenant_key(&wrapped.key, tenant)?, &Place("data key", owner), &wrapped.bytes)?;
        let key: [u8; 32] =
            plain.as_slice().try_into().map_err(|_| Error::Corrupt { what: "a data key".into() })?;
        Ok(Zeroizing::new(key))
    }

    fn tenant_key(&self, id: &str, tenant: &str) -> Result<Key, Error> {
        let secret = self.secret(id).ok_or_else(|| Error::Keyring {
            path: self.path.clone(),
            reason: format!("expected the key {id}, which wrapped data in this store; it is not there"),
        })?;
        Ok(derived("inkling tenant key v1", &[&secret[..], tenant.as_bytes()]))
    }

    fn secret(&self, id: &str) -> Option<Key> {
        self.written.keys.iter().find(|it| it.id == id).and_then(|it| decoded(&it.secret))
    }

    fn check(&self) -> Result<(), Error> {
        let sound = |text: &str| decoded(text).is_some();
        let good = sound(&self.written.hashing)
            && !self.written.keys.is_empty()
            && self.written.keys.iter().all(|it| sound(&it.secret));
        let reason = "expected keys of 32 bytes in base64, got something else".to_owned();
        good.then_some(()).ok_or_else(|| Error::Keyring { path: self.path.clone(), reason })
    }

    fn write(&self) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(&self.written).expect("strings are always JSON");
        disk::replace(&self.path, &Zeroizing::new(bytes)).map_err(|source| Error::open(&self.path, source))
    }
}

impl MasterKey {
    fn fresh() -> Self {
        Self { id: uuid::Uuid::new_v4().to_string(), secret: fresh_secret() }
    }
}

fn fresh_secret() -> String {
    BASE64_STANDARD.encode(&fresh_key()[..])
}

fn decoded(text: &str) -> Option<Key> {
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(text).ok()?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

/// A key of the system's random numbers.
pub(crate) fn fresh_key() -> Key {
    let mut key = Zeroizing::new([0; 32]);
    random(&mut key[..]);
    key
}

/// Fills with the system's random numbers.
pub(crate) fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has random numbers");
}

fn derived(purpose: &str, parts: &[&[u8]]) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Zeroizing::new(*hasher.finalize().as_bytes())
}

/// What is sealed and for whom: opening it anywhere else fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a>(pub &'static str, pub &'a str);

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        [&[FORMAT], self.0.as_bytes(), &[0], self.1.as_bytes()].concat()
    }
}

/// Format, nonce, ciphertext and tag.
pub(crate) fn seal(key: &Key, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; 24];
    random(&mut nonce);
    let payload = Payload { msg: plain, aad: &place.bytes() };
    let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload).map_err(|_| too_long())?;
    Ok([&[FORMAT], &nonce[..], &sealed].concat())
}

/// What was sealed at this place with this key.
pub(crate) fn open(key: &Key, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let corrupt = || Error::Corrupt { what: place.0.into() };
    let (head, text) = sealed.split_at_checked(25).ok_or_else(corrupt)?;
    let nonce: [u8; 24] = head[1..].try_into().map_err(|_| corrupt())?;
    let payload = Payload { msg: text, aad: &place.bytes() };
    match head[0] {
        FORMAT => {
            let plain = cipher(key).decrypt(&XNonce::from(nonce), payload).map_err(|_| corrupt())?;
            Ok(Zeroizing::new(plain))
        }
        _ => Err(corrupt()),
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

fn too_long() -> Error {
    Error::Corrupt { what: "more than can be sealed at once".into() }
}

/// Seals what is written to it, segment by segment, into another writer.
pub(crate) struct Sealer<W> {
    out: W,
    cipher: XChaCha20Poly1305,
    place: Vec<u8>,
    prefix: [u8; PREFIX],
    segment: u32,
    pending: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    pub(crate) fn new(mut out: W, key: &Key, place: &Place<'_>) -> io::Result<Self> {
        let mut prefix = [0; PREFIX];
        random(&mut prefix);
        out.write_all(&[FORMAT])?;
        out.write_all(&prefix)?;
        let pending = Zeroizing::new(Vec::with_capacity(SEGMENT));
        Ok(Self { out, cipher: cipher(key), place: place.bytes(), prefix, segment: 0, pending })
    }

    /// The last segment; without it the stream does not open.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.flush_segment(true)?;
        Ok(self.out)
    }

    fn flush_segment(&mut self, last: bool) -> io::Result<()> {
        let nonce = segment_nonce(&self.prefix, self.segment, last);
        let payload = Payload { msg: &self.pending, aad: &self.place };
        let sealed = self
            .cipher
            .encrypt(&nonce, payload)
            .map_err(|_| io::Error::other("a segment cannot be sealed"))?;
        self.out.write_all(&sealed)?;
        self.pending.clear();
        self.segment = self.segment.checked_add(1).ok_or_else(|| io::Error::other("too many segments"))?;
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() == SEGMENT {
            self.flush_segment(false)?;
        }
        let taken = bytes.len().min(SEGMENT - self.pending.len());
        self.pending.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The whole of a sealed stream.
pub(crate) fn open_stream(
    mut sealed: impl Read,
    key: &Key,
    place: &Place<'_>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let corrupt = |_| Error::Corrupt { what: place.0.into() };
    let mut head = [0; PREFIX + 1];
    sealed.read_exact(&mut head).map_err(corrupt)?;
    let prefix: [u8; PREFIX] = head[1..].try_into().expect("the head is one byte longer");
    let (cipher, place_bytes) = (cipher(key), place.bytes());
    let (mut plain, mut segment) = (Zeroizing::new(Vec::new()), 0_u32);
    let mut current = next_segment(&mut sealed).map_err(corrupt)?;
    loop {
        let next = next_segment(&mut sealed).map_err(corrupt)?;
        let nonce = segment_nonce(&prefix, segment, next.is_empty());
        let payload = Payload { msg: &current, aad: &place_bytes };
        let opened = Zeroizing::new(
            cipher.decrypt(&nonce, payload).map_err(|_| Error::Corrupt { what: place.0.into() })?,
        );
        plain.extend_from_slice(&opened);
        if next.is_empty() {
            return Ok(plain);
        }
        (current, segment) = (next, segment.wrapping_add(1));
    }
}

fn next_segment(sealed: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut segment = Vec::with_capacity(SEGMENT + TAG);
    sealed.take((SEGMENT + TAG) as u64).read_to_end(&mut segment)?;
    Ok(segment)
}

fn segment_nonce(prefix: &[u8; PREFIX], segment: u32, last: bool) -> XNonce {
    let mut nonce = [0; 24];
    nonce[..PREFIX].copy_from_slice(prefix);
    nonce[PREFIX..PREFIX + 4].copy_from_slice(&segment.to_be_bytes());
    nonce[23] = u8::from(last);
    XNonce::from(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streamed(key: &Key, plain: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(Vec::new(), key, &Place("media", "one")).unwrap();
        sealer.write_all(plain).unwrap();
        sealer.finish().unwrap()
    }

    #[test]
    fn a_stream_of_any_length_opens_to_what_was_sealed() {
        let key = fresh_key();
        for length in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT] {
            let plain: Vec<u8> = (0..length).map(|it| it as u8).collect();
            let sealed = streamed(&key, &plain);
            assert_eq!(*open_stream(&sealed[..], &key, &Place("media", "one")).unwrap(), plain, "{length}");
        }
    }

    #[test]
    fn a_stream_that_was_cut_turned_or_moved_does_not_open() {
        let (key, plain) = (fresh_key(), vec![7; 2 * SEGMENT + 5]);
        let sealed = streamed(&key, &plain);
        let opens = |bytes: &[u8], place: &str| open_stream(bytes, &key, &Place("media", place)).is_ok();
        assert!(!opens(&sealed, "two"));
        for cut in [0, 10, PREFIX + 1, PREFIX + 1 + SEGMENT + TAG, sealed.len() - 1] {
            assert!(!opens(&sealed[..cut], "one"), "cut at {cut}");
        }
        let turned = {
            let (head, rest) = sealed.split_at(PREFIX + 1);
            let (first, rest) = rest.split_at(SEGMENT + TAG);
            let (second, rest) = rest.split_at(SEGMENT + TAG);
            [head, second, first, rest].concat()
        };
        assert!(!opens(&turned, "one"));
        for place in (0..sealed.len()).step_by(9_973) {
            let mut flipped = sealed.clone();
            flipped[place] ^= 1;
            assert!(place == 0 || !opens(&flipped, "one"), "a flipped bit at {place} opens");
        }
    }

    #[test]
    fn what_is_sealed_for_one_opens_for_no_other() {
        let key = fresh_key();
        let sealed = seal(&key, &Place("profile", "one"), b"Kim Mi-yeon").unwrap();
        assert_eq!(**open(&key, &Place("profile", "one"), &sealed).unwrap(), *b"Kim Mi-yeon");
        assert!(open(&key, &Place("profile", "two"), &sealed).is_err());
        assert!(open(&key, &Place("report", "one"), &sealed).is_err());
        assert!(open(&fresh_key(), &Place("profile", "one"), &sealed).is_err());
        assert!(!sealed.windows(4).any(|it| it == b"yeon"));
    }

    #[test]
    fn a_rotated_ring_opens_what_the_old_key_wrapped_until_it_is_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let ring = Keyring::read_or_make(&path).unwrap();
        let data_key = fresh_key();
        let wrapped = ring.wrap("tenant", "person", &data_key).unwrap();
        let ring = ring.rotated().unwrap();
        assert_eq!(*ring.unwrap("tenant", "person", &wrapped).unwrap(), *data_key);
        assert!(ring.unwrap("another", "person", &wrapped).is_err());
        let again = ring.wrap("tenant", "person", &data_key).unwrap();
        assert_ne!(again.key, wrapped.key);
        let ring = Keyring::read(&path).unwrap().pruned().unwrap();
        assert!(ring.unwrap("tenant", "person", &wrapped).unwrap_err().to_string().contains(&wrapped.key));
        assert_eq!(*ring.unwrap("tenant", "person", &again).unwrap(), *data_key);
    }

    #[test]
    fn a_keyring_of_another_shape_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for text in ["", "{}", r#"{"hashing":"AA==","keys":[{"id":"a","secret":"AA=="}]}"#] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(Keyring::read(&path), Err(Error::Keyring { .. })), "{text}");
        }
    }
}

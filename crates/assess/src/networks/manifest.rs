//! Which networks are known: their files pinned by digest, and the packages they come in.

use serde::Deserialize;

use crate::Error;

/// Every network Inkling knows how to get. Weights themselves are never part of the program.
const SHIPPED: &str = include_str!("manifest.json");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) networks: Vec<Pinned>,
}

/// A network and where it can be had.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pinned {
    pub(super) name: String,
    pub(super) purpose: String,
    pub(super) licence: String,
    /// The file that is also written in our packed form.
    #[serde(default)]
    pub(super) pack: Option<String>,
    pub(super) sources: Vec<Source>,
}

/// One place to get a network from; the second is there for the day the first has gone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// Packages of PyPI with their versions.
    pub(super) packages: Vec<String>,
    pub(super) files: Vec<PinnedFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinnedFile {
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// Where in the packages its bytes lie, one part after another; `!` goes into a zip inside.
    pub(super) parts: Vec<String>,
}

impl Manifest {
    pub(super) fn shipped() -> Result<Self, Error> {
        Manifest::of(SHIPPED)
    }

    pub(super) fn of(json: &str) -> Result<Self, Error> {
        serde_json::from_str(json)
            .map_err(|source| Error::Json { path: "networks/manifest.json".into(), source })
    }

    pub(super) fn network(&self, name: &str) -> Result<&Pinned, Error> {
        self.networks.iter().find(|it| it.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.networks.iter().map(|it| it.name.as_str()).collect();
            Error::Network {
                name: name.to_owned(),
                reason: format!("unknown; expected one of {}", known.join(", ")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_shipped_is_pinned_whole() {
        for network in Manifest::shipped().unwrap().networks {
            assert!(!network.licence.is_empty() && !network.sources.is_empty(), "{}", network.name);
            for file in network.sources.iter().flat_map(|it| &it.files) {
                assert!(file.bytes > 0 && !file.parts.is_empty(), "{}", file.file);
                assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|it| it.is_ascii_hexdigit()));
                assert!(!file.file.contains(['/', '\\']), "{}", file.file);
            }
            assert!(network.sources.iter().flat_map(|it| &it.packages).all(|it| it.contains("==")));
        }
    }
}

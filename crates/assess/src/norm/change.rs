//! Whether a value has changed by more than it changes by itself.
//!
//! Jacobson & Truax 1991 (J Consult Clin Psychol 59:12–19): the change divided by the standard error of a difference,
//! SD · √(2 (1 − r)). Where a study gives the 95 % minimal detectable change instead, it is 1.96 such errors. A mean gain at the
//! second sitting is taken off first (Chelune et al. 1993) where it is known. Where nothing is published, the people of the
//! screener's own cohort who came again say how a measure repeats.

use serde::Serialize;
use study::{Session, Task};

use super::{
    Norms,
    row::{Kind, Row},
    standing::stratum,
};
use crate::{Error, assessment::Assessment, assessor::same_task, report::is_key};

/// Standard errors beyond which a change is called reliable.
const RELIABLE: f64 = 1.96;

/// What follows from a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Judgement {
    /// More than the measure changes by itself, 95 times in 100.
    Reliable {
        /// Standard errors.
        index: f64,
        /// Whether for the better; `None` where neither direction is.
        better: Option<bool>,
        /// The reliability it rests on.
        source: String,
        /// What a reader must know of it.
        note: String,
    },
    /// No more than the measure changes by itself.
    Noise {
        /// Standard errors.
        index: f64,
        /// The reliability it rests on.
        source: String,
        /// What a reader must know of it.
        note: String,
    },
    /// Nothing follows.
    NotJudged {
        /// Why.
        reason: String,
    },
}

/// One measure then and now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The task.
    pub task: Task,
    /// Name of the feature.
    pub feature: String,
    /// Value at the earlier session.
    pub then: f64,
    /// Value now.
    pub now: f64,
    /// What follows.
    pub judgement: Judgement,
}

/// What has changed since an earlier session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    /// Day of the earlier session, if recorded.
    pub since: Option<String>,
    /// Days between the sessions, if both are recorded.
    pub days: Option<i32>,
    /// Measures that both sessions have: those that a report shows first, and those whose reliability is known.
    pub rows: Vec<Change>,
}

impl Norms {
    /// What has changed between two sessions of one participant. Sessions of two participants are refused.
    pub fn changes(&self, then: &Assessment, now: &Assessment) -> Result<Changes, Error> {
        if let (Some(a), Some(b)) = (&then.session.participant, &now.session.participant)
            && a != b
        {
            return Err(Error::OtherParticipant);
        }
        let mut rows = Vec::new();
        for (task, name, reach, new) in measured(now) {
            let Some((.., old)) = measured(then).find(|it| it.0 == task && it.1 == name) else { continue };
            let known = self.rows_of(name, task).any(|it| matches!(it.kind, Kind::Reliability { .. }));
            if !known && !is_key(name) {
                continue;
            }
            let one_device =
                reach == feature::Reach::SameDevice && device_changed(&then.session, &now.session);
            let judgement = if one_device {
                let reason =
                    "it means the same only on one device, and the device is another or not recorded";
                Judgement::NotJudged { reason: reason.to_owned() }
            } else {
                match self.judgement((name, task), (old, new), &now.session) {
                    Judgement::NotJudged { reason } => {
                        by_card(now, (name, task), (old, new)).unwrap_or(Judgement::NotJudged { reason })
                    }
                    published => published,
                }
            };
            rows.push(Change {
                task: task.clone(),
                feature: name.to_owned(),
                then: old,
                now: new,
                judgement,
            });
        }
        let days = then
            .session
            .date
            .zip(now.session.date)
            .map(|(then, now)| now.since(then).map_or(0, |it| it.get_days()));
        Ok(Changes { since: then.session.date.map(|it| it.to_string()), days, rows })
    }

    /// What follows from one measure's change.
    pub fn judgement(
        &self,
        (feature, task): (&str, &Task),
        (then, now): (f64, f64),
        person: &Session,
    ) -> Judgement {
        let rows: Vec<&Row> = self.rows_of(feature, task).collect();
        let not_judged = |reason: &str| Judgement::NotJudged { reason: reason.to_owned() };
        let known = rows.iter().find_map(|row| match row.kind {
            Kind::Reliability { icc, mdc95, practice } => Some((row, icc, mdc95, practice)),
            _ => None,
        });
        let Some((row, icc, mdc95, practice)) = known else {
            return not_judged("no reliability is published that could be used");
        };
        let error = match (mdc95, icc) {
            (Some(mdc95), _) => mdc95 / RELIABLE,
            (None, Some(icc)) => match stratum(&rows, person) {
                Some(Ok(it)) if icc < 1.0 => it.sd * (2.0 * (1.0 - icc)).sqrt(),
                Some(Ok(_)) => return not_judged("a reliability of 1 leaves no error"),
                Some(Err(reason)) => {
                    return not_judged(&format!("no standard deviation for this person: {reason}"));
                }
                None => return not_judged("no standard deviation is published"),
            },
            (None, None) => return not_judged("no reliability is published that could be used"),
        };
        let index = (now - then - practice) / error;
        let (source, note) = (row.source.clone(), row.note.clone());
        if index.abs() <= RELIABLE {
            return Judgement::Noise { index, source, note };
        }
        let better = row.higher_better.map(|higher| higher == (index > 0.0));
        Judgement::Reliable { index, better, source, note }
    }
}

/// What follows by the people whom the screener that was asked was fitted on and who came again, as its card has it: the change in
/// standard errors of a difference, a gain from practice counted as error. `None` where too few came again.
fn by_card(now: &Assessment, (feature, task): (&str, &Task), (old, new): (f64, f64)) -> Option<Judgement> {
    let card = now.card.as_ref()?;
    let known = card.repeats.iter().find(|it| {
        let parts = it.column.split_once('/').filter(|(_, name)| *name == feature);
        parts.is_some_and(|(theirs, _)| Task::new(theirs).is_ok_and(|it| same_task(task, &it)))
    })?;
    let index = known.index(old, new)?;
    let icc = known.icc;
    let source = format!("card of {}", card.name);
    let mut note = format!(
        "{} people in {} sessions, ICC {:.2} ({:.2} to {:.2})",
        known.people, known.sessions, icc.value, icc.low, icc.high
    );
    if icc.value < POOR {
        note += "; the measure repeats poorly";
    }
    if known.people < FEW {
        note += "; few people";
    }
    if card.cohort.synthetic {
        note += "; made-up people";
    }
    Some(match index.abs() > RELIABLE {
        true => Judgement::Reliable { index, better: None, source, note },
        false => Judgement::Noise { index, source, note },
    })
}

/// Below this an ICC is poor, and fewer people say little (Koo & Li 2016).
const POOR: f64 = 0.5;
const FEW: usize = 30;

/// Every measured value: task, feature, reach, number.
fn measured(assessment: &Assessment) -> impl Iterator<Item = (&Task, &'static str, feature::Reach, f64)> {
    assessment.performed.iter().flat_map(|performed| {
        let values = performed.measured.outcome.as_ref().ok().map(|it| it.values.features());
        let number =
            |it: &feature::Feature| Some((it.definition.name, it.definition.reach, it.value.measured()?));
        values
            .into_iter()
            .flatten()
            .filter_map(number)
            .map(|(name, reach, it)| (&performed.task, name, reach, it))
    })
}

/// Whether the devices are known to be the same.
fn device_changed(then: &Session, now: &Session) -> bool {
    then.device.is_none() || then.device != now.device
}

#[cfg(test)]
mod tests {
    use super::*;
    use study::{Language, Sex};

    fn judged(feature: &str, task: &str, pair: (f64, f64), language: &str) -> Judgement {
        let task = Task::new(task).unwrap();
        let person = Session {
            age: Some(74.0),
            education: Some(14.0),
            sex: Some(Sex::Female),
            language: Some(Language(language.to_owned())),
            ..Session::bare(task.clone(), "x".into())
        };
        Norms::shipped().unwrap().judgement((feature, &task), pair, &person)
    }

    #[test]
    fn the_index_is_jacobsons_and_truaxs() {
        // ICC .53 and an SD of 4.8 words: one error is 4.8 · √(2 · 0.47) = 4.654 words.
        let Judgement::Noise { index, .. } =
            judged("language.fluency.correct", "animals", (20.0, 12.0), "en")
        else {
            panic!("eight words fewer are noise")
        };
        assert!((index + 8.0 / 4.6538).abs() < 1e-3, "{index}");
        let Judgement::Reliable { better, .. } =
            judged("language.fluency.correct", "animals", (22.0, 12.0), "en")
        else {
            panic!("ten words fewer are not")
        };
        assert_eq!(better, Some(false));
    }

    #[test]
    fn a_trail_that_takes_less_time_is_better() {
        let Judgement::Reliable { better, index, .. } =
            judged("ink.trail.time", "trail-b", (160.0, 60.0), "en")
        else {
            panic!("a hundred seconds")
        };
        assert!(better == Some(true) && index < -RELIABLE);
    }

    #[test]
    fn a_minimal_detectable_change_needs_no_standard_deviation() {
        let rate = |now| judged("language.rate.words", "picture", (120.0, now), "ko");
        assert!(matches!(rate(120.0 - 36.0), Judgement::Noise { .. }));
        assert!(matches!(rate(120.0 - 37.0), Judgement::Reliable { better: Some(false), .. }));
    }

    #[test]
    fn practice_is_taken_off_before_a_change_is_judged() {
        let header = include_str!("../../../../norms/published@1.csv").lines().next().unwrap();
        let line = "reliability,A,f,,words,higher,healthy,40,,,,,,,,,,4,3,,,,en,somebody,,";
        let norms =
            Norms::from_csv(std::path::Path::new("x.csv"), format!("{header}\n{line}\n").as_bytes()).unwrap();
        let task = Task::new("t").unwrap();
        let person = Session::bare(task.clone(), "x".into());
        let judged = |now| norms.judgement(("f", &task), (10.0, now), &person);
        assert!(matches!(judged(16.5), Judgement::Noise { .. }), "6.5 more, of which 3 are practice");
        assert!(
            matches!(judged(8.5), Judgement::Reliable { better: Some(false), .. }),
            "4.5 below what practice gives"
        );
    }

    #[test]
    fn a_screeners_own_people_who_came_again_judge_what_no_study_has() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/session"));
        let assessor = crate::Assessor::new(crate::Fitted::shipped().unwrap(), crate::Intake::default());
        let mut now = assessor.assess_folder(folder).unwrap();
        let clock = Task::new("clock").unwrap();
        let judge = |now: &Assessment, new| by_card(now, ("ink.darwin.total_time", &clock), (30.0, new));
        assert!(judge(&now, 60.0).is_none(), "nobody of DARWIN came again");
        let again = learn::repeat::Repeated {
            column: "darwin-24/ink.darwin.total_time".to_owned(),
            people: 24,
            sessions: 2,
            icc: learn::Interval { value: 0.41, low: 0.05, high: 0.69 },
            sem: 5.0,
            minimal_change: 13.86,
            shift: -1.0,
        };
        now.card.as_mut().unwrap().repeats.push(again);
        // One error of a difference is √2 · 5 s = 7.07 s.
        let Some(Judgement::Noise { index, note, source }) = judge(&now, 43.0) else {
            panic!("13 s are noise")
        };
        assert!((index - 13.0 / 50f64.sqrt()).abs() < 1e-12 && source == "card of handwriting-darwin@1");
        assert_eq!(
            note,
            "24 people in 2 sessions, ICC 0.41 (0.05 to 0.69); the measure repeats poorly; few people"
        );
        assert!(matches!(judge(&now, 44.0), Some(Judgement::Reliable { better: None, .. })));
        let norms = Norms::shipped().unwrap();
        let mut key = now.card.as_ref().unwrap().repeats[0].clone();
        key.column = "clock/ink.time.total".to_owned();
        now.card.as_mut().unwrap().repeats.push(key);
        let rows = norms.changes(&now.clone(), &now).unwrap().rows;
        let row = rows.iter().find(|it| it.feature == "ink.time.total").unwrap();
        assert!(matches!(&row.judgement, Judgement::Noise { index, .. } if *index == 0.0), "{row:?}");
    }

    #[test]
    fn what_has_no_reliability_is_not_judged() {
        let reason = |judgement| match judgement {
            Judgement::NotJudged { reason } => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason(judged("voice.pause.rate", "picture", (20.0, 40.0), "en")).contains("no reliability"));
        let korean = reason(judged("language.fluency.correct", "animals", (20.0, 5.0), "ko"));
        assert_eq!(korean, "no standard deviation for this person: published for English only");
    }
}

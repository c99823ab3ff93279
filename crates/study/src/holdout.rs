//! People set aside before anybody looks: evaluation and training never see them, and each look at them is counted.
//!
//! A holdout that was looked at ten times has been trained on by the people who looked. The file cannot stop that, but it can
//! say so: `holdout.json` names who was set aside, by which share and seed, and holds a line for each look, chained by digest
//! to the line before. Other people, other labels, another share or a line taken out of the middle are found; a file deleted
//! or cut off at its end is not, which is why its looks are printed on the card as well.

use std::{collections::BTreeSet, path::Path};

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Cohort, Error, FeatureTable, Participant};

const FILE: &str = "holdout.json";

/// The people of a cohort who are set aside, and who looked at them when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holdout {
    /// Share of each class that was set aside.
    share: f64,
    /// Seed of the draw.
    seed: u64,
    /// Pseudonyms of the people, sorted.
    people: BTreeSet<String>,
    /// SHA-256 of share, seed, everybody with their label, and the people set aside.
    digest: String,
    /// Every look, the first first.
    looks: Vec<Look>,
}

/// One look at the people set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// When, in UTC: `2026-11-24T10:30:00Z`.
    pub at: String,
    /// SHA-256 of what looked: numbers, plan and program.
    pub by: String,
    /// SHA-256 of this line and the chain of the line before.
    chain: String,
}

impl Holdout {
    /// Sets aside a share of each class of a cohort's labelled people, at least one of each.
    pub fn draw(cohort: &Cohort, share: f64, seed: u64) -> Result<Self, Error> {
        if !(share > 0.0 && share < 1.0) {
            return Err(holdout("a share between 0 and 1", share.to_string()));
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let everybody = people(cohort);
        let mut held = BTreeSet::new();
        for class in [false, true] {
            let of_class = everybody.iter().filter(|it| it.label.is_some_and(|it| it.impaired()) == class);
            // By pseudonym: the order of a file is no secret and may change.
            let mut ids: Vec<&str> =
                of_class.filter(|it| it.label.is_some()).map(|it| it.id.reveal()).collect();
            ids.sort_unstable();
            if ids.len() < 2 {
                let got = format!("{} {}", ids.len(), if class { "impaired" } else { "healthy" });
                return Err(holdout("at least two people of each class to part", got));
            }
            let aside = ((share * ids.len() as f64).round() as usize).clamp(1, ids.len() - 1);
            ids.shuffle(&mut random);
            held.extend(ids[..aside].iter().map(|id| (*id).to_owned()));
        }
        let digest = digest(share, seed, everybody, &held);
        Ok(Self { share, seed, people: held, digest, looks: vec![] })
    }

    /// The holdout of a cohort's folder, checked against its people; `None` where nobody was set aside.
    ///
    /// Refused where the people or their labels are not those of whom it was drawn, where share, seed or the people set aside
    /// were changed, and where a look was changed or taken out.
    pub fn read(folder: &Path, cohort: &Cohort) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Open { path, source }),
        };
        let read: Self = serde_json::from_slice(&bytes).map_err(|source| Error::Json { path, source })?;
        read.check(cohort)?;
        Ok(Some(read))
    }

    fn check(&self, cohort: &Cohort) -> Result<(), Error> {
        let drawn = Self::draw(cohort, self.share, self.seed)?;
        if self.digest != drawn.digest || self.people != drawn.people {
            let got = "a file that was changed, or a cohort with other people or labels".to_owned();
            return Err(holdout("the people, labels, share and seed that it was drawn of", got));
        }
        let mut before = self.digest.clone();
        for (number, look) in self.looks.iter().enumerate() {
            before = chained(&before, look);
            if look.chain != before {
                let got = format!("look {} whose digest does not follow the one before", number + 1);
                return Err(holdout("every look as it was written", got));
            }
        }
        Ok(())
    }

    /// Writes `holdout.json` beside the cohort.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let json =
            serde_json::to_vec_pretty(self).map_err(|source| Error::Json { path: path.clone(), source })?;
        std::fs::write(&path, json).map_err(|source| Error::Open { path, source })
    }

    /// Counts a look, now. Write it before the numbers are shown: a look that nobody wrote down is the one that misleads.
    pub fn look(&mut self, by: &str) -> usize {
        let now = jiff::Timestamp::now();
        let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut look = Look { at, by: by.to_owned(), chain: String::new() };
        look.chain = chained(self.looks.last().map_or(&self.digest, |it| &it.chain), &look);
        self.looks.push(look);
        self.looks.len()
    }

    /// Every look, the first first.
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// Whether somebody is set aside.
    pub fn holds(&self, person: &Participant) -> bool {
        self.people.contains(person.id.reveal())
    }

    /// How many people are set aside.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether nobody is; a drawn holdout never is empty.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The cohort without the people set aside: with no row, no file and no line of theirs.
    pub fn rest(&self, cohort: &Cohort) -> Cohort {
        let kept = |person: &Participant| !self.holds(person);
        let of = |table: &FeatureTable| {
            let rows: Vec<usize> = (0..table.len()).filter(|&row| kept(&table.participants()[row])).collect();
            table.of_people(&rows)
        };
        let submissions =
            cohort.submissions.iter().filter(|it| !self.people.contains(it.participant.reveal()));
        Cohort {
            participants: cohort.participants.iter().filter(|it| kept(it)).cloned().collect(),
            table: cohort.table.as_ref().map(of),
            later: cohort.later.iter().map(of).collect(),
            submissions: submissions.cloned().collect(),
            provenance: cohort.provenance.clone(),
        }
    }
}

/// The people with numbers where there are any, else all.
fn people(cohort: &Cohort) -> &[Participant] {
    cohort.table.as_ref().map_or(&cohort.participants[..], |table| table.participants())
}

fn holdout(expected: &'static str, got: String) -> Error {
    Error::Holdout { expected, got }
}

fn digest(share: f64, seed: u64, everybody: &[Participant], held: &BTreeSet<String>) -> String {
    let mut lines: Vec<String> =
        everybody.iter().map(|it| format!("{}\t{:?}", it.id.reveal(), it.label)).collect();
    lines.sort_unstable();
    lines.push(format!("{share} {seed}"));
    lines.extend(held.iter().cloned());
    hexadecimal(&lines.join("\n"))
}

fn chained(before: &str, look: &Look) -> String {
    hexadecimal(&format!("{before}\n{}\n{}", look.at, look.by))
}

fn hexadecimal(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Diagnosis, ParticipantId, Provenance};

    fn cohort(people: usize) -> Cohort {
        let person = |it: usize| {
            let label = Some(if it % 2 == 1 { Diagnosis::Dementia } else { Diagnosis::Healthy });
            Participant { label, ..Participant::new(ParticipantId::new(&format!("p{it}")).unwrap()) }
        };
        Cohort {
            provenance: Provenance::default(),
            participants: (0..people).map(person).collect(),
            table: None,
            later: vec![],
            submissions: vec![],
        }
    }

    #[test]
    fn a_share_of_each_class_is_set_aside_and_the_rest_is_without_them() {
        let cohort = cohort(40);
        let held = Holdout::draw(&cohort, 0.2, 3).unwrap();
        let rest = held.rest(&cohort);
        assert_eq!((held.len(), rest.participants.len()), (8, 32));
        assert!(rest.participants.iter().all(|it| !held.holds(it)));
        let impaired = rest.participants.iter().filter(|it| it.label == Some(Diagnosis::Dementia)).count();
        assert_eq!(impaired, 16);
        let mut turned = cohort.clone();
        turned.participants.reverse();
        assert_eq!(Holdout::draw(&turned, 0.2, 3).unwrap(), held, "the order of the file does not matter");
        assert_ne!(Holdout::draw(&cohort, 0.2, 4).unwrap().people, held.people);
    }

    #[test]
    fn looks_are_counted_and_a_look_taken_out_is_found() {
        let (folder, cohort) = (tempfile::tempdir().unwrap(), cohort(20));
        assert!(Holdout::read(folder.path(), &cohort).unwrap().is_none());
        let mut held = Holdout::draw(&cohort, 0.3, 1).unwrap();
        assert_eq!((held.look("a"), held.look("b"), held.look("c")), (1, 2, 3));
        held.write(folder.path()).unwrap();
        assert_eq!(Holdout::read(folder.path(), &cohort).unwrap().unwrap().looks().len(), 3);
        held.looks.remove(1);
        held.write(folder.path()).unwrap();
        let error = Holdout::read(folder.path(), &cohort).unwrap_err().to_string();
        assert!(error.contains("look 2 whose digest does not follow"), "{error}");
    }

    #[test]
    fn other_people_another_share_and_an_exchanged_person_are_found() {
        let cohort = cohort(20);
        let held = Holdout::draw(&cohort, 0.3, 1).unwrap();
        assert!(held.check(&cohort).is_ok());
        let refused = |held: &Holdout, cohort: &Cohort| held.check(cohort).unwrap_err().to_string();
        assert!(refused(&held, &self::cohort(22)).contains("other people or labels"));
        let mut relabelled = cohort.clone();
        relabelled.participants[0].label = Some(Diagnosis::Mci);
        assert!(refused(&held, &relabelled).contains("other people or labels"));
        assert!(refused(&Holdout { share: 0.2, ..held.clone() }, &cohort).contains("was changed"));
        let mut exchanged = held.clone();
        let (out, put) = (exchanged.people.pop_first().unwrap(), "p0".to_owned());
        exchanged.people.insert(if out == "p0" { "p1".to_owned() } else { put });
        assert!(refused(&exchanged, &cohort).contains("was changed"));
    }

    #[test]
    fn a_share_or_a_cohort_that_cannot_be_parted_is_a_clear_error() {
        for share in [0.0, 1.0, f64::NAN] {
            assert!(
                Holdout::draw(&cohort(20), share, 1)
                    .unwrap_err()
                    .to_string()
                    .contains("a share between 0 and 1")
            );
        }
        let error = Holdout::draw(&cohort(3), 0.5, 1).unwrap_err().to_string();
        assert_eq!(error, "holdout: expected at least two people of each class to part, got 1 impaired");
    }
}

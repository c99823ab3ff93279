//! Out-of-fold probabilities of every person, kept beside a card so that two screeners can be compared on the same people.

use serde::{Deserialize, Serialize};
use study::FeatureTable;

use crate::{Error, digest, metric::Judged};

/// What is written to `scores.json`: who was judged, what they are, and every estimator's probability in each repeat.
///
/// People are named by the first 16 hexadecimal digits of the SHA-256 of cohort and pseudonym: enough to find the same person
/// in two files and nothing to read. It is a key, not a cloak: whoever has the pseudonyms can make it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Name of the card the scores belong to.
    pub name: String,
    /// SHA-256 of the splits they were made on.
    pub split_hash: String,
    /// A key for each person, in the order of the rows of the table.
    pub people: Vec<String>,
    /// Whether each of them is impaired.
    pub labels: Vec<bool>,
    /// The estimators, the headline's first.
    pub estimators: Vec<EstimatorScores>,
}

/// One estimator's probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimatorScores {
    /// Name of the family.
    pub name: String,
    /// Calibrated probabilities at the study's own prevalence, `[repeats][people]`, each by what was fitted on others.
    pub repeats: Vec<Vec<f64>>,
}

impl Scores {
    /// The scores of estimators judged on every row of a table.
    pub(crate) fn of<'a>(
        (name, split_hash): (&str, &str),
        (cohort, table): (&str, &FeatureTable),
        estimators: impl Iterator<Item = (String, &'a [Judged])>,
    ) -> Self {
        let estimators: Vec<(String, &[Judged])> = estimators.collect();
        let labels = estimators.first().and_then(|it| it.1.first()).map(|it| it.labels.clone());
        let key = |id: &str| digest::of_bytes(format!("{cohort}\0{id}").as_bytes())[..KEY].to_owned();
        let scores = |(name, repeats): (String, &[Judged])| EstimatorScores {
            name,
            repeats: repeats.iter().map(|it| it.probabilities.clone()).collect(),
        };
        Self {
            name: name.to_owned(),
            split_hash: split_hash.to_owned(),
            people: table.participants().iter().map(|it| key(it.id.reveal())).collect(),
            labels: labels.unwrap_or_default(),
            estimators: estimators.into_iter().map(scores).collect(),
        }
    }

    /// The same with only the estimator of this name, for a comparison that is not of headlines.
    pub fn only(mut self, estimator: &str) -> Result<Self, Error> {
        let known: Vec<String> = self.estimators.iter().map(|it| it.name.clone()).collect();
        self.estimators.retain(|it| it.name == estimator);
        match self.estimators.is_empty() {
            true => bad(format!("one of the estimators {}", known.join(", ")), estimator.to_owned()),
            false => Ok(self),
        }
    }

    /// Reads `scores.json` and checks that its lists are of one length and its probabilities are probabilities.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let scores: Self =
            serde_json::from_slice(json).map_err(|source| Error::Json { place: PLACE, source })?;
        scores.check()?;
        Ok(scores)
    }

    /// What is written to `scores.json`.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|source| Error::Json { place: PLACE, source })
    }

    fn check(&self) -> Result<(), Error> {
        let people = self.people.len();
        if self.labels.len() != people {
            return bad(format!("{people} labels"), self.labels.len().to_string());
        }
        if self.estimators.is_empty() || self.estimators.iter().any(|it| it.repeats.is_empty()) {
            return bad("at least one estimator with at least one repeat".to_owned(), "none".to_owned());
        }
        for repeat in self.estimators.iter().flat_map(|it| &it.repeats) {
            if repeat.len() != people {
                return bad(format!("{people} probabilities a repeat"), repeat.len().to_string());
            }
            if let Some(p) = repeat.iter().find(|p| !(0.0..=1.0).contains(*p)) {
                return bad("probabilities from 0 to 1".to_owned(), p.to_string());
            }
        }
        Ok(())
    }
}

/// Hexadecimal digits of a person's key: 64 bits, so that ten thousand people collide once in 10^11 files.
const KEY: usize = 16;

const PLACE: &str = "scores.json";

fn bad<T>(expected: String, got: String) -> Result<T, Error> {
    Err(Error::BadArtefact { place: PLACE.to_owned(), expected, got })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    fn scores() -> Scores {
        let table = synthetic::table(4, 1, 1.0, 1);
        let judged = [Judged::new(vec![0.1, 0.9, 0.25, 0.75], vec![false, true, false, true])];
        Scores::of(("a", "hash"), ("demo", &table), [("logistic".to_owned(), &judged[..])].into_iter())
    }

    #[test]
    fn scores_read_back_as_they_were_written_and_name_nobody() {
        let json = scores().to_json().unwrap();
        assert_eq!(Scores::from_json(&json).unwrap(), scores());
        assert!(!String::from_utf8(json).unwrap().contains("p1"));
    }

    #[test]
    fn the_key_belongs_to_a_person_of_a_cohort() {
        let table = synthetic::table(4, 1, 1.0, 1);
        let other = Scores::of(("a", ""), ("other", &table), std::iter::empty());
        let keys: std::collections::HashSet<_> = scores().people.into_iter().chain(other.people).collect();
        assert_eq!(keys.len(), 8);
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let refused = |change: fn(&mut Scores)| {
            let mut scores = scores();
            change(&mut scores);
            Scores::from_json(&scores.to_json().unwrap()).unwrap_err().to_string()
        };
        assert!(refused(|it| it.labels.truncate(3)).contains("expected 4 labels, got 3"));
        assert!(refused(|it| it.estimators.clear()).contains("at least one estimator"));
        assert!(refused(|it| it.estimators[0].repeats[0].truncate(1)).contains("4 probabilities"));
        assert!(refused(|it| it.estimators[0].repeats[0][2] = 1.5).contains("got 1.5"));
        assert!(scores().only("oracle").unwrap_err().to_string().contains("one of the estimators logistic"));
    }
}

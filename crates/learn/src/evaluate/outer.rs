//! Who judges and who trains: outer folds drawn over people, or whole sites and devices left out in turn.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{FeatureTable, Participant};

use super::{Plan, splits::outer_seed};
use crate::{Error, Held, Training, label::Label, training::People};

/// What whole groups of people are left out by: a screener that has learned a room or a tablet fails in the next one, and
/// folds drawn over people cannot show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum By {
    /// Each site in turn.
    Site,
    /// Each device in turn.
    Device,
}

impl By {
    /// `site`, `device`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Device => "device",
        }
    }

    pub(crate) fn of(self, person: &Participant) -> Option<&str> {
        match self {
            Self::Site => person.site.as_deref(),
            Self::Device => person.device.as_deref(),
        }
    }

    /// Rows of each group, by name. People of whom it is not known are in none.
    pub(crate) fn groups(self, table: &FeatureTable) -> BTreeMap<String, Vec<usize>> {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, person) in table.participants().iter().enumerate() {
            if let Some(group) = self.of(person) {
                groups.entry(group.to_owned()).or_default().push(row);
            }
        }
        groups
    }

    /// The people of whom it is known; fewer than two groups are an error. Somebody of an unknown site might be of the site
    /// that is held, so they neither train nor judge.
    pub(crate) fn known(self, table: &FeatureTable) -> Result<FeatureTable, Error> {
        let rows: Vec<usize> =
            (0..table.len()).filter(|&row| self.of(&table.participants()[row]).is_some()).collect();
        let groups = self.groups(table);
        let error = |got| {
            let expected = format!("people of at least two {}s", self.word());
            Err(Error::Groups { place: self.word().to_owned(), expected, got })
        };
        match groups.first_key_value() {
            None => error("none recorded".to_owned()),
            Some((only, rows)) if groups.len() == 1 => {
                error(format!("only {only:?} with {} people", rows.len()))
            }
            Some(_) => Ok(table.of_people(&rows)),
        }
    }
}

/// One outer fold: what is fitted on and what judges it.
pub(crate) struct Outer<'a, Y = bool> {
    pub(crate) repeat: usize,
    pub(crate) fold: usize,
    pub(crate) training: Training<'a, Y>,
    pub(crate) held: Held<'a, Y>,
}

/// Every outer fold of a plan: by people, `repeats` times; or each group once, because there is one way to leave it out.
pub(crate) fn outer<'a, Y: Label>(
    everybody: &Training<'a, Y>,
    plan: &Plan,
) -> Result<Vec<Outer<'a, Y>>, Error> {
    if let Some(by) = plan.by {
        return left_out(everybody, by);
    }
    let mut all = Vec::new();
    for repeat in 0..plan.repeats {
        let folds = everybody.split(plan.outer, outer_seed(plan, repeat))?.into_iter().enumerate();
        all.extend(folds.map(|(fold, (training, held))| Outer { repeat, fold, training, held }));
    }
    Ok(all)
}

fn left_out<'a, Y: Label>(everybody: &Training<'a, Y>, by: By) -> Result<Vec<Outer<'a, Y>>, Error> {
    let people = everybody.0.table.participants();
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, &row) in everybody.rows().iter().enumerate() {
        groups.entry(by.of(&people[row]).unwrap_or_default()).or_default().push(place);
    }
    let one = |(fold, (name, held)): (usize, (&str, Vec<usize>))| {
        let rest = (0..everybody.len()).filter(|place| held.binary_search(place).is_err()).collect();
        let training = Training(everybody.at(rest));
        let (needed, there) = Y::needed(training.labels());
        match training.check("groups") {
            Err(_) => Err(Error::Groups {
                place: format!("{} {name:?}", by.word()),
                expected: format!("{needed} at the other {}s", by.word()),
                got: format!("{there}, on whom nothing can be fitted"),
            }),
            Ok(()) => Ok(Outer { repeat: 0, fold, training, held: Held(everybody.at(held)) }),
        }
    };
    groups.into_iter().enumerate().map(one).collect()
}

impl<'a, Y: Label> Training<'a, Y> {
    fn at(&self, places: Vec<usize>) -> People<'a, Y> {
        People {
            table: self.0.table,
            rows: places.iter().map(|&place| self.0.rows[place]).collect(),
            labels: places.iter().map(|&place| self.0.labels[place]).collect(),
        }
    }
}

impl<'a, Y: Label> Training<'a, Y> {
    /// The same people with their labels dealt out anew: within each group where people are left out by one, since the
    /// share of impaired people at a site is no chance.
    pub(crate) fn shuffled(&self, by: Option<By>, seed: u64) -> Training<'a, Y> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, &row) in self.rows().iter().enumerate() {
            let group = by.and_then(|by| by.of(&self.0.table.participants()[row]));
            groups.entry(group.unwrap_or_default()).or_default().push(place);
        }
        let mut shuffled = self.0.clone();
        for places in groups.into_values() {
            let mut from = places.clone();
            from.shuffle(&mut random);
            places.iter().zip(from).for_each(|(&to, from)| shuffled.labels[to] = self.0.labels[from]);
        }
        Training(shuffled)
    }

    /// A share of the people, of each class (or of each twenty neighbours in order of points) alike. With one seed a smaller
    /// share lies within a larger one.
    pub(crate) fn part(&self, share: f64, seed: u64) -> Training<'a, Y> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut strata: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, stratum) in Y::strata(self.labels(), NEIGHBOURS).into_iter().enumerate() {
            strata.entry(stratum).or_default().push(place);
        }
        let mut places = Vec::new();
        for mut of_stratum in strata.into_values() {
            of_stratum.shuffle(&mut random);
            of_stratum.truncate((share * of_stratum.len() as f64).round() as usize);
            places.extend(of_stratum);
        }
        places.sort_unstable();
        Training(self.at(places))
    }
}

/// People next to one another in order of their points of whom a share is taken alike: enough for a share of .05 to be one.
const NEIGHBOURS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use feature::Value;

    /// Sites by row; `None` is not known.
    fn at(sites: &[Option<&str>]) -> FeatureTable {
        let plain = synthetic::table(sites.len(), 1, 1.0, 1);
        let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
        for (row, site) in sites.iter().enumerate() {
            let person = Participant { site: site.map(str::to_owned), ..plain.participants()[row].clone() };
            table.push(person, [Value::Measured(1.0 + row as f64)]).unwrap();
        }
        table
    }

    #[test]
    fn each_site_is_held_once_and_its_people_train_nothing() {
        let table =
            at(&[Some("a"), Some("b"), Some("b"), Some("a"), Some("c"), Some("c"), Some("a"), Some("a")]);
        let everybody = Training::new(&table).unwrap();
        let plan = Plan { by: Some(By::Site), ..Plan::default() };
        let folds = outer(&everybody, &plan).unwrap();
        let held: Vec<Vec<usize>> = folds.iter().map(|it| it.held.rows().to_vec()).collect();
        assert_eq!(held, [vec![0, 3, 6, 7], vec![1, 2], vec![4, 5]]);
        assert!(folds.iter().all(|it| it.training.rows().iter().all(|row| !it.held.rows().contains(row))));
        assert!(folds.iter().all(|it| it.training.len() + it.held.len() == 8 && it.repeat == 0));
    }

    #[test]
    fn one_site_no_site_and_a_site_that_holds_a_whole_class_are_clear_errors() {
        let said = |sites: &[Option<&str>]| By::Site.known(&at(sites)).unwrap_err().to_string();
        assert_eq!(
            said(&[Some("a"); 4]),
            "site: expected people of at least two sites, got only \"a\" with 4 people"
        );
        assert_eq!(said(&[None; 4]), "site: expected people of at least two sites, got none recorded");
        let table = at(&[Some("a"), Some("b"), Some("a"), Some("b")]);
        let plan = Plan { by: Some(By::Site), ..Plan::default() };
        let error = outer(&Training::new(&table).unwrap(), &plan).err().unwrap().to_string();
        assert_eq!(
            error,
            "site \"a\": expected people of both classes at the other sites, got 0 healthy and 2 impaired, on whom \
             nothing can be fitted"
        );
    }

    #[test]
    fn people_of_unknown_sites_are_left_aside() {
        let known = By::Site.known(&at(&[Some("a"), None, Some("b"), Some("b")])).unwrap();
        assert_eq!((known.len(), known.participants()[1].id.reveal()), (3, "p2"));
    }

    #[test]
    fn labels_shuffled_within_sites_keep_each_sites_share() {
        let sites: Vec<Option<&str>> = (0..60).map(|it| Some(if it % 4 == 1 { "a" } else { "b" })).collect();
        let table = at(&sites);
        let everybody = Training::new(&table).unwrap();
        let count = |it: &Training<'_>| (0..60).filter(|row| row % 4 == 1 && it.labels()[*row]).count();
        let (within, across) = (everybody.shuffled(Some(By::Site), 3), everybody.shuffled(None, 3));
        assert_eq!((count(&everybody), count(&within)), (15, 15));
        assert!(count(&across) < 15 && across.prevalence() == 0.5);
        assert_ne!(within.labels(), everybody.labels());
    }

    #[test]
    fn smaller_parts_lie_within_larger_ones() {
        let table = synthetic::table(40, 1, 1.0, 1);
        let everybody = Training::new(&table).unwrap();
        let (small, large) = (everybody.part(0.25, 7), everybody.part(0.5, 7));
        assert_eq!((small.len(), large.len(), small.prevalence()), (10, 20, 0.5));
        assert!(small.rows().iter().all(|row| large.rows().contains(row)));
    }
}

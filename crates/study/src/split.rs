//! Cutting people into folds.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// Cuts people into `folds` parts of nearly equal size with the classes in nearly equal shares.
///
/// `labels` has one entry a person (`true` is impaired); the answer has one list a fold, of places in `labels`, sorted.
/// Each class is shuffled by `seed` and dealt out in turn, the second class going on where the first ended, so that fold
/// sizes differ by at most one. The same seed gives the same folds on every machine. With fewer people of a class than
/// folds the answer is [`Error::TooFewPeople`].
pub fn stratified_folds(labels: &[bool], folds: usize, seed: u64) -> Result<Vec<Vec<usize>>, Error> {
    let impaired = labels.iter().filter(|&&label| label).count();
    let healthy = labels.len() - impaired;
    if folds == 0 || impaired < folds || healthy < folds {
        return Err(Error::TooFewPeople { folds, healthy, impaired });
    }
    let strata: Vec<usize> = labels.iter().map(|&label| usize::from(label)).collect();
    Ok(dealt_folds(&strata, folds, seed))
}

/// The same for any strata: classes, or bands of a score. `strata` has one entry a person; each stratum is shuffled and dealt
/// out in turn, in rising order. A stratum smaller than `folds` is missing from some of them; no folds give no parts.
pub fn dealt_folds(strata: &[usize], folds: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut people_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    strata.iter().enumerate().for_each(|(person, &it)| people_of.entry(it).or_default().push(person));
    let mut parts = vec![Vec::with_capacity(strata.len() / folds.max(1) + 1); folds];
    let mut dealt = 0;
    for people in people_of.values_mut().filter(|_| folds > 0) {
        people.shuffle(&mut random);
        for &person in people.iter() {
            parts[dealt % folds].push(person);
            dealt += 1;
        }
    }
    parts.iter_mut().for_each(|part| part.sort_unstable());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(healthy: usize, impaired: usize) -> Vec<bool> {
        std::iter::repeat_n(false, healthy).chain(std::iter::repeat_n(true, impaired)).collect()
    }

    #[test]
    fn every_person_is_in_exactly_one_fold() {
        let folds = stratified_folds(&labels(85, 89), 5, 1).unwrap();
        let mut people: Vec<usize> = folds.concat();
        people.sort_unstable();
        assert_eq!(people, (0..174).collect::<Vec<_>>());
    }

    #[test]
    fn folds_have_nearly_equal_sizes_and_shares() {
        let labels = labels(85, 89);
        for fold in stratified_folds(&labels, 5, 3).unwrap() {
            let impaired = fold.iter().filter(|&&person| labels[person]).count();
            assert!(
                (34..=35).contains(&fold.len()) && (17..=18).contains(&impaired),
                "{} {impaired}",
                fold.len()
            );
        }
    }

    #[test]
    fn a_seed_reproduces_and_another_seed_differs() {
        let labels = labels(30, 30);
        assert_eq!(stratified_folds(&labels, 5, 1).unwrap(), stratified_folds(&labels, 5, 1).unwrap());
        assert_ne!(stratified_folds(&labels, 5, 1).unwrap(), stratified_folds(&labels, 5, 2).unwrap());
    }

    #[test]
    fn every_stratum_is_spread_over_the_folds() {
        let strata: Vec<usize> = (0..90).map(|person| person % 3).collect();
        for fold in dealt_folds(&strata, 5, 1) {
            assert!((0..3).all(|it| fold.iter().filter(|&&person| strata[person] == it).count() == 6));
        }
        assert!(dealt_folds(&strata, 0, 1).is_empty());
    }

    #[test]
    fn one_class_or_one_person_cannot_be_cut() {
        for labels in [labels(10, 0), labels(0, 10), labels(1, 0), labels(10, 4), vec![]] {
            assert!(matches!(stratified_folds(&labels, 5, 1), Err(Error::TooFewPeople { .. })));
        }
    }
}

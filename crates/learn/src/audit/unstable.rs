//! Features that do not come out the same when a person comes again.

use std::collections::BTreeSet;

use super::{Figure, Finding, Seen, Severity, finding::few};
use crate::repeat::{FEWEST, Repeated, repeated};

/// Below this an ICC is poor (Koo & Li 2016, J Chiropr Med 15:155–163; to .75 moderate, to .9 good, above excellent).
const POOR: f64 = 0.5;

/// Features whose ICC is poor, where sessions repeat.
pub(crate) fn unstable(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    let all = of(seen);
    if all.is_empty() {
        return Err(lacking(seen));
    }
    let poor: Vec<&Repeated> = all.iter().filter(|it| it.icc.value < POOR).collect();
    if poor.is_empty() {
        return Ok(vec![]);
    }
    let people = all.iter().map(|it| it.people).max().unwrap_or(0);
    let surely = poor.iter().filter(|it| it.icc.high < POOR).count();
    let values: Vec<f64> = all.iter().map(|it| it.icc.value).collect();
    let median = feature::median(&values).unwrap_or(f64::NAN);
    let word = |it: &&Repeated| {
        format!(
            "{} {:.2} ({:.2} to {:.2}, {} people)",
            it.column, it.icc.value, it.icc.low, it.icc.high, it.people
        )
    };
    let evidence = format!(
        "{} of {} features measured again in up to {people} people have an ICC(2,1) below {POOR}, which is poor (Koo & Li 2016); of \
         {surely} the whole interval lies there. The median of all is {median:.2}. Worst: {}.",
        poor.len(),
        all.len(),
        few(&poor.iter().map(word).collect::<Vec<_>>(), 4),
    );
    let finding = Finding::new("unstable_features", Severity::Note, evidence, ADVICE)
        .number(Figure::count("features", all.len()))
        .number(Figure::count("unstable", poor.len()))
        .number(Figure::count("surely_unstable", surely))
        .number(Figure::plain("median_icc", median))
        .number(Figure::count("people", people))
        .columns(poor.iter().map(|it| it.column.clone()));
    Ok(vec![finding])
}

const ADVICE: &str = "A feature that does not repeat cannot tell people apart by one sitting: leave it out, measure several times, or \
                      find what changed between sessions (room, device, instruction). Below 30 people the intervals are wide.";

/// How every column repeats that enough people have again; copied blocks are no sessions.
pub(super) fn of(seen: &Seen<'_>) -> Vec<Repeated> {
    repeated(seen.masked, &seen.cohort.later)
}

fn lacking(seen: &Seen<'_>) -> String {
    let sittings: BTreeSet<_> =
        seen.cohort.submissions.iter().map(|it| (&it.participant, &it.session)).collect();
    let people: BTreeSet<_> = sittings.iter().map(|(person, _)| person).collect();
    let again = sittings.len() - people.len();
    match (seen.cohort.later.is_empty(), again) {
        (false, _) => format!("no feature was measured again in at least {FEWEST} people with a label"),
        (true, 0) => "nobody has a second session".to_owned(),
        (true, _) => format!(
            "there are {again} repeated sessions, but no numbers of them; `inkling measure` of the cohort makes features-2.parquet"
        ),
    }
}

#[cfg(test)]
mod tests {
    use feature::Value;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use study::{Cohort, FeatureTable};

    use super::*;
    use crate::{
        audit::planted::{asked, cohort, plain},
        synthetic::normal,
    };

    /// The table measured again: what a person is stays, but for `noise` in standard deviations of each column's logs.
    fn again(table: &FeatureTable, people: usize, noise: impl Fn(usize) -> f64) -> FeatureTable {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut new = FeatureTable::new(table.columns().to_vec()).unwrap();
        // In another order: people are found by their ids.
        for row in (0..people).rev() {
            let value = |(column, cell): (usize, Option<f32>)| {
                let cell = f64::from(cell.unwrap());
                Value::Measured(cell * (noise(column) * normal(&mut random)).exp())
            };
            let values: Vec<Value> = table.row(row).enumerate().map(value).collect();
            new.push(table.participants()[row].clone(), values).unwrap();
        }
        new
    }

    fn repeating(people: usize) -> Cohort {
        let table = plain(60);
        let later = vec![again(&table, people, |column| if column == 3 { 3.0 } else { 0.05 })];
        Cohort { later, ..cohort(table) }
    }

    #[test]
    fn one_noisy_feature_is_found_and_stable_ones_are_not() {
        let cohort = repeating(40);
        let finding = asked(unstable, &cohort).unwrap().swap_remove(0);
        assert_eq!(finding.columns, [cohort.table.as_ref().unwrap().columns()[3].name()]);
        assert!(
            finding.evidence.starts_with("1 of 8 features measured again in up to 40 people"),
            "{}",
            finding.evidence
        );
        assert_eq!((finding.kind.as_str(), finding.severity), ("unstable_features", Severity::Note));
    }

    #[test]
    fn a_cohort_that_repeats_well_has_no_finding() {
        let table = plain(60);
        let later = vec![again(&table, 40, |_| 0.05), again(&table, 30, |_| 0.05)];
        let cohort = Cohort { later, ..cohort(table) };
        assert!(asked(unstable, &cohort).unwrap().is_empty());
        let all = repeated(cohort.table.as_ref().unwrap(), &cohort.later);
        assert!(all.iter().all(|it| (it.people, it.sessions) == (30, 3)), "90 measurements say more than 80");
    }

    #[test]
    fn without_enough_repeats_the_reason_is_said() {
        assert_eq!(
            asked(unstable, &repeating(9)).unwrap_err(),
            "no feature was measured again in at least 10 people with a label"
        );
        assert_eq!(asked(unstable, &cohort(plain(40))).unwrap_err(), "nobody has a second session");
    }
}

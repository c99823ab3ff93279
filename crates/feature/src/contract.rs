//! The contract every measure keeps, checked by one function that each room's tests call.

use std::collections::BTreeSet;

use crate::{Definition, FeatureSet, FeatureVector};

/// What `set` breaks of the contract when it measures each of `analyses`; empty when it keeps it.
///
/// Checked: names are unique, three or more words, lower case and of the set's room; every text is filled; the range is
/// ordered; the same analysis gives the same vector twice; each vector has one value a definition and each missing value
/// gives a reason.
pub fn breaches<'a, A: ?Sized + 'static>(
    set: &FeatureSet<A>,
    analyses: impl IntoIterator<Item = &'a A>,
) -> Vec<String> {
    let mut breaches: Vec<String> =
        set.definitions().flat_map(|it| of_definition(it, &set.id().name)).collect();
    let mut seen = BTreeSet::new();
    breaches
        .extend(set.definitions().filter(|it| !seen.insert(it.name)).map(|it| format!("{} twice", it.name)));
    for (place, analysis) in analyses.into_iter().enumerate() {
        let (first, second) = (set.measure(analysis), set.measure(analysis));
        if first != second {
            breaches.push(format!("analysis {place} gives two different vectors"));
        }
        breaches.extend(of_vector(&first).map(|breach| format!("analysis {place}: {breach}")));
    }
    breaches
}

fn of_definition(definition: &Definition, room: &str) -> Vec<String> {
    let name = definition.name;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    let rules = [
        (name.split('.').count() >= 2 && name.chars().all(plain), "name is not room.subject.statistic"),
        (definition.room() == room, "name does not begin with its room"),
        (definition.range.0 < definition.range.1, "range is not ordered"),
        (!definition.label.is_empty(), "no label"),
        (!definition.formula.is_empty(), "no formula"),
        (!definition.source.is_empty(), "no source"),
        (!definition.missing.is_empty(), "does not say when it is missing"),
    ];
    rules.iter().filter(|(kept, _)| !kept).map(|(_, breach)| format!("{name}: {breach}")).collect()
}

fn of_vector(vector: &FeatureVector) -> impl Iterator<Item = String> + '_ {
    let mute = |feature: &&crate::Feature| feature.value.reason().is_some_and(|it| it.as_str().is_empty());
    vector
        .features()
        .iter()
        .filter(mute)
        .map(|it| format!("{} is missing without a reason", it.definition.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measure, Reach, Row, Unit};

    struct Sloppy;

    impl Measure<f64> for Sloppy {
        fn definitions(&self) -> &'static [Definition] {
            &[Definition {
                name: "Ink.Size",
                label: "",
                unit: Unit::One,
                range: (1.0, 0.0),
                formula: "x",
                source: "x",
                missing: "never",
                reach: Reach::AnyDevice,
                fragile: None,
            }]
        }

        fn measure(&self, _: &f64, row: &mut Row<'_>) {
            row.missing("Ink.Size", "");
        }
    }

    #[test]
    fn a_sloppy_measure_is_told_every_breach() {
        static MEASURES: &[&dyn Measure<f64>] = &[&Sloppy];
        let found = breaches(&FeatureSet::new("ink", 1, MEASURES), [&1.0]).join("\n");
        for breach in
            ["not room.subject", "begin with its room", "not ordered", "no label", "without a reason"]
        {
            assert!(found.contains(breach), "{breach} in {found}");
        }
    }
}

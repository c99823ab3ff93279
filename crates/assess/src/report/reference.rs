//! Which reference group a value can be held against: the healthy people of the study that the score comes from.
//!
//! Only features that the screener reads have one, and only at the tasks it read. A reference is context for a reader and
//! never a norm: the study's people are of one language and nobody's age is known.

use learn::screener::Contribution;

use crate::{
    assessment::{Assessment, Performed},
    assessor::same_task,
    figure::Reference,
};

/// The plain names of numbers that DARWIN's features repeat: the same value under two names.
const SAME_NUMBER: [(&str, &str); 4] = [
    ("ink.time.air", "ink.darwin.air_time"),
    ("ink.time.paper", "ink.darwin.paper_time"),
    ("ink.time.total", "ink.darwin.total_time"),
    ("ink.pen.downs", "ink.darwin.num_of_pendown"),
];

/// The references of one submission.
pub(crate) struct References<'a> {
    contributions: Vec<&'a Contribution>,
    cohort: &'a str,
}

impl<'a> References<'a> {
    /// What the score of `assessment` read of `performed`; nothing where it did not read it.
    pub(crate) fn of(assessment: &'a Assessment, performed: &Performed) -> Self {
        let score = assessment.conclusion.score();
        let contributions = score
            .iter()
            .flat_map(|it| &it.contributions)
            .filter(|it| same_task(&performed.task, &it.task))
            .collect();
        Self { contributions, cohort: assessment.card.as_ref().map_or("", |card| &card.cohort.name) }
    }

    /// Who the group is, for the head of a column.
    pub(crate) fn group(&self) -> String {
        format!("{}, healthy: median (5–95 %)", self.cohort)
    }

    /// The group's percentiles of a feature.
    pub(crate) fn find(&self, feature: &str) -> Option<Reference> {
        let same =
            SAME_NUMBER.iter().find(|(plain, _)| *plain == feature).map_or(feature, |(_, theirs)| theirs);
        let read = self.contributions.iter().find(|it| it.feature == same)?;
        Some(Reference { percentiles: read.healthy? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature::Usable;
    use ink::synth::{Pen, lines};

    #[test]
    fn the_two_names_of_a_number_have_one_value() {
        let drawing = Usable::new(lines(50.0, 1.0, 4, 0.7, &Pen::natural(3))).unwrap();
        let values = ink::set().measure(&ink::Analysis::new(&drawing));
        for (plain, theirs) in SAME_NUMBER {
            assert_eq!(values.number(plain).unwrap(), values.number(theirs).unwrap(), "{plain}");
        }
    }
}

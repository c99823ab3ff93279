//! The tables of two by two that give every printed figure at once.

use super::{Claim, Printed};

/// Screened people: impaired ones who screen positive, all impaired ones, healthy ones who screen negative, all healthy ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) true_positive: usize,
    pub(crate) impaired: usize,
    pub(crate) true_negative: usize,
    pub(crate) healthy: usize,
}

/// More tables than this are not walked through.
const MOST: usize = 20_000_000;

impl Table {
    pub(crate) fn sensitivity(&self) -> f64 {
        self.true_positive as f64 / self.impaired as f64
    }

    pub(crate) fn specificity(&self) -> f64 {
        self.true_negative as f64 / self.healthy as f64
    }

    fn errors(&self) -> f64 {
        (self.impaired - self.true_positive + self.healthy - self.true_negative) as f64
    }

    fn accuracy(&self) -> f64 {
        (self.true_positive + self.true_negative) as f64 / (self.impaired + self.healthy) as f64
    }

    fn ppv(&self) -> f64 {
        self.true_positive as f64 / (self.true_positive + self.healthy - self.true_negative) as f64
    }

    fn npv(&self) -> f64 {
        self.true_negative as f64 / (self.true_negative + self.impaired - self.true_positive) as f64
    }

    /// 2·TP / (2·TP + errors) of the impaired class.
    fn f1(&self) -> f64 {
        let hits = 2.0 * self.true_positive as f64;
        hits / (hits + self.errors())
    }

    fn macro_f1(&self) -> f64 {
        let hits = 2.0 * self.true_negative as f64;
        0.5 * (self.f1() + hits / (hits + self.errors()))
    }

    /// Whether every figure of the claim is what this table gives. A share of nobody is no number and gives nothing.
    fn gives(&self, claim: &Claim) -> bool {
        let figures: [(&Option<Printed>, f64); 8] = [
            (&claim.sensitivity, self.sensitivity()),
            (&claim.specificity, self.specificity()),
            (&claim.accuracy, self.accuracy()),
            (&claim.balanced_accuracy, 0.5 * (self.sensitivity() + self.specificity())),
            (&claim.ppv, self.ppv()),
            (&claim.npv, self.npv()),
            (&claim.f1, self.f1()),
            (&claim.macro_f1, self.macro_f1()),
        ];
        figures.iter().all(|(printed, share)| printed.is_none_or(|it| it.is(*share) || it.cut(*share)))
    }
}

/// How many tables of `n` people give every figure, and the first of them; `None` where there are too many to walk through.
pub(crate) fn tables(claim: &Claim, n: usize) -> Option<(usize, Option<Table>)> {
    let impaired: Vec<usize> = match claim.positives {
        Some(positives) => vec![positives],
        None => (1..n).collect(),
    };
    let candidates = |printed: &Option<Printed>, of: usize| match printed {
        // One more on either side: a figure may have been cut off.
        Some(it) => {
            let cut = Printed { half: 2.0 * it.half, ..*it };
            cut.counts(of).collect::<Vec<_>>()
        }
        None => (0..=of).collect(),
    };
    let (mut found, mut first, mut walked) = (0, None, 0usize);
    for impaired in impaired {
        let healthy = n - impaired;
        let positives = candidates(&claim.sensitivity, impaired);
        let negatives = candidates(&claim.specificity, healthy);
        walked = walked.saturating_add(positives.len() * negatives.len());
        if walked > MOST {
            return None;
        }
        for &true_positive in &positives {
            for &true_negative in &negatives {
                let table = Table { true_positive, impaired, true_negative, healthy };
                if table.gives(claim) {
                    found += 1;
                    first = first.or(Some(table));
                }
            }
        }
    }
    Some((found, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table { true_positive: 30, impaired: 35, true_negative: 27, healthy: 36 };

    fn printed(share: f64) -> Option<Printed> {
        Some(format!("{share:.3}").parse().unwrap())
    }

    /// Every figure of [`TABLE`].
    fn true_claim() -> Claim {
        Claim {
            n: Some(71),
            positives: Some(35),
            sensitivity: printed(30.0 / 35.0),
            specificity: printed(0.75),
            accuracy: printed(57.0 / 71.0),
            ppv: printed(30.0 / 39.0),
            npv: printed(27.0 / 32.0),
            f1: printed(60.0 / 74.0),
            macro_f1: printed(0.5 * (60.0 / 74.0 + 54.0 / 68.0)),
            balanced_accuracy: printed(0.5 * (30.0 / 35.0 + 0.75)),
            ..Claim::default()
        }
    }

    #[test]
    fn a_true_claim_has_its_table() {
        assert_eq!(tables(&true_claim(), 71), Some((1, Some(TABLE))));
        assert_eq!(tables(&Claim { positives: None, ..true_claim() }, 71).unwrap().1, Some(TABLE));
    }

    #[test]
    fn each_figure_that_is_off_takes_the_table_away() {
        let off = printed(0.5);
        let claims = [
            Claim { sensitivity: off, ..true_claim() },
            Claim { specificity: off, ..true_claim() },
            Claim { accuracy: off, ..true_claim() },
            Claim { ppv: off, ..true_claim() },
            Claim { npv: off, ..true_claim() },
            Claim { f1: off, ..true_claim() },
            Claim { macro_f1: off, ..true_claim() },
            Claim { balanced_accuracy: off, ..true_claim() },
        ];
        assert!(claims.iter().all(|claim| tables(claim, 71) == Some((0, None))));
    }

    #[test]
    fn too_many_tables_are_not_walked_through() {
        let claim = Claim { accuracy: printed(0.8), positives: Some(50_000), ..Claim::default() };
        assert_eq!(tables(&claim, 100_000), None);
    }
}

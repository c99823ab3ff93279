//! Values of consecutive periods, and how much each differs from its neighbours.

/// One value a period (its length) or a mark (its amplitude), NaN where there is none that counts.
///
/// Values are compared only inside runs: neighbours that both exist and differ by no more than a factor. Anything else is
/// a missed or doubled period, not a perturbation (Boersma & Weenink, manual page "Voice 2. Jitter").
pub(super) struct Cycles {
    values: Vec<f64>,
    most: f64,
}

impl Cycles {
    /// Cycles of `values`, of which neighbours may differ by the factor `most`.
    pub(super) fn new(values: Vec<f64>, most: f64) -> Self {
        Self { values, most }
    }

    /// Mean of all values that exist.
    pub(super) fn mean(&self) -> Option<f64> {
        average(self.values.iter().copied().filter(|value| value.is_finite()))
    }

    /// Every run of `width` neighbours.
    fn runs(&self, width: usize) -> impl Iterator<Item = &[f64]> {
        let near = |pair: &[f64]| {
            let ratio = pair[0] / pair[1];
            ratio <= self.most && ratio >= 1.0 / self.most
        };
        self.values.windows(width).filter(move |run| run.windows(2).all(near))
    }

    /// Mean absolute difference of neighbours, in the unit of the values.
    pub(super) fn difference(&self) -> Option<f64> {
        average(self.runs(2).map(|pair| (pair[1] - pair[0]).abs()))
    }

    /// Mean absolute level difference of neighbours in dB: 20 log10 of their ratio.
    pub(super) fn difference_db(&self) -> Option<f64> {
        average(self.runs(2).map(|pair| (20.0 * (pair[1] / pair[0]).log10()).abs()))
    }

    /// Mean absolute difference of neighbours over the mean: *local*.
    pub(super) fn local(&self) -> Option<f64> {
        Some(self.difference()? / self.mean()?)
    }

    /// Mean absolute difference of a value from the mean of the `width` values around and with it, over the mean: the
    /// perturbation quotient (Davis 1979; Koike 1973 for three).
    pub(super) fn quotient(&self, width: usize) -> Option<f64> {
        let off = |run: &[f64]| (run[width / 2] - run.iter().sum::<f64>() / width as f64).abs();
        Some(average(self.runs(width).map(off))? / self.mean()?)
    }
}

/// Mean; `None` of nothing.
fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_alternate_have_quotients_in_closed_form() {
        // 1 ± d in turn: neighbours differ by 2 d, a value from the mean of three by 4 d / 3, of five by 4 d / 5 × 1.
        let values = (0..101).map(|n| if n % 2 == 0 { 1.01 } else { 0.99 }).collect();
        let cycles = Cycles::new(values, 1.3);
        let mean = cycles.mean().unwrap();
        assert!((cycles.local().unwrap() - 0.02 / mean).abs() < 1e-12);
        assert!((cycles.quotient(3).unwrap() - 0.04 / 3.0 / mean).abs() < 1e-12);
        assert!((cycles.quotient(5).unwrap() - 0.008 / mean).abs() < 1e-12);
        assert!((cycles.difference_db().unwrap() - 20.0 * (1.01f64 / 0.99).log10()).abs() < 1e-12);
    }

    #[test]
    fn a_gap_or_a_doubled_period_is_no_perturbation() {
        let cycles = Cycles::new(vec![1.0, 1.0, f64::NAN, 1.0, 2.0, 2.0], 1.3);
        assert_eq!(cycles.difference(), Some(0.0));
        assert_eq!(cycles.quotient(3), None);
    }

    #[test]
    fn nothing_has_no_perturbation() {
        let nothing = Cycles::new(vec![f64::NAN; 4], 1.3);
        assert_eq!((nothing.mean(), nothing.local(), nothing.quotient(3)), (None, None, None));
        assert_eq!(Cycles::new(Vec::new(), 1.3).local(), None);
    }
}

//! Values of consecutive periods, and how much each differs from its neighbours.

/// One value a period (its length) or a mark (its amplitude), NaN where there is none that counts.
///
/// Values are compared only inside runs: neighbours that both exist and differ by no more than a factor. Anything else is
/// a missed or doubled period, not a perturbation (Boersma & Weenink, manual page "Voice 2. Jitter").
#[derive(Debug, Clone)]
pub(super) struct Cycles {
    values: Vec<f64>,
    most: f64,
}

impl Cycles {
    /// Cycles of which neighbours may differ by the factor `most`.
    pub(super) fn new(most: f64) -> Self {
        Self { values: Vec::new(), most }
    }

    /// Adds a stretch of values, no neighbours of those before it.
    pub(super) fn add(&mut self, values: &[f64]) {
        self.values.push(f64::NAN);
        self.values.extend_from_slice(values);
    }

    /// Fills up to `count` values with none.
    pub(super) fn pad(&mut self, count: usize) {
        self.values.resize(count, f64::NAN);
    }

    /// Takes a value away.
    pub(super) fn drop(&mut self, place: usize) {
        self.values[place] = f64::NAN;
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

    fn cycles(values: Vec<f64>) -> Cycles {
        let mut cycles = Cycles::new(1.3);
        cycles.add(&values);
        cycles
    }

    #[test]
    fn values_that_alternate_have_quotients_in_closed_form() {
        // 1 ± d in turn: neighbours differ by 2 d, a value from the mean of three by 4 d / 3, of five by 4 d / 5 × 1.
        let cycles = cycles((0..101).map(|n| if n % 2 == 0 { 1.01 } else { 0.99 }).collect());
        let mean = cycles.mean().unwrap();
        assert!((cycles.local().unwrap() - 0.02 / mean).abs() < 1e-12);
        assert!((cycles.quotient(3).unwrap() - 0.04 / 3.0 / mean).abs() < 1e-12);
        assert!((cycles.quotient(5).unwrap() - 0.008 / mean).abs() < 1e-12);
        assert!((cycles.difference_db().unwrap() - 20.0 * (1.01f64 / 0.99).log10()).abs() < 1e-12);
    }

    #[test]
    fn a_gap_or_a_doubled_period_is_no_perturbation() {
        let cycles = cycles(vec![1.0, 1.0, f64::NAN, 1.0, 2.0, 2.0]);
        assert_eq!(cycles.difference(), Some(0.0));
        assert_eq!(cycles.quotient(3), None);
    }

    #[test]
    fn stretches_are_no_neighbours_of_each_other() {
        let mut cycles = cycles(vec![1.0, 1.0]);
        cycles.add(&[1.2, 1.2]);
        assert_eq!((cycles.difference(), cycles.mean()), (Some(0.0), Some(1.1)));
    }

    #[test]
    fn nothing_has_no_perturbation() {
        let nothing = cycles(vec![f64::NAN; 4]);
        assert_eq!((nothing.mean(), nothing.local(), nothing.quotient(3)), (None, None, None));
        assert_eq!(Cycles::new(1.3).local(), None);
    }
}

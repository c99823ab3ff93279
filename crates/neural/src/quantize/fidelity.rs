//! How far a network's outputs are from those of the network it was made from.

use serde::{Deserialize, Serialize};

use crate::{Error, Tensors};

/// What is said of outputs that are equal: their ratio of signal to noise has no end.
pub const EXACT_DB: f64 = 200.0;

/// How near outputs are to those in floating point; the worst of all outputs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Signal to quantisation noise in dB: ten times the logarithm of the sum of squares of the output over that of the difference,
    /// over all samples; 200 where there is no difference.
    pub sqnr_db: f64,
    /// Greatest difference over the greatest magnitude of the output.
    pub error: f64,
}

impl Fidelity {
    /// Compares floating-point outputs, batch by batch.
    ///
    /// # Errors
    /// [`Error::Tensor`] where there is nothing to compare or the shapes differ.
    pub fn of(reference: &[Tensors], got: &[Tensors]) -> Result<Self, Error> {
        let names: Vec<&str> = reference.first().map_or(vec![], |it| {
            it.iter().filter(|(_, it)| it.as_f32().is_some()).map(|(name, _)| name).collect()
        });
        let each = names.iter().map(|name| Fidelity::of_output(name, reference, got));
        let worst = |it: Fidelity, other: Fidelity| Fidelity {
            sqnr_db: it.sqnr_db.min(other.sqnr_db),
            error: it.error.max(other.error),
        };
        let all = each.collect::<Result<Vec<_>, _>>()?.into_iter().reduce(worst);
        all.ok_or_else(|| Error::tensor("", "an output of f32 to judge by", "none"))
    }

    fn of_output(name: &str, reference: &[Tensors], got: &[Tensors]) -> Result<Self, Error> {
        let (mut signal, mut noise, mut most, mut furthest) = (0.0, 0.0, 0.0f64, 0.0f64);
        for (reference, got) in reference.iter().zip(got) {
            let [Some(left), Some(right)] =
                [reference, got].map(|it| it.get(name).and_then(|it| it.as_f32()))
            else {
                return Err(Error::tensor(name, "an output of f32", "none"));
            };
            if left.len() != right.len() {
                return Err(Error::tensor(name, format!("{} values", left.len()), right.len().to_string()));
            }
            for (left, right) in left.iter().zip(right).map(|(a, b)| (f64::from(*a), f64::from(*b))) {
                let difference = (left - right).abs();
                (signal, noise) = (signal + left * left, noise + difference * difference);
                (most, furthest) = (most.max(left.abs()), furthest.max(difference));
            }
        }
        if noise == 0.0 {
            return Ok(Fidelity { sqnr_db: EXACT_DB, error: 0.0 });
        }
        let sqnr_db = 10.0 * (signal / noise).log10();
        let error = if most > 0.0 { furthest / most } else { f64::INFINITY };
        // What is no number is as far away as can be.
        let sqnr_db = if sqnr_db.is_nan() { -EXACT_DB } else { sqnr_db.clamp(-EXACT_DB, EXACT_DB) };
        Ok(Fidelity { sqnr_db, error: if error.is_finite() { error } else { f64::MAX } })
    }
}

/// What a quantised network has to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Least signal to quantisation noise of the outputs in dB.
    pub least_sqnr_db: Option<f64>,
    /// Greatest difference over the greatest magnitude of an output.
    pub most_error: Option<f64>,
    /// Share of all weights that may be left in floating point to get there.
    pub most_kept: f64,
}

impl Default for Budget {
    /// Nothing to hold, and up to a quarter of the weights to hold it with.
    fn default() -> Self {
        Budget { least_sqnr_db: None, most_error: None, most_kept: 0.25 }
    }
}

impl Budget {
    /// Whether anything was asked for.
    pub(super) fn asks(&self) -> bool {
        self.least_sqnr_db.is_some() || self.most_error.is_some()
    }

    pub(super) fn holds(&self, of: &Fidelity) -> bool {
        self.least_sqnr_db.is_none_or(|it| of.sqnr_db >= it)
            && self.most_error.is_none_or(|it| of.error <= it)
    }
}

/// `30.0 dB, error 0.05`.
impl std::fmt::Display for Budget {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            self.least_sqnr_db.map(|it| format!("at least {it:.1} dB")),
            self.most_error.map(|it| format!("relative error at most {it}")),
        ];
        out.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn outputs(values: &[f32]) -> Vec<Tensors> {
        vec![[("y", Tensor::f32([values.len()], values.to_vec()).unwrap())].into_iter().collect()]
    }

    #[test]
    fn noise_of_a_hundredth_is_forty_decibels() {
        let it = Fidelity::of(&outputs(&[1.0, -1.0]), &outputs(&[1.01, -0.99])).unwrap();
        assert!((it.sqnr_db - 40.0).abs() < 1e-3 && (it.error - 0.01).abs() < 1e-6, "{it:?}");
    }

    #[test]
    fn equal_is_two_hundred_and_what_is_no_number_is_as_far_as_can_be() {
        let reference = outputs(&[1.0, 2.0]);
        assert_eq!(Fidelity::of(&reference, &reference).unwrap().sqnr_db, EXACT_DB);
        let it = Fidelity::of(&reference, &outputs(&[1.0, f32::NAN])).unwrap();
        assert!(it.sqnr_db <= -EXACT_DB, "{it:?}");
        assert!(Fidelity::of(&reference, &outputs(&[1.0])).is_err());
        assert!(Fidelity::of(&[], &[]).is_err());
    }
}

//! DeLong, DeLong & Clarke-Pearson 1988: the variance of the difference of two AUCs of the same people, without drawing.

use serde::{Deserialize, Serialize};

use crate::audit::midranks;

/// A difference of two correlated AUCs with its asymptotic test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DeLong {
    /// AUC of the first minus AUC of the second.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Difference in standard errors; 0 where both are 0.
    pub z: f64,
    /// Two-sided p-value of z in a normal distribution.
    pub p: f64,
}

impl DeLong {
    /// The test of two lists of scores (higher means impaired) of the same people, both classes among them.
    ///
    /// The structural components come from ranks (Sun & Xu 2014, "Fast implementation of DeLong's algorithm"), which count
    /// ties half as the AUC does.
    pub(crate) fn of(a: &[f64], b: &[f64], labels: &[bool]) -> Self {
        let (a, b) = (Components::of(a, labels), Components::of(b, labels));
        let part = |a: &[f64], b: &[f64]| {
            let apart: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
            variance(&apart) / apart.len() as f64
        };
        let square = part(&a.impaired, &b.impaired) + part(&a.healthy, &b.healthy);
        Self::of_error(a.auc - b.auc, square.sqrt())
    }

    /// The test of a difference with this standard error.
    pub(crate) fn of_error(difference: f64, standard_error: f64) -> Self {
        let z = if difference == 0.0 { 0.0 } else { difference / standard_error };
        Self { difference, standard_error, z, p: libm::erfc(z.abs() / std::f64::consts::SQRT_2) }
    }
}

/// What each person adds to an AUC: the share of the other class on the right side of them.
struct Components {
    auc: f64,
    impaired: Vec<f64>,
    healthy: Vec<f64>,
}

impl Components {
    fn of(scores: &[f64], labels: &[bool]) -> Self {
        let of_class =
            |class| -> Vec<usize> { (0..labels.len()).filter(|&it| labels[it] == class).collect() };
        let among_all = midranks(scores);
        let among_own = |people: &[usize]| midranks(&people.iter().map(|&it| scores[it]).collect::<Vec<_>>());
        let (positive, negative) = (of_class(true), of_class(false));
        let (own_positive, own_negative) = (among_own(&positive), among_own(&negative));
        let below = |(&it, own): (&usize, &f64)| (among_all[it] - own) / negative.len() as f64;
        let above = |(&it, own): (&usize, &f64)| 1.0 - (among_all[it] - own) / positive.len() as f64;
        let impaired: Vec<f64> = positive.iter().zip(&own_positive).map(below).collect();
        let healthy = negative.iter().zip(&own_negative).map(above).collect();
        Self { auc: impaired.iter().sum::<f64>() / impaired.len() as f64, impaired, healthy }
    }
}

/// Sample variance (divisor n − 1); 0 for one number.
fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::auc, synthetic::normal};
    use rand::SeedableRng;

    fn people() -> (Vec<f64>, Vec<f64>, Vec<bool>) {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let labels: Vec<bool> = (0..40).map(|it| it % 3 == 0).collect();
        let shared: Vec<f64> =
            labels.iter().map(|&it| normal(&mut random) + f64::from(u8::from(it))).collect();
        // Rounded, so that there are ties.
        let mut noisy = || shared.iter().map(|it| ((it + normal(&mut random)) * 2.0).round() + 0.0).collect();
        (noisy(), noisy(), labels)
    }

    /// The definition, pair by pair: Ψ of DeLong 1988, then covariances of the structural components.
    fn by_pairs(a: &[f64], b: &[f64], labels: &[bool]) -> f64 {
        let positive: Vec<usize> = (0..40).filter(|&it| labels[it]).collect();
        let negative: Vec<usize> = (0..40).filter(|&it| !labels[it]).collect();
        let psi = |s: &[f64], x: usize, y: usize| match (s[x] - s[y]).total_cmp(&0.0) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        let mean = |it: Vec<f64>| it.iter().sum::<f64>() / it.len() as f64;
        let v10 = |s: &[f64]| -> Vec<f64> {
            positive.iter().map(|&x| mean(negative.iter().map(|&y| psi(s, x, y)).collect())).collect()
        };
        let v01 = |s: &[f64]| -> Vec<f64> {
            negative.iter().map(|&y| mean(positive.iter().map(|&x| psi(s, x, y)).collect())).collect()
        };
        let covariance = |x: &[f64], y: &[f64]| {
            let (mx, my) = (mean(x.to_vec()), mean(y.to_vec()));
            x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / (x.len() as f64 - 1.0)
        };
        let s = |x: &[f64], y: &[f64]| covariance(x, y) / x.len() as f64;
        let (a10, b10, a01, b01) = (v10(a), v10(b), v01(a), v01(b));
        s(&a10, &a10) + s(&b10, &b10) - 2.0 * s(&a10, &b10) + s(&a01, &a01) + s(&b01, &b01)
            - 2.0 * s(&a01, &b01)
    }

    #[test]
    fn ranks_give_what_the_definition_gives_pair_by_pair() {
        let (a, b, labels) = people();
        let found = DeLong::of(&a, &b, &labels);
        assert!((found.standard_error.powi(2) - by_pairs(&a, &b, &labels)).abs() < 1e-12);
        assert!((found.difference - (auc(&a, &labels) - auc(&b, &labels))).abs() < 1e-12);
    }

    #[test]
    fn a_screener_does_not_differ_from_itself() {
        let (a, _, labels) = people();
        let found = DeLong::of(&a, &a, &labels);
        assert_eq!((found.difference, found.standard_error, found.z, found.p), (0.0, 0.0, 0.0, 1.0));
    }

    #[test]
    fn one_and_a_half_standard_errors_have_the_p_of_the_normal_table() {
        assert!((DeLong::of_error(0.015, 0.01).p - 0.133_614).abs() < 1e-6);
    }
}

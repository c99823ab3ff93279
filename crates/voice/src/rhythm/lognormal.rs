//! A log-normal distribution fitted to lengths that are only seen above a threshold.

use std::f64::consts::PI;

/// Threshold in standard deviations above the mean of the logarithms beyond which the fit is an exponential in all but
/// name, and its two parameters cannot be told apart.
const HIGHEST: f64 = 8.0;
const LOWEST: f64 = -40.0;

/// Mean and standard deviation of the logarithm, in ln s and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LogNormal {
    pub(super) mu: f64,
    pub(super) sigma: f64,
}

impl LogNormal {
    /// Maximum likelihood for `lengths` ≥ `threshold`, all positive; `None` where there is no greatest likelihood.
    ///
    /// With z = ln x − ln threshold, the likelihood of a normal truncated below at α standard deviations is greatest
    /// where the moments agree (it is an exponential family; Cohen 1950): with λ = φ(α) / (1 − Φ(α)),
    /// mean z = σ (λ − α) and mean z² = σ² (1 − α (λ − α)). Their ratio mean z² / (mean z)² rises with α from 1 to 2, so
    /// one bisection finds α.
    pub(super) fn fit(lengths: &[f64], threshold: f64) -> Option<Self> {
        let count = lengths.len() as f64;
        let above = |length: &f64| (length / threshold).ln().max(0.0);
        let first = lengths.iter().map(above).sum::<f64>() / count;
        let second = lengths.iter().map(|length| above(length).powi(2)).sum::<f64>() / count;
        let wanted = second / (first * first);
        if !(ratio(LOWEST) < wanted && wanted < ratio(HIGHEST)) {
            return None;
        }
        let (mut low, mut high) = (LOWEST, HIGHEST);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if ratio(middle) < wanted { low = middle } else { high = middle }
        }
        let sigma = first / (hazard(low) - low);
        Some(Self { mu: threshold.ln() - low * sigma, sigma })
    }
}

/// Second moment over the square of the first, of a standard normal truncated below at `alpha`, measured from there.
fn ratio(alpha: f64) -> f64 {
    let first = hazard(alpha) - alpha;
    (1.0 - alpha * first) / (first * first)
}

/// φ(α) / (1 − Φ(α)).
fn hazard(alpha: f64) -> f64 {
    if alpha > 3.0 {
        // Laplace's continued fraction for Mills' ratio, from its far end.
        let fraction = (1..=120).rev().fold(alpha, |below, k| alpha + f64::from(k) / below);
        return fraction;
    }
    let density = (-0.5 * alpha * alpha).exp() / (2.0 * PI).sqrt();
    density / (1.0 - cumulative(alpha, density))
}

/// Φ(x) = ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …) (Marsaglia 2004), for x ≤ 3.
fn cumulative(x: f64, density: f64) -> f64 {
    if x < -8.0 {
        return 0.0;
    }
    let terms = (1..200).scan(x, |term, k| {
        *term *= x * x / f64::from(2 * k + 1);
        Some(*term)
    });
    0.5 + density * (x + terms.sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth;

    /// Log-normal draws above `threshold` (Box & Muller 1958, from uniform draws in ±√3).
    fn draws(mu: f64, sigma: f64, threshold: f64) -> Vec<f64> {
        let uniform = synth::noise(1.0, 5.0, 21);
        let normal = |pair: &[f32]| {
            let [radius, angle] = [pair[0], pair[1]].map(|draw| f64::from(draw) / 12f64.sqrt() + 0.5);
            (-2.0 * radius.max(1e-12).ln()).sqrt() * (2.0 * PI * angle).cos()
        };
        let length = |pair: &[f32]| (mu + sigma * normal(pair)).exp();
        uniform.chunks_exact(2).map(length).filter(|length| *length >= threshold).collect()
    }

    #[test]
    fn the_parameters_come_back_however_much_was_cut_off() {
        for threshold in [0.01, 0.25, 0.6] {
            let fit = LogNormal::fit(&draws(-0.7, 0.8, threshold), threshold).unwrap();
            assert!((fit.mu + 0.7).abs() < 0.03 && (fit.sigma - 0.8).abs() < 0.02, "{threshold}: {fit:?}");
        }
    }

    #[test]
    fn lengths_all_alike_or_far_too_spread_have_no_fit() {
        assert_eq!(LogNormal::fit(&[0.25; 9], 0.25), None);
        assert_eq!(LogNormal::fit(&[0.26, 0.26, 0.26, 0.26, 0.26, 90.0], 0.25), None);
    }

    #[test]
    fn the_hazard_agrees_with_tables_and_with_itself() {
        // φ(0) / ½ = 0.797885; at 2, 0.053991 / 0.022750 = 2.373216.
        assert!((hazard(0.0) - 0.797_884_56).abs() < 1e-7);
        assert!((hazard(2.0) - 2.373_215_5).abs() < 1e-6);
        assert!((hazard(3.0) - hazard(3.0 + 1e-9)).abs() < 1e-6);
    }
}

//! How far figures of so many people may be off by chance.

use crate::Interval;

/// z of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of a share (Wilson 1927).
pub(super) fn wilson(share: f64, n: usize) -> Interval {
    let (n, square) = (n as f64, Z * Z);
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Interval { value: share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

/// 95 % interval of an AUC (Hanley & McNeil 1982).
pub(super) fn hanley(auc: f64, impaired: f64, healthy: f64) -> Interval {
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let square = auc * (1.0 - auc) + (impaired - 1.0) * (q1 - auc * auc) + (healthy - 1.0) * (q2 - auc * auc);
    let half = Z * (square.max(0.0) / (impaired * healthy)).sqrt();
    Interval { value: auc, low: (auc - half).max(0.0), high: (auc + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_gives_the_published_interval_of_43_in_48() {
        let it = wilson(43.0 / 48.0, 48);
        assert!((it.low - 0.778).abs() < 5e-4 && (it.high - 0.955).abs() < 5e-4, "{it:?}");
    }

    #[test]
    fn the_interval_of_an_auc_is_hanley_and_mcneils() {
        // 36 impaired and 264 healthy people, the standard error by hand: q1 = .86 / 1.14, q2 = 2 · .7396 / 1.86.
        let (q1, q2): (f64, f64) = (0.86 / 1.14, 2.0 * 0.7396 / 1.86);
        let square = 0.86 * 0.14 + 35.0 * (q1 - 0.7396) + 263.0 * (q2 - 0.7396);
        let half = 1.96 * (square / (36.0 * 264.0)).sqrt();
        let found = hanley(0.86, 36.0, 264.0);
        assert!((found.high - 0.86 - half).abs() < 1e-4 && (0.86 - found.low - half).abs() < 1e-4);
    }
}

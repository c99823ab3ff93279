//! Quantiles of Fisher's F distribution.

use libm::lgamma;

/// The value below which a share `p` of F with these degrees of freedom lies.
///
/// F and the beta distribution are one: x = d1·F / (d1·F + d2) (Abramowitz & Stegun 1964, 26.6.2). x is found by halving.
pub(super) fn quantile(p: f64, d1: f64, d2: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if beta_share(middle, 0.5 * d1, 0.5 * d2) < p { low = middle } else { high = middle }
    }
    let x = 0.5 * (low + high);
    d2 * x / (d1 * (1.0 - x))
}

/// From 1 to the resolution of f64 near 1, and some.
const HALVINGS: usize = 60;

/// The regularised incomplete beta function I(x; a, b).
fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges quickly on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share_left(1.0 - x, b, a);
    }
    beta_share_left(x, a, b)
}

/// The continued fraction of DLMF 8.17.22, by the method of Lentz 1976.
fn beta_share_left(x: f64, a: f64, b: f64) -> f64 {
    let front = (a * x.ln() + b * (1.0 - x).ln() + lgamma(a + b) - lgamma(a) - lgamma(b)).exp() / a;
    let whole = |it: f64| if it.abs() < TINY { TINY } else { it };
    let mut d = 1.0 / whole(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    for step in 1..STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / whole(1.0 + term * d);
            c = whole(1.0 + term / c);
            fraction *= c * d;
        }
        if (fraction / before - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// Stands for 0 where it would be divided by.
const TINY: f64 = 1e-300;

/// Terms of the fraction: about √ of the larger degrees of freedom are needed.
const STEPS: u32 = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        // F .975 of 5 and 10, 4 and 20, 1 and 12, and .95 of 9 and 9 (Pearson & Hartley 1966).
        for (p, d1, d2, expected) in [
            (0.975, 5.0, 10.0, 4.236),
            (0.975, 4.0, 20.0, 3.515),
            (0.975, 1.0, 12.0, 6.554),
            (0.95, 9.0, 9.0, 3.179),
        ] {
            let found = quantile(p, d1, d2);
            assert!((found - expected).abs() < 6e-4, "{found} is not {expected}");
        }
        // Halves of broken degrees of freedom: I(x; a, b) + I(1 − x; b, a) = 1, so quantiles of p and 1 − p are reciprocal.
        let (above, below) = (quantile(0.975, 7.3, 2.5), quantile(0.025, 2.5, 7.3));
        assert!((above * below - 1.0).abs() < 1e-9);
    }
}

//! Roots of a real polynomial, all at once.
//!
//! Aberth, O. (1973). Iteration methods for finding all zeros of a polynomial simultaneously. *Mathematics of Computation*
//! 27, 339–344. Newton's step for each root, with the others' pull taken out: cubic convergence, no deflation and so no
//! error that grows from root to root. Neighbouring frames have neighbouring roots, so the search starts from the last.

/// Most roots.
pub(super) const MOST: usize = 16;
/// As many as speech has: five pairs.
const FEW: usize = 10;
/// Steps before a search is given up.
const STEPS: usize = 60;
/// Largest last step, in units of the plane: 1e-9 is far below a microhertz.
const NEAR: f64 = 1e-9;

/// Finds roots; the last ones are kept as the next start.
pub(super) struct Roots {
    re: [f64; MOST],
    im: [f64; MOST],
    order: usize,
    warm: bool,
}

impl Roots {
    /// For polynomials of `order` ≤ [`MOST`].
    pub(super) fn new(order: usize) -> Self {
        Self { re: [0.0; MOST], im: [0.0; MOST], order: order.min(MOST), warm: false }
    }

    /// Real and imaginary parts of the roots of zⁿ + a₁zⁿ⁻¹ + … + aₙ, given 1, a₁ … aₙ; `None` where the search does not
    /// settle.
    pub(super) fn find(&mut self, polynomial: &[f64]) -> Option<impl Iterator<Item = (f64, f64)> + '_> {
        if self.warm {
            self.nudge();
        }
        let settled = self.warm && self.search(polynomial);
        if !settled {
            self.restart();
        }
        self.warm = settled || self.search(polynomial);
        let pairs = self.re.iter().zip(&self.im).take(self.order);
        self.warm.then(|| pairs.map(|(re, im)| (*re, *im)))
    }

    /// Points on a circle, none the mirror of another.
    fn restart(&mut self) {
        for root in 0..self.order {
            let angle = std::f64::consts::TAU * root as f64 / self.order as f64 + 0.4;
            (self.re[root], self.im[root]) = (0.9 * angle.cos(), 0.9 * angle.sin());
        }
    }

    /// Turns the start a little: from pairs that mirror each other exactly, no pair could ever part along the real axis.
    fn nudge(&mut self) {
        for (re, im) in self.re.iter_mut().zip(&mut self.im) {
            (*re, *im) = (*re - 1e-4 * *im, *im + 1e-4 * *re + 1e-5);
        }
    }

    fn search(&mut self, polynomial: &[f64]) -> bool {
        (0..STEPS).any(|_| self.step(polynomial) < NEAR)
    }

    /// One step of every root; the size of the largest.
    fn step(&mut self, polynomial: &[f64]) -> f64 {
        if self.order <= FEW { self.step_of::<FEW>(polynomial) } else { self.step_of::<MOST>(polynomial) }
    }

    /// The same with the roots in `N` lanes, at least as many as there are: every loop runs over them side by side.
    fn step_of<const N: usize>(&mut self, polynomial: &[f64]) -> f64 {
        let (re, im): ([f64; N], [f64; N]) =
            (std::array::from_fn(|k| self.re[k]), std::array::from_fn(|k| self.im[k]));
        let (w_re, w_im) = newton(&polynomial[1..=self.order], &re, &im);
        let (pull_re, pull_im) = pulls(self.order, &re, &im);
        let (mut step_re, mut step_im) = ([0.0; N], [0.0; N]);
        for k in 0..N {
            // Newton's step w over 1 − w · pull.
            let below_re = 1.0 - (w_re[k] * pull_re[k] - w_im[k] * pull_im[k]);
            let below_im = -(w_re[k] * pull_im[k] + w_im[k] * pull_re[k]);
            let scale = 1.0 / (below_re * below_re + below_im * below_im);
            step_re[k] = (w_re[k] * below_re + w_im[k] * below_im) * scale;
            step_im[k] = (w_im[k] * below_re - w_re[k] * below_im) * scale;
        }
        let mut largest = 0.0f64;
        for root in 0..self.order {
            self.re[root] = re[root] - step_re[root];
            self.im[root] = im[root] - step_im[root];
            largest = largest.max(step_re[root].abs() + step_im[root].abs());
            // A NaN must not pass for a small step.
            let finite = step_re[root].is_finite() && step_im[root].is_finite();
            largest = if finite { largest } else { f64::INFINITY };
        }
        largest
    }
}

/// p / p′ at every root, by Horner's rule on all roots side by side; `coefficients` without the first, which is 1.
fn newton<const N: usize>(coefficients: &[f64], re: &[f64; N], im: &[f64; N]) -> ([f64; N], [f64; N]) {
    let (mut p_re, mut p_im) = ([1.0f64; N], [0.0f64; N]);
    let (mut d_re, mut d_im) = ([0.0f64; N], [0.0f64; N]);
    for coefficient in coefficients {
        for k in 0..N {
            let (re, im) = (re[k], im[k]);
            (d_re[k], d_im[k]) =
                (d_re[k] * re - d_im[k] * im + p_re[k], d_re[k] * im + d_im[k] * re + p_im[k]);
            (p_re[k], p_im[k]) = (p_re[k] * re - p_im[k] * im + coefficient, p_re[k] * im + p_im[k] * re);
        }
    }
    let (mut w_re, mut w_im) = ([0.0; N], [0.0; N]);
    for k in 0..N {
        let scale = 1.0 / (d_re[k] * d_re[k] + d_im[k] * d_im[k]).max(1e-300);
        w_re[k] = (p_re[k] * d_re[k] + p_im[k] * d_im[k]) * scale;
        w_im[k] = (p_im[k] * d_re[k] - p_re[k] * d_im[k]) * scale;
    }
    (w_re, w_im)
}

/// Σ 1 / (z − other) over the other roots, of every root.
fn pulls<const N: usize>(order: usize, re: &[f64; N], im: &[f64; N]) -> ([f64; N], [f64; N]) {
    let (mut sum_re, mut sum_im) = ([0.0f64; N], [0.0f64; N]);
    for (other_re, other_im) in re.iter().zip(im).take(order) {
        for k in 0..N {
            let (off_re, off_im) = (re[k] - other_re, im[k] - other_im);
            // The root itself is at distance 0 and adds 0.
            let scale = 1.0 / (off_re * off_re + off_im * off_im).max(1e-30);
            sum_re[k] += off_re * scale;
            sum_im[k] -= off_im * scale;
        }
    }
    (sum_re, sum_im)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coefficients of the polynomial with these pairs of mirrored roots and these real ones.
    fn polynomial(pairs: &[(f64, f64)], reals: &[f64]) -> Vec<f64> {
        let times = |p: Vec<f64>, factor: &[f64]| {
            let mut product = vec![0.0; p.len() + factor.len() - 1];
            for (i, a) in p.iter().enumerate() {
                factor.iter().enumerate().for_each(|(j, b)| product[i + j] += a * b);
            }
            product
        };
        let pairs = pairs.iter().map(|(re, im)| vec![1.0, -2.0 * re, re * re + im * im]);
        pairs.chain(reals.iter().map(|re| vec![1.0, -re])).fold(vec![1.0], |p, factor| times(p, &factor))
    }

    fn distance(found: &[(f64, f64)], re: f64, im: f64) -> f64 {
        found.iter().map(|it| (it.0 - re).hypot(it.1 - im)).fold(f64::MAX, f64::min)
    }

    #[test]
    fn known_roots_are_found_cold_and_warm() {
        let mut roots = Roots::new(10);
        let frames = [
            (vec![(0.9, 0.35), (0.8, 0.5), (0.1, 0.95), (-0.4, 0.85), (-0.8, 0.4)], vec![]),
            (vec![(0.91, 0.34), (0.79, 0.51), (0.12, 0.95), (-0.38, 0.85), (-0.8, 0.41)], vec![]),
            // A pair that parted along the real axis, and one that met again.
            (vec![(0.91, 0.34), (0.79, 0.51), (0.12, 0.95), (-0.38, 0.85)], vec![-0.6, -0.95]),
            (vec![(0.99, 0.01), (0.79, 0.51), (0.12, 0.95), (-0.38, 0.85), (-0.8, 0.01)], vec![]),
        ];
        for (pairs, reals) in frames {
            let found: Vec<(f64, f64)> = roots.find(&polynomial(&pairs, &reals)).unwrap().collect();
            assert_eq!(found.len(), 10);
            for (re, im) in pairs.iter().copied().chain(reals.iter().map(|re| (*re, 0.0))) {
                assert!(distance(&found, re, im) < 1e-8 && distance(&found, re, -im) < 1e-8, "{re} {im}");
            }
        }
    }

    #[test]
    fn a_polynomial_that_is_none_settles_nowhere() {
        let mut roots = Roots::new(2);
        assert!(roots.find(&[1.0, f64::NAN, 0.5]).is_none());
        assert!(roots.find(&[1.0, 0.0, 0.25]).is_some());
    }
}

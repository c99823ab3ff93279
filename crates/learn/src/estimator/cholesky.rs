//! Solving small symmetric positive definite systems.

/// The factor L of A = L·Lᵀ, row-major `[size, size]`, lower triangle.
pub(crate) struct Cholesky {
    size: usize,
    factor: Vec<f64>,
}

impl Cholesky {
    /// Factors `matrix` (row-major `[size, size]`, lower triangle read) in place; `None` where it is not positive definite.
    pub(crate) fn of(mut matrix: Vec<f64>, size: usize) -> Option<Self> {
        for row in 0..size {
            let (above, rest) = matrix.split_at_mut(row * size);
            let this = &mut rest[..size];
            for column in 0..row {
                let other = &above[column * size..column * size + column + 1];
                let sum = dot(&this[..column], &other[..column]);
                this[column] = (this[column] - sum) / other[column];
            }
            let pivot = this[row] - dot(&this[..row], &this[..row]);
            if pivot <= 0.0 || !pivot.is_finite() {
                return None;
            }
            this[row] = pivot.sqrt();
        }
        Some(Self { size, factor: matrix })
    }

    /// The x of A·x = `right`.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut x = right.to_vec();
        for row in 0..self.size {
            let line = &self.factor[row * self.size..row * self.size + row + 1];
            x[row] = (x[row] - dot(&line[..row], &x[..row])) / line[row];
        }
        for row in (0..self.size).rev() {
            let line = &self.factor[row * self.size..row * self.size + row + 1];
            x[row] /= line[row];
            let solved = x[row];
            x[..row].iter_mut().zip(line).for_each(|(left, cell)| *left -= cell * solved);
        }
        x
    }
}

/// Σ a·b, in four running sums so that the compiler can use vector registers; always in the same order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (quads, others) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = quads.remainder().iter().zip(others.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in quads.zip(others) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_system_is_solved() {
        // numpy: np.linalg.solve([[4, 2, 1], [2, 5, 3], [1, 3, 6]], [1, 2, 3])
        let matrix = vec![4.0, 2.0, 1.0, 2.0, 5.0, 3.0, 1.0, 3.0, 6.0];
        let x = Cholesky::of(matrix, 3).unwrap().solve(&[1.0, 2.0, 3.0]);
        for (got, expected) in
            x.iter().zip([0.089_552_238_805_970_16, 0.104_477_611_940_298_53, 0.432_835_820_895_522_36])
        {
            assert!((got - expected).abs() < 1e-12, "{x:?}");
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        assert!(Cholesky::of(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
    }

    #[test]
    fn a_dot_product_of_any_length_is_the_plain_sum() {
        for length in 0..10 {
            let a: Vec<f64> = (0..length).map(f64::from).collect();
            assert_eq!(dot(&a, &a), a.iter().map(|x| x * x).sum::<f64>());
        }
    }
}

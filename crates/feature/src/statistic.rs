//! The statistics that every room means by the same word.

/// Arithmetic mean, summed in f64; `None` when empty.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample standard deviation (divisor n − 1); `None` below two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Percentile `p` in 0–100 with linear interpolation between order statistics (numpy's default, Hyndman & Fan 1996
/// type 7); `None` when empty. `values` need not be sorted.
pub fn percentile(values: &[f64], p: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = p.clamp(0.0, 100.0) / 100.0 * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

/// The 50th percentile; `None` when empty.
pub fn median(values: &[f64]) -> Option<f64> {
    percentile(values, 50.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_follow_numpy() {
        // numpy 2: np.percentile([15, 20, 35, 40, 50], 40) = 29.0; np.std([2, 4, 4, 4, 5, 5, 7, 9], ddof=1) = 2.13809
        assert_eq!(percentile(&[50.0, 15.0, 40.0, 20.0, 35.0], 40.0), Some(29.0));
        let spread = standard_deviation(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert!((spread - 2.138_089_935).abs() < 1e-9);
        assert_eq!(median(&[1.0, 2.0, 3.0, 10.0]), Some(2.5));
    }

    #[test]
    fn too_few_values_have_no_statistic() {
        assert_eq!((mean(&[]), median(&[]), standard_deviation(&[1.0])), (None, None, None));
    }
}

//! The ROC curve as steps, and what can be read from it.

/// Points after each group of equal scores, by falling score.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    pub(crate) healthy: f64,
    pub(crate) impaired: f64,
    /// Score of the group, healthy and impaired people at or above it.
    points: Vec<(f64, f64, f64)>,
}

impl Curve {
    /// The curve of (score, impaired, count) by falling score.
    pub(crate) fn of(steps: impl Iterator<Item = (f64, bool, u32)>) -> Self {
        let mut points: Vec<(f64, f64, f64)> = vec![(f64::INFINITY, 0.0, 0.0)];
        let (mut healthy, mut impaired) = (0.0, 0.0);
        let mut last = f64::INFINITY;
        for (score, label, count) in steps.filter(|(_, _, count)| *count > 0) {
            if score < last {
                points.push((score, healthy, impaired));
                last = score;
            }
            if label {
                impaired += f64::from(count);
            } else {
                healthy += f64::from(count);
            }
            let end = points.len() - 1;
            points[end] = (score, healthy, impaired);
        }
        Self { healthy, impaired, points }
    }

    /// Area by trapezoids, which counts ties half.
    pub(crate) fn auc(&self) -> f64 {
        let area = |pair: &[(f64, f64, f64)]| (pair[1].1 - pair[0].1) * (pair[1].2 + pair[0].2) / 2.0;
        self.points.windows(2).map(area).sum::<f64>() / (self.healthy * self.impaired)
    }

    /// Σ (recall step) · precision.
    pub(crate) fn average_precision(&self) -> f64 {
        let step = |pair: &[(f64, f64, f64)]| (pair[1].2 - pair[0].2) * pair[1].2 / (pair[1].1 + pair[1].2);
        self.points.windows(2).map(step).sum::<f64>() / self.impaired
    }

    /// False-positive rate and sensitivity where everyone with at least this score screens positive.
    pub(crate) fn at(&self, cut: f64) -> (f64, f64) {
        let above = self.points.partition_point(|point| point.0 >= cut);
        let (_, healthy, impaired) = self.points[above.max(1) - 1];
        (healthy / self.healthy, impaired / self.impaired)
    }

    /// Largest sensitivity with at least this specificity.
    pub(crate) fn sensitivity_at(&self, specificity: f64) -> f64 {
        // A rate that should be equal may differ in the last digit.
        let allowed = (1.0 - specificity) * self.healthy + 1e-9;
        let above = self.points.partition_point(|point| point.1 <= allowed);
        self.points[above - 1].2 / self.impaired
    }

    /// Largest specificity with at least this sensitivity.
    pub(crate) fn specificity_at(&self, sensitivity: f64) -> f64 {
        let wanted = sensitivity * self.impaired - 1e-9;
        let first = self.points.partition_point(|point| point.2 < wanted);
        1.0 - self.points[first.min(self.points.len() - 1)].1 / self.healthy
    }

    /// Sensitivity at a false-positive rate, straight between points.
    pub(crate) fn sensitivity_between(&self, rate: f64) -> f64 {
        let wanted = rate * self.healthy;
        let above = self.points.partition_point(|point| point.1 <= wanted + 1e-9);
        let (_, left, low) = self.points[above - 1];
        let Some(&(_, right, high)) = self.points.get(above) else { return low / self.impaired };
        (low + (high - low) * (wanted - left).max(0.0) / (right - left)) / self.impaired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> Curve {
        let steps = [
            (0.9, true, 1),
            (0.8, true, 1),
            (0.7, false, 1),
            (0.6, true, 2),
            (0.6, false, 1),
            (0.1, false, 2),
        ];
        Curve::of(steps.into_iter())
    }

    #[test]
    fn a_cut_counts_everyone_at_or_above_it() {
        assert_eq!(curve().at(1.0), (0.0, 0.0));
        assert_eq!(curve().at(0.8), (0.0, 0.5));
        assert_eq!(curve().at(0.6), (0.5, 1.0));
        assert_eq!(curve().at(0.0), (1.0, 1.0));
    }

    #[test]
    fn the_best_cut_of_a_rate_is_found() {
        assert_eq!(
            (curve().sensitivity_at(0.75), curve().sensitivity_at(0.8), curve().sensitivity_at(0.5)),
            (0.5, 0.5, 1.0)
        );
        assert_eq!((curve().specificity_at(0.5), curve().specificity_at(0.51)), (1.0, 0.5));
    }

    #[test]
    fn between_two_points_the_curve_is_straight() {
        assert_eq!(curve().sensitivity_between(0.375), 0.75);
        assert_eq!((curve().sensitivity_between(0.0), curve().sensitivity_between(1.0)), (0.5, 1.0));
    }
}

//! Lines with an elastic net penalty (Zou & Hastie 2005): for two classes, three, or numbers.
//!
//! Minimises Σ [ρ·|w| + ½·(1 − ρ)·w²] + C·Σ weight · loss, the intercepts not penalised; the loss is −ln p of the true class, or
//! half the squared error of numbers. Proximal Newton (Lee, Sun & Saunders 2014): the loss is replaced by its second-order
//! expansion, which is minimised one coefficient at a time (Friedman, Hastie & Tibshirani 2010), and a shorter step is taken
//! where a whole one would not lower the cost.

use super::{
    logistic::{Line, axpy, log_loss},
    sigmoid, softmax,
};
use crate::{label::Answers, prepare::Design};

/// Stops when no optimality condition, divided by C and the number of people, is missed by more.
const TOLERANCE: f64 = 1e-10;

/// Newton needs about ten steps; what has not converged after this many cannot improve in f64.
const MAX_STEPS: usize = 100;

/// Most rounds over the coefficients inside one Newton step.
const MAX_ROUNDS: usize = 1000;

/// Penalty: C, and the share ρ of it that is absolute instead of squared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Penalty {
    pub(crate) c: f64,
    pub(crate) l1_ratio: f64,
}

/// One line an output.
pub(crate) fn lines(design: &Design, answers: &Answers, weights: &[f64], penalty: Penalty) -> Vec<Line> {
    let net = Net { design, answers, targets: answers.targets(), weights, penalty };
    let outputs = answers.outputs();
    let mut at = Place {
        lines: vec![Line { intercept: 0.0, coefficients: vec![0.0; design.columns] }; outputs],
        eta: vec![0.0; design.people * outputs],
    };
    let tolerance = TOLERANCE * penalty.c * design.people as f64;
    let mut cost = net.cost(&at);
    for _ in 0..MAX_STEPS {
        let expansion = net.expansion(&at.eta);
        let missed = net.missed(&at, &expansion);
        if missed <= tolerance {
            break;
        }
        let full = net.step(&at, &expansion, (0.01 * missed).max(0.1 * tolerance));
        let shorter = (0..30).map(|halvings| at.towards(&full, 0.5f64.powi(halvings))).find_map(|there| {
            let found = net.cost(&there);
            (found <= cost + 1e-13 * cost.abs()).then_some((there, found))
        });
        let Some((there, found)) = shorter else { break };
        (at, cost) = (there, found);
    }
    if outputs > 1 {
        let centre = at.lines.iter().map(|line| line.intercept).sum::<f64>() / outputs as f64;
        at.lines.iter_mut().for_each(|line| line.intercept -= centre);
    }
    at.lines
}

/// Coefficients with the linear predictors they give, `[people, outputs]`.
#[derive(Clone)]
struct Place {
    lines: Vec<Line>,
    eta: Vec<f64>,
}

impl Place {
    /// A share of the way to another place.
    fn towards(&self, other: &Self, share: f64) -> Self {
        if share == 1.0 {
            return other.clone();
        }
        let between = |a: &f64, b: &f64| a + share * (b - a);
        let line = |(a, b): (&Line, &Line)| Line {
            intercept: between(&a.intercept, &b.intercept),
            coefficients: a.coefficients.iter().zip(&b.coefficients).map(|(a, b)| between(a, b)).collect(),
        };
        Self {
            lines: self.lines.iter().zip(&other.lines).map(line).collect(),
            eta: self.eta.iter().zip(&other.eta).map(|(a, b)| between(a, b)).collect(),
        }
    }
}

/// Gradient of the loss by each linear predictor, `[outputs, people]`, and its curvature, `[outputs, outputs, people]`.
struct Expansion {
    gradient: Vec<Vec<f64>>,
    curvature: Vec<Vec<Vec<f64>>>,
}

struct Net<'a> {
    design: &'a Design,
    answers: &'a Answers,
    targets: Vec<f64>,
    weights: &'a [f64],
    penalty: Penalty,
}

impl Net<'_> {
    fn cost(&self, at: &Place) -> f64 {
        let Penalty { c, l1_ratio } = self.penalty;
        let of_one = |w: &f64| l1_ratio * w.abs() + 0.5 * (1.0 - l1_ratio) * w * w;
        let penalty: f64 = at.lines.iter().flat_map(|line| &line.coefficients).map(of_one).sum();
        let outputs = self.answers.outputs();
        let loss = |(person, eta): (usize, &[f64])| {
            self.weights[person]
                * match self.answers {
                    Answers::Two(labels) => log_loss(eta[0], labels[person]),
                    Answers::Numbers(numbers) => 0.5 * (eta[0] - numbers[person]).powi(2),
                    Answers::Three(labels) => softmax(&mut eta.to_vec()) - eta[usize::from(labels[person])],
                }
        };
        penalty + c * at.eta.chunks_exact(outputs).enumerate().map(loss).sum::<f64>()
    }

    /// Gradient and curvature of C · Σ weight · loss at some linear predictors.
    fn expansion(&self, eta: &[f64]) -> Expansion {
        let (people, outputs) = (self.design.people, self.answers.outputs());
        let mut gradient = vec![vec![0.0; people]; outputs];
        let mut curvature = vec![vec![vec![0.0; people]; outputs]; outputs];
        for (person, of_person) in eta.chunks_exact(outputs).enumerate() {
            let scale = self.penalty.c * self.weights[person];
            let mut means = of_person.to_vec();
            match self.answers {
                Answers::Two(_) => means[0] = sigmoid(means[0]),
                Answers::Three(_) => _ = softmax(&mut means),
                Answers::Numbers(_) => {}
            }
            for a in 0..outputs {
                gradient[a][person] = scale * (means[a] - self.targets[person * outputs + a]);
                for b in 0..outputs {
                    let one = f64::from(u8::from(a == b));
                    curvature[a][b][person] = match self.answers {
                        Answers::Numbers(_) => scale,
                        _ => scale * means[a] * (one - means[b]),
                    };
                }
            }
        }
        Expansion { gradient, curvature }
    }

    /// By how much the worst optimality condition is missed.
    fn missed(&self, at: &Place, expansion: &Expansion) -> f64 {
        let Penalty { l1_ratio, .. } = self.penalty;
        let mut worst = 0.0f64;
        for (line, gradient) in at.lines.iter().zip(&expansion.gradient) {
            worst = worst.max(gradient.iter().sum::<f64>().abs());
            for (column, &w) in line.coefficients.iter().enumerate() {
                let slope = super::cholesky::dot(self.design.column(column), gradient) + (1.0 - l1_ratio) * w;
                let missed = if w == 0.0 {
                    (slope.abs() - l1_ratio).max(0.0)
                } else {
                    (slope + l1_ratio * w.signum()).abs()
                };
                worst = worst.max(missed);
            }
        }
        worst
    }

    /// Where the expansion with the penalty is smallest, to `tolerance`: rounds over all coefficients, and between them rounds
    /// over those that are not zero until they settle.
    fn step(&self, at: &Place, expansion: &Expansion, tolerance: f64) -> Place {
        let outputs = self.answers.outputs();
        let mut descent = Descent {
            net: self,
            expansion,
            to: at.clone(),
            slopes: expansion.gradient.clone(),
            diagonal: self.diagonal(expansion),
        };
        let every: Vec<(usize, usize)> =
            (0..outputs).flat_map(|output| (0..self.design.columns).map(move |it| (output, it))).collect();
        for _ in 0..MAX_ROUNDS {
            if descent.round(&every) <= tolerance {
                break;
            }
            let to = &descent.to;
            let kept: Vec<_> = every
                .iter()
                .copied()
                .filter(|&(output, it)| to.lines[output].coefficients[it] != 0.0)
                .collect();
            for _ in 0..MAX_ROUNDS {
                if descent.round(&kept) <= tolerance {
                    break;
                }
            }
        }
        descent.to
    }

    /// Curvature of the expansion along each coefficient, `[outputs, columns]`, without the penalty's.
    fn diagonal(&self, expansion: &Expansion) -> Vec<Vec<f64>> {
        let along = |output: usize, column: usize| -> f64 {
            let cells = self.design.column(column).iter().zip(&expansion.curvature[output][output]);
            cells.map(|(cell, weight)| cell * cell * weight).sum()
        };
        let of_output = |output| (0..self.design.columns).map(|column| along(output, column)).collect();
        (0..self.answers.outputs()).map(of_output).collect()
    }
}

/// Coordinate descent on an expansion.
struct Descent<'a> {
    net: &'a Net<'a>,
    expansion: &'a Expansion,
    to: Place,
    /// The expansion's gradient by each linear predictor at `to`, `[outputs, people]`.
    slopes: Vec<Vec<f64>>,
    diagonal: Vec<Vec<f64>>,
}

impl Descent<'_> {
    /// Every intercept and each of these coefficients once; the largest slope that was taken away.
    fn round(&mut self, which: &[(usize, usize)]) -> f64 {
        let mut largest = 0.0f64;
        for output in 0..self.to.lines.len() {
            let curvature: f64 = self.expansion.curvature[output][output].iter().sum();
            let slope: f64 = self.slopes[output].iter().sum();
            // Every weight may have underflowed where the classes are far apart.
            let by = -slope / curvature.max(f64::MIN_POSITIVE);
            if by.is_finite() && by != 0.0 {
                self.to.lines[output].intercept += by;
                self.shift(output, None, by);
                largest = largest.max(slope.abs());
            }
        }
        for &(output, column) in which {
            let Penalty { l1_ratio, .. } = self.net.penalty;
            let old = self.to.lines[output].coefficients[column];
            let loss_slope = super::cholesky::dot(self.net.design.column(column), &self.slopes[output]);
            let curvature = self.diagonal[output][column] + (1.0 - l1_ratio);
            if curvature <= 0.0 {
                continue;
            }
            let target = self.diagonal[output][column] * old - loss_slope;
            let new = target.signum() * (target.abs() - l1_ratio).max(0.0) / curvature;
            if new != old {
                self.to.lines[output].coefficients[column] = new;
                self.shift(output, Some(column), new - old);
                largest = largest.max((new - old).abs() * curvature);
            }
        }
        largest
    }

    /// Moves the linear predictor of one output along a column (or all people alike) and keeps the slopes true.
    fn shift(&mut self, output: usize, column: Option<usize>, by: f64) {
        let outputs = self.to.lines.len();
        let cells = column.map(|it| self.net.design.column(it));
        let of = |person: usize| cells.map_or(1.0, |cells| cells[person]);
        for (person, eta) in self.to.eta.iter_mut().skip(output).step_by(outputs).enumerate() {
            *eta += by * of(person);
        }
        for (other, slopes) in self.slopes.iter_mut().enumerate() {
            let weights = &self.expansion.curvature[other][output];
            match cells {
                Some(cells) => {
                    slopes
                        .iter_mut()
                        .zip(weights)
                        .zip(cells)
                        .for_each(|((it, w), cell)| *it += by * w * cell);
                }
                None => axpy(slopes, by, weights),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns that tell the answer and one that does not.
    fn design() -> Design {
        let noise = |it: u32| f64::from(it * 37 % 11) / 5.5 - 1.0;
        let cells = (0..30).map(|it| f64::from(it) / 15.0 - 1.0);
        let cells = cells.chain((0..30).map(|it| noise(it * 3 + 1))).chain((0..30).map(noise)).collect();
        Design { people: 30, columns: 3, cells }
    }

    #[test]
    fn a_line_without_noise_is_found_and_a_strong_penalty_keeps_nothing() {
        let design = design();
        let points = design.linear(20.0, &[3.0, -2.0, 0.0]);
        let weak = Penalty { c: 1e7, l1_ratio: 0.5 };
        let line = &lines(&design, &Answers::Numbers(points.clone()), &[1.0; 30], weak)[0];
        let apart = line.coefficients.iter().zip([3.0, -2.0, 0.0]).map(|(a, b)| (a - b).abs());
        assert!(apart.fold((line.intercept - 20.0).abs(), f64::max) < 1e-5, "{line:?}");
        let strong = Penalty { c: 1e-4, l1_ratio: 1.0 };
        let line = &lines(&design, &Answers::Numbers(points.clone()), &[1.0; 30], strong)[0];
        let mean = points.iter().sum::<f64>() / 30.0;
        assert!(line.coefficients == [0.0; 3] && (line.intercept - mean).abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn without_the_absolute_part_it_is_the_logistic_regression() {
        let design = design();
        let two: Vec<bool> = (0..30).map(|it| it > 14 || it % 5 == 0).collect();
        let net = lines(&design, &Answers::Two(two.clone()), &[1.0; 30], Penalty { c: 2.0, l1_ratio: 0.0 });
        let (intercept, coefficients) = crate::estimator::logistic_line(&design, &two, &[2.0]).swap_remove(0);
        let apart = coefficients.iter().zip(&net[0].coefficients).map(|(a, b)| (a - b).abs());
        assert!(apart.fold((intercept - net[0].intercept).abs(), f64::max) < 1e-8);
        let three: Vec<u8> = (0..30).map(|it| (it / 11) as u8).collect();
        let penalty = Penalty { c: 2.0, l1_ratio: 0.0 };
        let net = lines(&design, &Answers::Three(three.clone()), &[1.0; 30], penalty);
        let smooth = crate::estimator::multinomial::lines(&design, &three, &[1.0; 30], 2.0);
        for (a, b) in net.iter().zip(&smooth) {
            let apart = a.coefficients.iter().zip(&b.coefficients).map(|(x, y)| (x - y).abs());
            assert!(apart.fold((a.intercept - b.intercept).abs(), f64::max) < 1e-7, "{a:?} {b:?}");
        }
    }
}

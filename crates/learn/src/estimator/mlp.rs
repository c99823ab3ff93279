//! A network of one hidden layer on prepared columns: rectified linear units, and the target's own output.
//!
//! Minimises mean weighted loss + penalty / (2·n) · Σ w² (scikit-learn's `MLPClassifier` and its α) by L-BFGS over everybody at
//! once, from weights drawn evenly within ±√(6 / (inputs + outputs)) (Glorot & Bengio 2010). How many steps are worth taking is
//! learned inside the training people: a fifth of them, by class, is set aside, the step with the lowest loss on them is noted,
//! and the network is fitted again on everybody with that many steps (Prechelt 1998, "Early stopping — but when?").

use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    Lesson, lbfgs,
    logistic::{axpy, log_loss},
    sigmoid, softmax,
};
use crate::{label::Answers, prepare::Design, seed::derive};

/// Parts of the training people of which one is set aside to find the number of steps.
const PARTS: usize = 5;

/// Steps without a lower loss on the people set aside after which the search for the number of steps ends.
const PATIENCE: usize = 15;

/// Numbers that a network is fitted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Units of the hidden layer.
    pub(crate) hidden: usize,
    pub(crate) penalty: f64,
    /// Most steps.
    pub(crate) steps: usize,
    pub(crate) seed: u64,
}

/// A fitted network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mlp {
    hidden: usize,
    outputs: usize,
    softmax: bool,
    /// Points = centre + spread · output; 0 and 1 for classes.
    centre: f64,
    spread: f64,
    /// `[columns, hidden]`, hidden biases, `[hidden, outputs]`, output biases.
    weights: Vec<f64>,
}

impl Mlp {
    pub(crate) fn fit(lesson: &Lesson<'_>, weights: &[f64], shape: Shape) -> Self {
        let everybody: Vec<usize> = (0..lesson.design.people).collect();
        let part_of = parts(lesson, shape.seed);
        let (aside, rest): (Vec<usize>, Vec<usize>) = everybody.iter().partition(|&&it| part_of[it] == 0);
        let steps = match aside.is_empty() || rest.is_empty() {
            true => shape.steps,
            false => {
                best_step(&Sheet::of(lesson, weights, &rest), &Sheet::of(lesson, weights, &aside), shape)
            }
        };
        let sheet = Sheet::of(lesson, weights, &everybody);
        let start = sheet.start(shape);
        let cost = |theta: &[f64], gradient: &mut [f64]| sheet.cost(theta, gradient, shape);
        let found = lbfgs::minimise(&cost, start, (steps, 0.0), |_, _| true);
        Self {
            hidden: shape.hidden,
            outputs: sheet.outputs,
            softmax: sheet.outputs > 1,
            centre: sheet.centre,
            spread: sheet.spread,
            weights: found,
        }
    }

    /// Its layers as numbers where it has one output: `[columns, hidden]`, hidden biases, `[hidden]`, output bias. What scales
    /// the output is in the last two.
    pub(super) fn layers(&self, columns: usize) -> Option<[Vec<f64>; 4]> {
        let net = Layers { columns, hidden: self.hidden, outputs: self.outputs };
        let [inner, inner_bias, outer, outer_bias] = net.of(&self.weights);
        let scaled = |range: Range<usize>| self.weights[range].iter().map(|it| self.spread * it).collect();
        let bias: Vec<f64> =
            self.weights[outer_bias].iter().map(|it| self.centre + self.spread * it).collect();
        let (inner, inner_bias) = (self.weights[inner].to_vec(), self.weights[inner_bias].to_vec());
        (self.outputs == 1).then(|| [inner, inner_bias, scaled(outer), bias])
    }

    /// Log-odds of two classes, probabilities of three, or points: `[people, outputs]`.
    pub(crate) fn outputs(&self, design: &Design) -> Vec<f64> {
        let rows = rows(design);
        let net = Layers { columns: design.columns, hidden: self.hidden, outputs: self.outputs };
        let mut units = vec![0.0; self.hidden];
        let mut said = vec![0.0; design.people * self.outputs];
        for (row, out) in rows.chunks_exact(design.columns.max(1)).zip(said.chunks_exact_mut(self.outputs)) {
            net.forward(&self.weights, row, (&mut units, out));
            if self.softmax {
                softmax(out);
            } else {
                out[0] = self.centre + self.spread * out[0];
            }
        }
        said
    }
}

/// The part of each person: strata dealt out by seed, everybody drawn twice in one part.
fn parts(lesson: &Lesson<'_>, seed: u64) -> Vec<usize> {
    let classes = lesson.answers.classes();
    let mut first = std::collections::HashMap::new();
    let mut strata = Vec::new();
    let person_of: Vec<usize> = (0..classes.len())
        .map(|place| {
            *first.entry(lesson.rows[place]).or_insert_with(|| {
                strata.push(classes[place]);
                strata.len() - 1
            })
        })
        .collect();
    let mut part_of = vec![0; strata.len()];
    for (part, people) in study::dealt_folds(&strata, PARTS, derive(seed, &[1])).iter().enumerate() {
        people.iter().for_each(|&person| part_of[person] = part);
    }
    person_of.iter().map(|&person| part_of[person]).collect()
}

/// The number of steps on some people after which others are told best.
fn best_step(rest: &Sheet<'_>, aside: &Sheet<'_>, shape: Shape) -> usize {
    let start = rest.start(shape);
    let mut best = (1, f64::INFINITY);
    let cost = |theta: &[f64], gradient: &mut [f64]| rest.cost(theta, gradient, shape);
    lbfgs::minimise(&cost, start, (shape.steps, 0.0), |step, theta| {
        let loss = aside.loss(theta, shape, (rest.centre, rest.spread));
        if loss < best.1 {
            best = (step, loss);
        }
        step < best.0 + PATIENCE
    });
    best.0
}

/// Sizes of the layers, and where their weights lie.
#[derive(Clone, Copy)]
struct Layers {
    columns: usize,
    hidden: usize,
    outputs: usize,
}

impl Layers {
    fn of(&self, theta: &[f64]) -> [std::ops::Range<usize>; 4] {
        let ends = [self.columns * self.hidden, self.hidden, self.hidden * self.outputs, self.outputs];
        let mut from = 0;
        let ranges = ends.map(|size| {
            from += size;
            from - size..from
        });
        debug_assert_eq!(from, theta.len());
        ranges
    }

    /// Fills hidden units (after rectifying) and outputs of one row.
    fn forward(&self, theta: &[f64], row: &[f64], (units, out): (&mut [f64], &mut [f64])) {
        let [inner, inner_bias, outer, outer_bias] = self.of(theta);
        units.copy_from_slice(&theta[inner_bias]);
        for (cell, weights) in row.iter().zip(theta[inner].chunks_exact(self.hidden)) {
            axpy(units, *cell, weights);
        }
        units.iter_mut().for_each(|unit| *unit = unit.max(0.0));
        out.copy_from_slice(&theta[outer_bias]);
        for (unit, weights) in units.iter().zip(theta[outer].chunks_exact(self.outputs)) {
            axpy(out, *unit, weights);
        }
    }
}

/// Some of the people with what is to be said of them.
struct Sheet<'a> {
    answers: &'a Answers,
    /// Places among the people of the lesson.
    people: Vec<usize>,
    /// `[people, columns]`.
    rows: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
    columns: usize,
    outputs: usize,
    centre: f64,
    spread: f64,
}

impl<'a> Sheet<'a> {
    fn of(lesson: &Lesson<'a>, weights: &[f64], people: &[usize]) -> Self {
        let (design, outputs) = (lesson.design, lesson.answers.outputs());
        let all = lesson.answers.targets();
        let targets: Vec<f64> =
            people.iter().flat_map(|&it| all[it * outputs..(it + 1) * outputs].to_vec()).collect();
        let numbers = matches!(lesson.answers, Answers::Numbers(_));
        let centre = feature::mean(&targets).filter(|_| numbers).unwrap_or(0.0);
        let spread = feature::standard_deviation(&targets).filter(|it| numbers && *it > 0.0).unwrap_or(1.0);
        let row = |&person: &usize| (0..design.columns).map(move |it| design.column(it)[person]);
        Self {
            answers: lesson.answers,
            people: people.to_vec(),
            rows: people.iter().flat_map(row).collect(),
            targets,
            weights: people.iter().map(|&it| weights[it]).collect(),
            columns: design.columns,
            outputs,
            centre,
            spread,
        }
    }

    fn layers(&self, shape: Shape) -> Layers {
        Layers { columns: self.columns, hidden: shape.hidden, outputs: self.outputs }
    }

    fn start(&self, shape: Shape) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(derive(shape.seed, &[0]));
        let mut weights = Vec::new();
        for (inputs, outputs) in [(self.columns, shape.hidden), (shape.hidden, self.outputs)] {
            let bound = (6.0 / (inputs + outputs) as f64).sqrt();
            weights.extend((0..(inputs + 1) * outputs).map(|_| bound * (2.0 * random.random::<f64>() - 1.0)));
        }
        weights
    }

    /// Loss of one person; `out` becomes the slope of the loss by each output.
    fn judge(&self, place: usize, out: &mut [f64], (centre, spread): (f64, f64)) -> f64 {
        let targets = &self.targets[place * self.outputs..(place + 1) * self.outputs];
        match self.answers {
            Answers::Two(labels) => {
                let label = labels[self.people[place]];
                let loss = log_loss(out[0], label);
                out[0] = sigmoid(out[0]) - targets[0];
                loss
            }
            Answers::Three(labels) => {
                let true_one = out[usize::from(labels[self.people[place]])];
                let loss = softmax(out) - true_one;
                out.iter_mut().zip(targets).for_each(|(share, target)| *share -= target);
                loss
            }
            Answers::Numbers(_) => {
                out[0] -= (targets[0] - centre) / spread;
                0.5 * out[0] * out[0]
            }
        }
    }

    /// Mean weighted loss without the penalty.
    fn loss(&self, theta: &[f64], shape: Shape, scale: (f64, f64)) -> f64 {
        let (layers, mut units, mut out) =
            (self.layers(shape), vec![0.0; shape.hidden], vec![0.0; self.outputs]);
        let of_person = |(place, row): (usize, &[f64])| {
            layers.forward(theta, row, (&mut units, &mut out));
            self.weights[place] * self.judge(place, &mut out, scale)
        };
        self.rows.chunks_exact(self.columns.max(1)).enumerate().map(of_person).sum::<f64>()
            / self.weights.len() as f64
    }

    /// What is minimised, with its gradient by back-propagation.
    fn cost(&self, theta: &[f64], gradient: &mut [f64], shape: Shape) -> f64 {
        let layers = self.layers(shape);
        let [inner, inner_bias, outer, outer_bias] = layers.of(theta);
        let n = self.weights.len() as f64;
        let (mut units, mut out, mut back) =
            (vec![0.0; shape.hidden], vec![0.0; self.outputs], vec![0.0; shape.hidden]);
        let mut loss = 0.0;
        gradient.fill(0.0);
        for (place, row) in self.rows.chunks_exact(self.columns.max(1)).enumerate() {
            layers.forward(theta, row, (&mut units, &mut out));
            loss += self.weights[place] * self.judge(place, &mut out, (self.centre, self.spread));
            let share = self.weights[place] / n;
            out.iter_mut().for_each(|slope| *slope *= share);
            axpy(&mut gradient[outer_bias.clone()], 1.0, &out);
            let weights = theta[outer.clone()].chunks_exact(self.outputs);
            let slopes = gradient[outer.clone()].chunks_exact_mut(self.outputs);
            for (((unit, weights), slopes), back) in units.iter().zip(weights).zip(slopes).zip(&mut back) {
                axpy(slopes, *unit, &out);
                let through: f64 = weights.iter().zip(&out).map(|(a, b)| a * b).sum();
                *back = if *unit > 0.0 { through } else { 0.0 };
            }
            axpy(&mut gradient[inner_bias.clone()], 1.0, &back);
            let slopes = gradient[inner.clone()].chunks_exact_mut(shape.hidden);
            row.iter().zip(slopes).for_each(|(cell, slopes)| axpy(slopes, *cell, &back));
        }
        let mut squares = 0.0;
        for range in [inner, outer] {
            squares += theta[range.clone()].iter().map(|w| w * w).sum::<f64>();
            axpy(&mut gradient[range.clone()], shape.penalty / n, &theta[range]);
        }
        loss / n + 0.5 * shape.penalty / n * squares
    }
}

fn rows(design: &Design) -> Vec<f64> {
    let row = |person: usize| (0..design.columns).map(move |it| design.column(it)[person]);
    (0..design.people).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Design {
        let corner = |it: usize, axis: usize| if it >> axis & 1 == 1 { 1.0 } else { -1.0 };
        let cells = (0..80).map(|it| corner(it, 0)).chain((0..80).map(|it| corner(it, 1))).collect();
        Design { people: 80, columns: 2, cells }
    }

    const SHAPE: Shape = Shape { hidden: 8, penalty: 1e-3, steps: 100, seed: 3 };

    #[test]
    fn a_network_tells_what_no_line_can() {
        let (design, rows) = (square(), (0..80).collect::<Vec<_>>());
        let labels: Vec<bool> = (0..80).map(|it| (it & 1 == 1) != (it >> 1 & 1 == 1)).collect();
        let answers = Answers::Two(labels.clone());
        let scores = Mlp::fit(&Lesson::new(&design, &answers, &rows), &[1.0; 80], SHAPE).outputs(&design);
        assert!(scores.iter().zip(labels).all(|(score, label)| (*score > 0.0) == label), "{scores:?}");
    }

    #[test]
    fn the_gradient_is_that_of_the_cost() {
        let (design, rows) = (square(), (0..80).collect::<Vec<_>>());
        let all = [
            Answers::Two((0..80).map(|it| it % 3 == 0).collect()),
            Answers::Three((0..80).map(|it| it % 3).collect()),
            Answers::Numbers((0..80).map(|it| f64::from(it % 31)).collect()),
        ];
        for answers in &all {
            let weights: Vec<f64> = (0..80).map(|it| 1.0 + f64::from(it % 2)).collect();
            let sheet = Sheet::of(&Lesson::new(&design, answers, &rows), &weights, &rows);
            let theta = sheet.start(SHAPE);
            let mut gradient = vec![0.0; theta.len()];
            sheet.cost(&theta, &mut gradient, SHAPE);
            for it in 0..theta.len() {
                let at = |by: f64| {
                    let mut there = theta.clone();
                    there[it] += by;
                    sheet.cost(&there, &mut vec![0.0; theta.len()], SHAPE)
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((slope - gradient[it]).abs() < 1e-5, "{it}: {slope} {}", gradient[it]);
            }
        }
    }

    #[test]
    fn copies_of_a_person_are_in_one_part() {
        let (design, answers) = (square(), Answers::Two((0..80).map(|it| it % 4 < 2).collect()));
        let rows: Vec<usize> = (0..80).map(|it| it / 4 * 2 + it % 2).collect();
        let parts = parts(&Lesson::new(&design, &answers, &rows), 1);
        assert!((0..80).all(|a| (0..80).all(|b| rows[a] != rows[b] || parts[a] == parts[b])));
        assert!((0..PARTS).all(|part| parts.contains(&part)));
    }
}

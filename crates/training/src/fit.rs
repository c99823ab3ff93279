//! Fitting a network to classes: Adam on mini-batches, the same bits whatever the number of threads and the processor.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{network::Architecture, product::WIDE};

/// Items that are computed together; a batch is as many of these as it takes, and their slopes are summed in order.
const SHARD: usize = 8;

/// How a network is fitted.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Schedule {
    /// Times every item is seen.
    pub(crate) epochs: usize,
    /// Items a step.
    pub(crate) batch: usize,
    /// Largest rate of learning; it rises over the first epoch and falls along a cosine to 0 (Loshchilov & Hutter 2017).
    pub(crate) rate: f64,
    /// Share of each weight that a step of rate 1 takes away (AdamW, Loshchilov & Hutter 2019); biases keep theirs.
    pub(crate) decay: f64,
    /// Seed of the first weights, the order of items, what is dropped and how items are varied.
    pub(crate) seed: u64,
}

/// Items with a class each; an item may look different each time it is seen.
pub(crate) trait Items: Sync {
    /// How many.
    fn count(&self) -> usize;
    /// The class of one.
    fn class(&self, item: usize) -> usize;
    /// Its image, `[height, width, channels]`; varied by the seed where one is given.
    fn image(&self, item: usize, varied: Option<u64>) -> Vec<f32>;
}

/// What one epoch came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epoch {
    pub(crate) number: usize,
    /// Mean cross entropy of the varied items, with values dropped.
    pub(crate) loss: f64,
}

/// Adam's averages (Kingma & Ba 2015).
struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: i32,
}

/// As in the paper.
const MEAN: f64 = 0.9;
const SQUARE: f64 = 0.999;
const EPSILON: f32 = 1e-8;

/// Fits the weights of a network to items.
pub(crate) fn fit(
    network: &Architecture,
    items: &dyn Items,
    schedule: &Schedule,
    watch: &mut dyn FnMut(Epoch),
) -> Vec<f32> {
    let mut theta = network.start(derive(schedule.seed, &[0]));
    let mut adam = Adam { mean: vec![0.0; theta.len()], square: vec![0.0; theta.len()], steps: 0 };
    let keeps: Vec<bool> = decays(network);
    let (mut order, steps) = ((0..items.count()).collect::<Vec<_>>(), items.count().div_ceil(schedule.batch));
    for epoch in 0..schedule.epochs {
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(derive(schedule.seed, &[1, epoch as u64])));
        let mut loss = 0.0;
        for (step, batch) in order.chunks(schedule.batch).enumerate() {
            let seed = derive(schedule.seed, &[2, epoch as u64, step as u64]);
            let (of_batch, gradient) = slopes(network, &theta, items, batch, seed);
            loss += of_batch;
            let rate = schedule.rate_at(epoch as f64 + step as f64 / steps as f64);
            adam.step(&mut theta, &gradient, rate, (schedule.decay, &keeps));
        }
        watch(Epoch { number: epoch + 1, loss: loss / items.count() as f64 });
    }
    theta
}

impl Schedule {
    fn rate_at(&self, epoch: f64) -> f64 {
        let rise = (epoch + 0.02).min(1.0);
        let share = epoch / self.epochs as f64;
        self.rate * rise * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * share))
    }
}

/// Which weights decay: those that multiply.
fn decays(network: &Architecture) -> Vec<bool> {
    let mut decays = vec![false; network.weights()];
    network.stages.iter().for_each(|it| decays[it.weights.clone()].fill(true));
    decays
}

/// Sum of the losses of a batch and the mean slopes of all weights.
fn slopes(
    network: &Architecture,
    theta: &[f32],
    items: &dyn Items,
    batch: &[usize],
    seed: u64,
) -> (f64, Vec<f32>) {
    let shard = |(place, shard): (usize, &[usize])| {
        let varied =
            |(at, &item): (usize, &usize)| items.image(item, Some(derive(seed, &[place as u64, at as u64])));
        let images: Vec<f32> = shard.iter().enumerate().flat_map(varied).collect();
        let trace = network.forward(theta, &images, Some(derive(seed, &[place as u64])));
        let scores = &trace.values[network.stages.len()];
        let classes: Vec<usize> = shard.iter().map(|&it| items.class(it)).collect();
        let (loss, slopes) = cross_entropy(scores, &classes, network.classes, batch.len());
        (loss, network.backward(theta, &trace, slopes))
    };
    // Collected in order and summed in order: threads change nothing.
    let shards: Vec<(f64, Vec<f32>)> = batch.par_chunks(SHARD).enumerate().map(shard).collect();
    let mut sum = (0.0, vec![0.0; theta.len()]);
    for (loss, gradient) in shards {
        sum.0 += loss;
        sum.1.iter_mut().zip(gradient).for_each(|(sum, it)| *sum += it);
    }
    sum
}

/// Σ −ln of the share given to the true class, and its slopes by the scores over `of` items.
fn cross_entropy(scores: &[f32], truth: &[usize], classes: usize, of: usize) -> (f64, Vec<f32>) {
    let columns = classes.next_multiple_of(WIDE);
    let (mut loss, mut slopes) = (0.0, vec![0.0; scores.len()]);
    for ((scores, slopes), &class) in
        scores.chunks_exact(columns).zip(slopes.chunks_exact_mut(columns)).zip(truth)
    {
        let shares = neural::softmax(&scores[..classes]);
        loss -= libm::log(shares[class].max(1e-12));
        for (it, (slope, share)) in slopes.iter_mut().zip(&shares).enumerate() {
            *slope = ((share - f64::from(u8::from(it == class))) / of as f64) as f32;
        }
    }
    (loss, slopes)
}

impl Adam {
    fn step(&mut self, theta: &mut [f32], gradient: &[f32], rate: f64, (decay, decays): (f64, &[bool])) {
        self.steps += 1;
        // Both averages begin at 0, and these make up for it.
        let (mean_left, square_left) = (1.0 - power(MEAN, self.steps), 1.0 - power(SQUARE, self.steps));
        let (of_mean, of_square) = ((rate / mean_left) as f32, (1.0 / square_left) as f32);
        let (keep, keep_square) = (MEAN as f32, SQUARE as f32);
        let shrink = (1.0 - rate * decay) as f32;
        for (it, &slope) in gradient.iter().enumerate() {
            self.mean[it] = keep * self.mean[it] + (1.0 - keep) * slope;
            self.square[it] = keep_square * self.square[it] + (1.0 - keep_square) * slope * slope;
            let kept = if decays[it] { theta[it] * shrink } else { theta[it] };
            theta[it] = kept - of_mean * self.mean[it] / ((self.square[it] * of_square).sqrt() + EPSILON);
        }
    }
}

/// By multiplication, which every machine rounds alike.
fn power(of: f64, steps: i32) -> f64 {
    (0..steps.min(20_000)).fold(1.0, |power, _| power * of)
}

/// The seed of one place below a seed: the finaliser of SplitMix64 (Steele, Lea & Flood 2014).
pub(crate) fn derive(seed: u64, place: &[u64]) -> u64 {
    let mix = |state: u64| {
        let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    place.iter().fold(mix(seed), |seed, part| mix(seed ^ mix(*part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Image, Layer};

    /// Bars that lie or stand, in noise.
    struct Bars;

    impl Items for Bars {
        fn count(&self) -> usize {
            60
        }

        fn class(&self, item: usize) -> usize {
            item % 2
        }

        fn image(&self, item: usize, varied: Option<u64>) -> Vec<f32> {
            let noise =
                |it: usize| (derive(varied.unwrap_or(3), &[item as u64, it as u64]) % 1000) as f32 / 2000.0;
            let lit =
                |row: usize, column: usize| if item.is_multiple_of(2) { row } else { column } == item / 2 % 6;
            let value = |it: usize| {
                let (row, column, channel) = (it / 4 / 6, it / 4 % 6, it % 4);
                noise(it) + f32::from(u8::from(channel == 0 && lit(row, column)))
            };
            (0..6 * 6 * 4).map(value).collect()
        }
    }

    fn network() -> Architecture {
        let layers = [
            Layer::Convolution { outputs: 16, kernel: 3, pad: 1, rectified: true },
            Layer::Mean,
            Layer::Convolution { outputs: 2, kernel: 1, pad: 0, rectified: false },
        ];
        Architecture::new(Image { size: [6, 6], channels: 4 }, &layers)
    }

    const SCHEDULE: Schedule = Schedule { epochs: 30, batch: 20, rate: 0.02, decay: 1e-3, seed: 1 };

    #[test]
    fn bars_that_lie_are_told_from_bars_that_stand() {
        let mut losses = vec![];
        let theta = fit(&network(), &Bars, &SCHEDULE, &mut |epoch| losses.push(epoch.loss));
        assert!(losses[29] < 0.2 && losses[0] > 0.5, "{losses:?}");
        for item in 0..60 {
            let scores = network().scores(&theta, &Bars.image(item, None));
            assert_eq!(usize::from(scores[1] > scores[0]), item % 2);
        }
    }

    #[test]
    fn a_seed_gives_the_same_weights_to_the_bit_on_one_thread_and_many() {
        let short = Schedule { epochs: 2, ..SCHEDULE };
        let run = |threads: usize, schedule: &Schedule| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&network(), &Bars, schedule, &mut |_| ()))
        };
        let bits = |theta: &[f32]| theta.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
        let one = run(1, &short);
        assert_eq!(bits(&one), bits(&run(3, &short)));
        assert_ne!(bits(&one), bits(&run(1, &Schedule { seed: 2, ..short })));
    }

    #[test]
    fn shares_of_scores_are_known() {
        let (loss, slopes) = cross_entropy(&[[1.0f32, 1.0].as_slice(), &[0.0; 14]].concat(), &[1], 2, 1);
        assert!((loss - 2f64.ln()).abs() < 1e-12);
        assert_eq!(slopes[..3], [0.5, -0.5, 0.0]);
    }
}

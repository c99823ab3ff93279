//! Convolutional plans against the definition, on every set of instructions.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

use neural::Isa;
use neural::plan::{
    Activation, Convolution, ConvolutionDescription, ConvolutionPlan, ConvolutionStep, Linear, Range, Window,
};

fn normals(seed: u64, count: usize, deviation: f32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    (0..count).map(|_| ((0..12).map(|_| next()).sum::<f32>() - 6.0) * deviation).collect()
}

/// Planes of an image.
#[derive(Clone)]
struct Planes {
    channels: usize,
    size: [usize; 2],
    values: Vec<f64>,
}

impl Planes {
    fn at(&self, channel: usize, row: isize, column: isize) -> Option<f64> {
        let inside =
            (0..self.size[0] as isize).contains(&row) && (0..self.size[1] as isize).contains(&column);
        let at = (channel as isize * self.size[0] as isize + row) * self.size[1] as isize + column;
        inside.then(|| self.values[at as usize])
    }

    /// Every output value of a window by `of(channel, taps)`, where a tap is (row, column, kernel row, kernel column).
    fn slide(
        &self,
        window: &Window,
        channels: usize,
        of: impl Fn(usize, &[(isize, isize, usize)]) -> f64,
    ) -> Planes {
        let size = [0, 1].map(|axis| {
            let padded = self.size[axis] + window.padding[axis] + window.padding[axis + 2];
            (padded - window.kernel[axis]) / window.stride[axis] + 1
        });
        let mut values = vec![];
        for channel in 0..channels {
            for (row, column) in (0..size[0]).flat_map(|row| (0..size[1]).map(move |column| (row, column))) {
                let tap = |k: usize| {
                    let (y, x) = (k / window.kernel[1], k % window.kernel[1]);
                    let place = |at, axis: usize, k| {
                        (at * window.stride[axis] + k) as isize - window.padding[axis] as isize
                    };
                    (place(row, 0, y), place(column, 1, x), k)
                };
                let taps: Vec<_> = (0..window.kernel[0] * window.kernel[1]).map(tap).collect();
                values.push(of(channel, &taps));
            }
        }
        Planes { channels, size, values }
    }
}

fn activated(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
        _ => x,
    }
}

/// The definition, step by step; vectors are images of one pixel.
#[allow(clippy::too_many_lines)] // one match: each kind of layer as its definition reads
fn reference(description: &ConvolutionDescription, input: &[f32]) -> Vec<Planes> {
    let [channels, height, width] = description.input;
    let values = input.iter().copied().map(f64::from).collect();
    let mut all = vec![Planes { channels, size: [height, width], values }];
    for step in &description.steps {
        let next = match step {
            ConvolutionStep::Convolution(it) => {
                let (from, taps) = (&all[it.from], it.window.kernel[0] * it.window.kernel[1]);
                let mut out = from.slide(&it.window, it.bias.len(), |channel, places| {
                    let weight =
                        |c: usize, k: usize| f64::from(it.weights[(channel * from.channels + c) * taps + k]);
                    let term = |c: usize, (row, column, k): (isize, isize, usize)| {
                        from.at(c, row, column).unwrap_or(0.0) * weight(c, k)
                    };
                    let sum = |c| places.iter().map(|&place| term(c, place)).sum::<f64>();
                    (0..from.channels).map(sum).sum::<f64>() + f64::from(it.bias[channel])
                });
                if let Some(add) = it.add {
                    out.values.iter_mut().zip(&all[add].values).for_each(|(a, b)| *a += b);
                }
                out.values.iter_mut().for_each(|value| *value = activated(it.activation, *value));
                out
            }
            ConvolutionStep::Depthwise(it) => {
                let (from, taps) = (&all[it.from], it.window.kernel[0] * it.window.kernel[1]);
                from.slide(&it.window, from.channels, |channel, places| {
                    let term = |&(row, column, k): &(isize, isize, usize)| {
                        from.at(channel, row, column).unwrap_or(0.0)
                            * f64::from(it.weights[channel * taps + k])
                    };
                    activated(
                        it.activation,
                        places.iter().map(term).sum::<f64>() + f64::from(it.bias[channel]),
                    )
                })
            }
            ConvolutionStep::MaxPool { from, window } => {
                let from = &all[*from];
                from.slide(window, from.channels, |channel, places| {
                    let seen = places.iter().filter_map(|&(row, column, _)| from.at(channel, row, column));
                    seen.fold(f64::NEG_INFINITY, f64::max)
                })
            }
            ConvolutionStep::Mean { from } => {
                let (from, pixels) = (&all[*from], all[*from].size[0] * all[*from].size[1]);
                let mean = |plane: &[f64]| plane.iter().sum::<f64>() / pixels as f64;
                Planes {
                    size: [1, 1],
                    values: from.values.chunks(pixels).map(mean).collect(),
                    ..from.clone()
                }
            }
            ConvolutionStep::Linear { from, layer, activation } => {
                let outputs = layer.bias.len();
                let value = |column: usize| {
                    let term = |(k, x): (usize, &f64)| x * f64::from(layer.weights[k * outputs + column]);
                    let sum = all[*from].values.iter().enumerate().map(term).sum::<f64>();
                    activated(*activation, sum + f64::from(layer.bias[column]))
                };
                Planes { channels: outputs, size: [1, 1], values: (0..outputs).map(value).collect() }
            }
            ConvolutionStep::Gate { image, gate } => {
                let (image, pixels) = (&all[*image], all[*image].size[0] * all[*image].size[1]);
                let values =
                    image.values.iter().enumerate().map(|(at, value)| value * all[*gate].values[at / pixels]);
                Planes { values: values.collect(), ..image.clone() }
            }
            _ => unreachable!("no other steps"),
        };
        all.push(next);
    }
    all
}

fn convolution(
    from: usize,
    shape: [usize; 4],
    window: Window,
    add: Option<usize>,
    activation: Activation,
) -> Convolution {
    let [inputs, outputs, seed, _] = shape;
    let taps = window.kernel[0] * window.kernel[1] * inputs;
    let weights = normals(seed as u64, outputs * taps, (1.5 / taps as f32).sqrt());
    let bias = normals(seed as u64 + 1, outputs, 0.2);
    Convolution { from, weights, steps: None, bias, window, add, activation }
}

fn square(kernel: usize, stride: usize, padding: usize) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 4] }
}

fn linear(from: usize, inputs: usize, outputs: usize, activation: Activation) -> ConvolutionStep {
    let layer = Linear::new(normals(77, inputs * outputs, 0.3), normals(78, outputs, 0.2), inputs);
    ConvolutionStep::Linear { from, layer, activation }
}

/// Odd sizes, an unequal border, channels that fill no word or panel, a depthwise step, a gate, a residual.
fn network(channels: usize) -> ConvolutionDescription {
    use Activation::{HardSigmoid, HardSwish, None as Plain, Relu};
    let lopsided = Window { kernel: [3, 5], stride: [2, 1], padding: [1, 0, 2, 3] };
    let steps = vec![
        ConvolutionStep::Convolution(convolution(0, [channels, 18, 1, 0], lopsided, None, HardSwish)),
        ConvolutionStep::MaxPool { from: 1, window: square(3, 2, 1) },
        ConvolutionStep::Depthwise(convolution(2, [1, 18, 3, 0], square(5, 1, 2), None, Relu)),
        ConvolutionStep::Mean { from: 3 },
        linear(4, 18, 7, Relu),
        linear(5, 7, 18, HardSigmoid),
        ConvolutionStep::Gate { image: 3, gate: 6 },
        ConvolutionStep::Convolution(convolution(7, [18, 18, 5, 0], square(1, 1, 0), Some(2), Plain)),
        ConvolutionStep::Convolution(convolution(8, [18, 35, 7, 0], square(3, 1, 1), None, Relu)),
    ];
    ConvolutionDescription { input: [channels, 13, 17], steps }
}

fn run(plan: &ConvolutionPlan, input: &[f32], length: usize) -> Vec<f32> {
    let mut output = vec![f32::NAN; length];
    plan.run(&mut plan.workspace(), input, &mut output).unwrap();
    output
}

fn isas() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

#[test]
fn floating_point_is_the_definition_on_every_isa() {
    for channels in [1, 3, 6] {
        let description = network(channels);
        let input = normals(20, channels * 13 * 17, 1.0);
        let expected = reference(&description, &input).pop().unwrap().values;
        let judge = run(&ConvolutionPlan::float(&description, Isa::Scalar).unwrap(), &input, expected.len());
        for (got, expected) in judge.iter().zip(&expected) {
            assert!((f64::from(*got) - expected).abs() < 2e-5, "{got} {expected}");
        }
        for isa in isas() {
            let plan = ConvolutionPlan::float(&description, isa).unwrap();
            assert_eq!(run(&plan, &input, expected.len()), judge, "{isa:?}");
        }
    }
}

#[test]
fn integers_stay_near_and_are_the_same_on_every_isa() {
    for channels in [1, 3, 6] {
        let description = network(channels);
        let input = normals(20, channels * 13 * 17, 1.0);
        let all = reference(&description, &input);
        let range = |planes: &Planes| Range {
            low: planes.values.iter().copied().fold(0.0, f64::min) as f32,
            high: planes.values.iter().copied().fold(0.0, f64::max) as f32,
        };
        let ranges: Vec<Range> = all.iter().map(range).collect();
        let expected = &all[all.len() - 1].values;
        let judge =
            run(&ConvolutionPlan::int8(&description, &ranges, Isa::Scalar).unwrap(), &input, expected.len());
        let dot = |a: &mut dyn Iterator<Item = (f64, f64)>| a.map(|(a, b)| a * b).sum::<f64>();
        let got = || judge.iter().copied().map(f64::from);
        let (across, one, other) = (
            dot(&mut got().zip(expected.iter().copied())),
            dot(&mut got().zip(got())),
            dot(&mut expected.iter().copied().zip(expected.iter().copied())),
        );
        let cosine = across / (one * other).sqrt();
        assert!(cosine > 0.998, "{cosine}");
        for isa in isas() {
            let plan = ConvolutionPlan::int8(&description, &ranges, isa).unwrap();
            assert_eq!(run(&plan, &input, expected.len()), judge, "{isa:?}");
        }
    }
}

#[test]
fn calibration_sees_least_and_greatest_of_every_image() {
    let description = network(3);
    let input = normals(21, 3 * 13 * 17, 1.0);
    let plan = ConvolutionPlan::float(&description, Isa::best()).unwrap();
    let mut workspace = plan.workspace();
    let all = reference(&description, &input);
    let mut output = vec![0.0; all[all.len() - 1].values.len()];
    plan.run(&mut workspace, &input, &mut output).unwrap();
    for (planes, range) in all.iter().zip(plan.ranges(&workspace)).filter(|(planes, _)| planes.size != [1, 1])
    {
        let high = planes.values.iter().copied().fold(0.0, f64::max);
        let low = planes.values.iter().copied().fold(0.0, f64::min);
        assert!((high - f64::from(range.high)).abs() < 1e-4 && (low - f64::from(range.low)).abs() < 1e-4);
    }
}

#[test]
fn a_run_takes_no_memory_and_remembers_nothing() {
    let description = network(1);
    let ranges = vec![Range { low: -4.0, high: 4.0 }; description.steps.len() + 1];
    let (first, second) = (normals(1, 13 * 17, 1.0), normals(2, 13 * 17, 1.0));
    for plan in [
        ConvolutionPlan::float(&description, Isa::best()).unwrap(),
        ConvolutionPlan::int8(&description, &ranges, Isa::best()).unwrap(),
    ] {
        let length = reference(&description, &first).pop().unwrap().values.len();
        let fresh = run(&plan, &first, length);
        let (mut workspace, mut output) = (plan.workspace(), vec![0.0; length]);
        plan.run(&mut workspace, &second, &mut output).unwrap();
        let taken = allocation_counter::measure(|| plan.run(&mut workspace, &first, &mut output).unwrap());
        assert_eq!((taken.count_total, output), (0, fresh));
    }
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    let mut description = network(3);
    description.steps.insert(0, ConvolutionStep::Mean { from: 0 });
    let refused = ConvolutionPlan::float(&description, Isa::best()).unwrap_err();
    assert_eq!(refused.to_string(), "step 2 does not fit what goes into it");
    let refused = ConvolutionPlan::int8(&network(3), &[Range::default()], Isa::best()).unwrap_err();
    assert_eq!(refused.to_string(), "ranges: expected 10 values, got 1");
}

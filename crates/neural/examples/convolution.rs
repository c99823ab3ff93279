//! Times two convolutional networks with random weights on one 224 × 224 image: `cnn`, ten plain convolutions of 0.415 Gop in
//! all, and `mobilenet`, the shape of MobileNetV3-small. Calibrates by least and greatest on three images.
#![allow(clippy::unwrap_used)] // an example stops at the first thing that is wrong
use neural::{plan::*, *};

/// CPU time of this thread so far, s.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() * 1e-9
}

struct Build {
    seed: u64,
    steps: Vec<ConvolutionStep>,
}

impl Build {
    fn noise(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        let mut next = || {
            self.seed =
                self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        (0..count).map(|_| (next() + next() + next() + next()) * 1.73 * deviation).collect()
    }

    fn push(&mut self, step: ConvolutionStep) -> usize {
        self.steps.push(step);
        self.steps.len()
    }

    /// Inputs, outputs and the kernel's size; `inputs` 0 is a depthwise convolution.
    fn conv(
        &mut self,
        from: usize,
        [inputs, outputs, kernel, stride]: [usize; 4],
        activation: Activation,
    ) -> usize {
        let taps = inputs.max(1) * kernel * kernel;
        let window = Window { kernel: [kernel; 2], stride: [stride; 2], padding: [kernel / 2; 4] };
        let weights = self.noise(outputs * taps, (2.0 / taps as f32).sqrt());
        let bias = vec![0.0; outputs];
        let it = Convolution { from, weights, steps: None, bias, window, add: None, activation };
        self.push(if inputs == 0 { ConvolutionStep::Depthwise(it) } else { ConvolutionStep::Convolution(it) })
    }

    fn linear(&mut self, from: usize, inputs: usize, outputs: usize, activation: Activation) -> usize {
        let weights = self.noise(inputs * outputs, (2.0 / inputs as f32).sqrt());
        self.push(ConvolutionStep::Linear {
            from,
            layer: Linear::new(weights, vec![0.0; outputs], inputs),
            activation,
        })
    }
}

fn cnn() -> Vec<ConvolutionStep> {
    let mut it = Build { seed: 1, steps: vec![] };
    let mut x = it.conv(0, [1, 32, 7, 2], Activation::Relu);
    let window = Window { kernel: [2; 2], stride: [2; 2], padding: [0; 4] };
    x = it.push(ConvolutionStep::MaxPool { from: x, window });
    let mut inputs = 32;
    for (outputs, stride) in [(32, 1), (64, 2), (128, 2), (256, 2)] {
        x = it.conv(x, [inputs, outputs, 3, stride], Activation::Relu);
        x = it.conv(x, [outputs, outputs, 3, 1], Activation::Relu);
        inputs = outputs;
    }
    x = it.push(ConvolutionStep::Mean { from: x });
    it.linear(x, 256, 10, Activation::None);
    it.steps
}

fn mobilenet() -> Vec<ConvolutionStep> {
    use Activation::{HardSigmoid, HardSwish, None as Plain, Relu};
    const BLOCKS: [(usize, usize, usize, usize, bool, bool, usize); 11] = [
        (16, 3, 16, 16, true, false, 2),
        (16, 3, 72, 24, false, false, 2),
        (24, 3, 88, 24, false, false, 1),
        (24, 5, 96, 40, true, true, 2),
        (40, 5, 240, 40, true, true, 1),
        (40, 5, 240, 40, true, true, 1),
        (40, 5, 120, 48, true, true, 1),
        (48, 5, 144, 48, true, true, 1),
        (48, 5, 288, 96, true, true, 2),
        (96, 5, 576, 96, true, true, 1),
        (96, 5, 576, 96, true, true, 1),
    ];
    let mut it = Build { seed: 2, steps: vec![] };
    let mut x = it.conv(0, [1, 16, 3, 2], HardSwish);
    for (inputs, kernel, wide, outputs, gate, swish, stride) in BLOCKS {
        let activation = if swish { HardSwish } else { Relu };
        let mut y = if wide == inputs { x } else { it.conv(x, [inputs, wide, 1, 1], activation) };
        y = it.conv(y, [0, wide, kernel, stride], activation);
        if gate {
            let squeezed = ((wide / 4 + 4) / 8 * 8).max(8);
            let mean = it.push(ConvolutionStep::Mean { from: y });
            let squeeze = it.linear(mean, wide, squeezed, Relu);
            let gate = it.linear(squeeze, squeezed, wide, HardSigmoid);
            y = it.push(ConvolutionStep::Gate { image: y, gate });
        }
        y = it.conv(y, [wide, outputs, 1, 1], Plain);
        if stride == 1
            && inputs == outputs
            && let Some(ConvolutionStep::Convolution(last)) = it.steps.last_mut()
        {
            last.add = Some(x);
        }
        x = y;
    }
    x = it.conv(x, [96, 576, 1, 1], HardSwish);
    x = it.push(ConvolutionStep::Mean { from: x });
    x = it.linear(x, 576, 1024, HardSwish);
    it.linear(x, 1024, 10, Plain);
    it.steps
}

fn main() {
    let only = std::env::args().nth(1);
    for (name, steps) in [("cnn", cnn()), ("mobilenet", mobilenet())] {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let description = ConvolutionDescription { input: [1, 224, 224], steps };
        let mut noise = Build { seed: 9, steps: vec![] };
        let images: Vec<Vec<f32>> = (0..4).map(|_| noise.noise(224 * 224, 1.0)).collect();
        let float = ConvolutionPlan::float(&description, Isa::best()).unwrap();
        let (mut workspace, mut expected) = (float.workspace(), vec![0.0; 10]);
        let mut ranges = vec![Range::default(); description.steps.len() + 1];
        for image in &images[1..] {
            float.run(&mut workspace, image, &mut expected).unwrap();
            for (range, new) in ranges.iter_mut().zip(float.ranges(&workspace)) {
                *range = Range { low: range.low.min(new.low), high: range.high.max(new.high) };
            }
        }
        float.run(&mut workspace, &images[0], &mut expected).unwrap();
        let int8 = ConvolutionPlan::int8(&description, &ranges, Isa::best()).unwrap();
        for (kind, plan) in [("f32", &float), ("int8", &int8)] {
            let (mut workspace, mut output) = (plan.workspace(), vec![0.0; 10]);
            const RUNS: u32 = 300;
            let (start, mut best) = (cpu(), f64::MAX);
            for _ in 0..RUNS {
                let start = std::time::Instant::now();
                plan.run(&mut workspace, &images[0], &mut output).unwrap();
                best = best.min(start.elapsed().as_secs_f64() * 1e3);
            }
            let mean = (cpu() - start) * 1e3 / f64::from(RUNS);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let cosine = dot(&output, &expected) / (dot(&output, &output) * dot(&expected, &expected)).sqrt();
            println!("{name} {kind}: CPU {mean:.3} ms, fastest {best:.3} ms, cosine {cosine:.5}");
        }
    }
}

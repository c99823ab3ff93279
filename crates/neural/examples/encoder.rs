//! Times an encoder of MiniLM's shape with random weights: 6 blocks, width 384, 12 heads, hidden 1536, 128 tokens.
#![allow(clippy::unwrap_used)] // an example stops at the first thing that is wrong
use neural::{bench::Peak, plan::*, *};

/// CPU time of this thread so far, s.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() * 1e-9
}

fn noise(seed: &mut u64, count: usize, deviation: f32) -> Vec<f32> {
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..count).map(|_| (next() + next() + next() + next()) * 1.73 * deviation).collect()
}

fn linear(seed: &mut u64, inputs: usize, outputs: usize) -> Linear {
    let weights = noise(seed, inputs * outputs, 1.0 / (inputs as f32).sqrt());
    Linear::new(weights, noise(seed, outputs, 0.05), inputs)
}

fn norm(width: usize) -> Norm {
    Norm { scale: vec![1.0; width], shift: vec![0.0; width], epsilon: 1e-5 }
}

fn main() {
    let a: Vec<usize> = std::env::args().skip(1).filter_map(|it| it.parse().ok()).collect();
    let (tokens, width, heads, hidden, blocks, pre) = match a[..] {
        [t, w, h, u, b, p] => (t, w, h, u, b, p == 1),
        _ => (128, 384, 12, 1536, 6, false),
    };
    let peak = Peak::measure(Isa::best());
    println!("peak {:.0} int8, {:.0} f32 Gop/s", peak.int8 / 1e9, peak.float / 1e9);
    let seed = &mut 1;
    let mut block = || EncoderBlock {
        query: linear(seed, width, width),
        key: linear(seed, width, width),
        value: linear(seed, width, width),
        output: linear(seed, width, width),
        up: linear(seed, width, hidden),
        down: linear(seed, hidden, width),
        attention_norm: norm(width),
        linear_norm: norm(width),
    };
    let description = EncoderDescription {
        heads,
        residual: if pre { Residual::PreNorm } else { Residual::PostNorm },
        activation: Activation::Gelu,
        blocks: (0..blocks).map(|_| block()).collect(),
        last_norm: None,
    };
    let input = noise(&mut 7, tokens * width, 1.0);
    let only = std::env::var("ONLY").ok();
    for precision in [Precision::Int8, Precision::Float]
        .into_iter()
        .filter(|it| only.as_ref().is_none_or(|only| *only == format!("{it:?}")))
    {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available() && *isa != Isa::Scalar) {
            let plan = EncoderPlan::new(&description, precision, isa).unwrap();
            let mut workspace = plan.workspace(1, tokens);
            let mut output = vec![0.0; input.len()];
            let mut times: Vec<f64> = (0..if tokens > 1000 { 3 } else { 60 })
                .map(|_| {
                    let start = cpu();
                    plan.run(&mut workspace, &input, None, &mut output).unwrap();
                    (cpu() - start) * 1e3
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!(
                "{precision:?} {isa:?}: min {:.2} median {:.2} ms; {}",
                times[0],
                times[times.len() / 2],
                output[0]
            );
        }
    }
}

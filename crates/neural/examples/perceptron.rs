//! Times a perceptron with random weights: 450-256-64-2, or the widths given.
#![allow(clippy::unwrap_used)] // an example stops at the first thing that is wrong
use neural::{plan::*, *};
use std::time::Instant;

fn main() {
    let mut widths: Vec<usize> = std::env::args().skip(1).filter_map(|it| it.parse().ok()).collect();
    if widths.is_empty() {
        widths = vec![450, 256, 64, 2];
    }
    let value = |at: usize| ((at * 7919 % 1000) as f32 / 1000.0 - 0.5) * 0.2;
    let layer = |pair: &[usize]| {
        let (inputs, outputs) = (pair[0], pair[1]);
        (
            Linear::new((0..inputs * outputs).map(value).collect(), vec![0.1; outputs], inputs),
            Activation::Relu,
        )
    };
    let layers: Vec<_> = widths.windows(2).map(layer).collect();
    for precision in [Precision::Float, Precision::Int8] {
        let plan = PerceptronPlan::new(&layers, precision, Isa::best()).unwrap();
        for rows in [1, 8, 64] {
            let mut workspace = plan.workspace(rows);
            let input: Vec<f32> = (0..rows * widths[0]).map(value).collect();
            let mut output = vec![0.0; rows * widths[widths.len() - 1]];
            let mut times: Vec<f64> = (0..3000)
                .map(|_| {
                    let start = Instant::now();
                    plan.run(&mut workspace, &input, &mut output).unwrap();
                    start.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!(
                "{precision:?} {rows} rows: min {:.4} median {:.4} ms",
                times[0],
                times[times.len() / 2]
            );
        }
    }
}

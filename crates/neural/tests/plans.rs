//! What every plan owes: the same bits from every set of instructions, in any company, and no memory taken by a run.
//! Integers stay near floating point.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

use neural::plan::{
    Activation, EncoderBlock, EncoderDescription, EncoderPlan, Linear, Norm, PerceptronPlan, PlanError,
    Residual,
};
use neural::{Isa, Precision};

/// Numbers that look random and are the same every time: about normal, deviation 1.
fn normals(seed: u64, count: usize, deviation: f32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    (0..count).map(|_| ((0..12).map(|_| next()).sum::<f32>() - 6.0) * deviation).collect()
}

fn linear(seed: u64, inputs: usize, outputs: usize) -> Linear {
    let deviation = 1.0 / (inputs as f32).sqrt();
    Linear::new(normals(seed, inputs * outputs, deviation), normals(seed + 1, outputs, 0.1), inputs)
}

/// A norm whose scales differ by column, with a few that stand out, as trained ones do.
fn norm(seed: u64, width: usize) -> Norm {
    let mut scale: Vec<f32> = normals(seed, width, 0.2).iter().map(|value| 1.0 + value).collect();
    scale.iter_mut().step_by(61).for_each(|value| *value *= 4.0);
    Norm { scale, shift: normals(seed + 1, width, 0.1), epsilon: 1e-5 }
}

fn encoder(width: usize, hidden: usize, heads: usize, blocks: u64, residual: Residual) -> EncoderDescription {
    let block = |at: u64| EncoderBlock {
        query: linear(at, width, width),
        key: linear(at + 10, width, width),
        value: linear(at + 20, width, width),
        output: linear(at + 30, width, width),
        up: linear(at + 40, width, hidden),
        down: linear(at + 50, hidden, width),
        attention_norm: norm(at + 60, width),
        linear_norm: norm(at + 70, width),
    };
    let last_norm = (residual == Residual::PreNorm).then(|| norm(999, width));
    let blocks = (0..blocks).map(|at| block(at * 100 + 1)).collect();
    EncoderDescription { heads, residual, activation: Activation::Gelu, blocks, last_norm }
}

fn encode(plan: &EncoderPlan, tokens: usize, input: &[f32], mask: Option<&[bool]>, width: usize) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    let mut workspace = plan.workspace(input.len() / tokens / width, tokens);
    plan.run(&mut workspace, input, mask, &mut output).unwrap();
    output
}

fn isas() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The mean over tokens, as a sentence embedding takes it.
fn pooled(values: &[f32], width: usize) -> Vec<f32> {
    (0..width).map(|d| values.iter().skip(d).step_by(width).sum()).collect()
}

#[test]
fn an_encoder_in_integers_stays_near_floating_point() {
    for residual in [Residual::PostNorm, Residual::PreNorm] {
        let (width, tokens) = (128, 64);
        let description = encoder(width, 512, 4, 6, residual);
        let [float, int8] = [Precision::Float, Precision::Int8]
            .map(|precision| EncoderPlan::new(&description, precision, Isa::best()).unwrap());
        for seed in 0..3 {
            let input = normals(500 + seed, tokens * width, 1.0);
            let a = encode(&float, tokens, &input, None, width);
            let b = encode(&int8, tokens, &input, None, width);
            assert_ne!(a, b);
            let (all, pool) = (cosine(&a, &b), cosine(&pooled(&a, width), &pooled(&b, width)));
            assert!(all > 0.998 && pool > 0.998, "{residual:?}: cosine {all:.5}, pooled {pool:.5}");
        }
    }
}

#[test]
fn an_encoder_gives_the_same_bits_on_every_isa() {
    for (residual, precision) in
        [(Residual::PostNorm, Precision::Int8), (Residual::PreNorm, Precision::Float)]
    {
        let (width, tokens) = (40, 19);
        let description = encoder(width, 72, 5, 2, residual);
        let input = normals(7, 2 * tokens * width, 1.0);
        let mask: Vec<bool> = (0..2 * tokens).map(|at| at % 7 != 3).collect();
        let run = |isa| {
            let plan = EncoderPlan::new(&description, precision, isa).unwrap();
            encode(&plan, tokens, &input, Some(&mask), width)
        };
        let judge = run(Isa::Scalar);
        assert!(judge.iter().all(|value| value.is_finite()));
        for isa in isas() {
            assert_eq!(run(isa), judge, "{isa:?} {precision:?}");
        }
    }
}

#[test]
fn a_sequence_does_not_depend_on_its_company_or_on_hidden_tokens() {
    let (width, tokens) = (48, 21);
    let description = encoder(width, 96, 3, 2, Residual::PostNorm);
    let plan = EncoderPlan::new(&description, Precision::Int8, Isa::best()).unwrap();
    let input = normals(9, 5 * tokens * width, 1.0);
    let together = encode(&plan, tokens, &input, None, width);
    for at in 0..5 {
        let part = at * tokens * width..(at + 1) * tokens * width;
        assert_eq!(encode(&plan, tokens, &input[part.clone()], None, width), together[part]);
    }
    let shorter = 13;
    let mask: Vec<bool> = (0..tokens).map(|at| at < shorter).collect();
    let padded = encode(&plan, tokens, &input[..tokens * width], Some(&mask), width);
    let alone = encode(&plan, shorter, &input[..shorter * width], None, width);
    assert_eq!(padded[..shorter * width], alone);
}

#[test]
fn runs_take_no_memory() {
    let description = encoder(64, 128, 4, 2, Residual::PreNorm);
    let layers = [(linear(1, 45, 30), Activation::Relu), (linear(2, 30, 2), Activation::None)];
    for precision in [Precision::Float, Precision::Int8] {
        let plan = EncoderPlan::new(&description, precision, Isa::best()).unwrap();
        let (input, mut output) = (normals(1, 2 * 30 * 64, 1.0), vec![0.0; 2 * 30 * 64]);
        let mut workspace = plan.workspace(2, 30);
        let mask = vec![true; 60];
        let taken = allocation_counter::measure(|| {
            plan.run(&mut workspace, &input, Some(&mask), &mut output).unwrap()
        });
        assert_eq!(taken.count_total, 0, "{precision:?}");

        let plan = PerceptronPlan::new(&layers, precision, Isa::best()).unwrap();
        let (input, mut output) = (normals(1, 3 * 45, 1.0), vec![0.0; 3 * 2]);
        let mut workspace = plan.workspace(3);
        let taken = allocation_counter::measure(|| plan.run(&mut workspace, &input, &mut output).unwrap());
        assert_eq!(taken.count_total, 0, "{precision:?}");
    }
}

#[test]
fn a_perceptron_is_its_formula_row_by_row_on_every_isa() {
    let layers = [
        (linear(3, 45, 30), Activation::Relu),
        (linear(4, 30, 18), Activation::Relu),
        (linear(5, 18, 2), Activation::None),
    ];
    let input = normals(6, 5 * 45, 1.0);
    let mut expected = input.clone();
    for (layer, activation) in &layers {
        let row = |row: &[f32]| -> Vec<f32> {
            let sum = |column: usize| {
                let term = |(k, x): (usize, &f32)| x * layer.weights[k * layer.outputs() + column];
                let value = row.iter().enumerate().map(term).sum::<f32>() + layer.bias[column];
                if *activation == Activation::Relu { value.max(0.0) } else { value }
            };
            (0..layer.outputs()).map(sum).collect()
        };
        expected = expected.chunks(layer.inputs).flat_map(row).collect();
    }
    let run = |isa, precision, input: &[f32]| {
        let plan = PerceptronPlan::new(&layers, precision, isa).unwrap();
        let mut output = vec![0.0; input.len() / 45 * 2];
        plan.run(&mut plan.workspace(input.len() / 45), input, &mut output).unwrap();
        output
    };
    for precision in [Precision::Float, Precision::Int8] {
        let judge = run(Isa::Scalar, precision, &input);
        let tolerance = if precision == Precision::Float { 1e-5 } else { 0.05 };
        assert!(
            judge.iter().zip(&expected).all(|(a, b)| (a - b).abs() < tolerance),
            "{judge:?} {expected:?}"
        );
        for isa in isas() {
            assert_eq!(run(isa, precision, &input), judge, "{isa:?}");
            assert_eq!(run(isa, precision, &input[90..135]), judge[4..6], "{isa:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let mut description = encoder(64, 128, 4, 1, Residual::PostNorm);
    description.blocks[0].down.weights.pop();
    let refused = EncoderPlan::new(&description, Precision::Int8, Isa::best()).unwrap_err();
    assert_eq!(refused.to_string(), "down: expected 8192 weights, got 8191");
    description.heads = 5;
    let refused = EncoderPlan::new(&description, Precision::Int8, Isa::best()).unwrap_err();
    assert_eq!(refused, PlanError::Heads { heads: 5, width: 64 });

    let plan =
        EncoderPlan::new(&encoder(64, 128, 4, 1, Residual::PostNorm), Precision::Int8, Isa::best()).unwrap();
    let mut workspace = plan.workspace(1, 10);
    let mut output = vec![0.0; 640];
    let refusal = |input: usize, mask: Option<usize>, output: &mut [f32], workspace: &mut _| {
        let mask = mask.map(|length| vec![true; length]);
        plan.run(workspace, &vec![0.0; input], mask.as_deref(), output).unwrap_err().to_string()
    };
    assert_eq!(refusal(641, None, &mut output, &mut workspace), "input: expected 640 values, got 641");
    assert_eq!(refusal(640, Some(9), &mut output, &mut workspace), "mask: expected 10 values, got 9");
    assert_eq!(refusal(640, None, &mut output[..3], &mut workspace), "output: expected 640 values, got 3");
    assert_eq!(
        refusal(1280, None, &mut [0.0; 1280], &mut workspace),
        "workspace: expected 10 values, got 20"
    );
}

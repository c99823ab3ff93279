//! Whisper's encoder as a graph, against its formula written out in `f64`.

use std::collections::BTreeMap;

use neural::{Graph, Network, Tensor, Tensors, Weights, whisper_encoder};

use crate::{
    files::{CTranslate2, Numbers},
    judge::{difference, judged},
};

/// Adds a tensor of a name and shape, its numbers about a middle within a spread.
type Add<'a> = dyn FnMut(String, &[usize], f32, f32) + 'a;

const BANDS: usize = 4;
const WIDTH: usize = 32;
const HEADS: usize = 2;
const FRAMES: usize = 6;
const INNER: usize = 48;
const LAYERS: usize = 2;

type Named = BTreeMap<String, Vec<f32>>;

/// Weights of a small encoder, and the file that holds them.
fn small() -> (Named, Vec<u8>) {
    let (mut numbers, mut named, mut file) = (Numbers::new(3), Named::new(), CTranslate2::new());
    let mut add = |name: String, shape: &[usize], middle: f32, scale: f32| {
        let values: Vec<f32> =
            numbers.many(shape.iter().product(), scale).iter().map(|it| it + middle).collect();
        file.floats(&name, shape, &values);
        named.insert(name, values);
    };
    for (name, inputs) in [("conv1", BANDS), ("conv2", WIDTH)] {
        add(format!("encoder/{name}/weight"), &[WIDTH, inputs, 3], 0.0, 0.4);
        add(format!("encoder/{name}/bias"), &[WIDTH], 0.0, 0.1);
    }
    add("encoder/position_encodings/encodings".into(), &[FRAMES, WIDTH], 0.0, 1.0);
    let norms = |add: &mut Add<'_>, name: String| {
        add(format!("{name}/gamma"), &[WIDTH], 1.0, 0.3);
        add(format!("{name}/beta"), &[WIDTH], 0.0, 0.3);
    };
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder/layer_{layer}/{part}");
        norms(&mut add, name("self_attention/layer_norm"));
        norms(&mut add, name("ffn/layer_norm"));
        let linears = [
            ("self_attention/linear_0", 3 * WIDTH, WIDTH),
            ("self_attention/linear_1", WIDTH, WIDTH),
            ("ffn/linear_0", INNER, WIDTH),
            ("ffn/linear_1", WIDTH, INNER),
        ];
        for (part, outputs, inputs) in linears {
            add(name(&format!("{part}/weight")), &[outputs, inputs], 0.0, 0.3);
            add(name(&format!("{part}/bias")), &[outputs], 0.0, 0.1);
        }
    }
    norms(&mut add, "encoder/layer_norm".into());
    file.heads("encoder/num_heads", HEADS as i16);
    (named, file.done("WhisperSpec"))
}

/// Rows of states.
type States = Vec<Vec<f64>>;

fn of(named: &Named, name: &str) -> Vec<f64> {
    named[name].iter().map(|&it| f64::from(it)).collect()
}

/// erf by its series; exact to 1e-15 for the values here.
fn erf(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

fn convolved(named: &Named, name: &str, from: &States, step: usize) -> States {
    let (kernel, bias) =
        (of(named, &format!("encoder/{name}/weight")), of(named, &format!("encoder/{name}/bias")));
    let (inputs, length) = (from.len(), from[0].len());
    let at = |out: usize, place: usize| {
        let mut sum = bias[out];
        for (input, row) in from.iter().enumerate() {
            for k in 0..3 {
                let from = (place * step + k).checked_sub(1).filter(|it| *it < length);
                sum += from.map_or(0.0, |it| row[it] * kernel[(out * inputs + input) * 3 + k]);
            }
        }
        gelu(sum)
    };
    (0..WIDTH).map(|out| (0..length.div_ceil(step)).map(|place| at(out, place)).collect()).collect()
}

fn normed(named: &Named, name: &str, states: &States) -> States {
    let (scale, shift) = (of(named, &format!("{name}/gamma")), of(named, &format!("{name}/beta")));
    let row = |row: &Vec<f64>| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let value = |(at, it): (usize, &f64)| (it - mean) / (variance + 1e-5).sqrt() * scale[at] + shift[at];
        row.iter().enumerate().map(value).collect()
    };
    states.iter().map(row).collect()
}

fn linear(named: &Named, name: &str, states: &States) -> States {
    let (matrix, bias) = (of(named, &format!("{name}/weight")), of(named, &format!("{name}/bias")));
    let out = |row: &Vec<f64>, out: usize| {
        bias[out] + row.iter().zip(&matrix[out * row.len()..]).map(|(a, b)| a * b).sum::<f64>()
    };
    states.iter().map(|row| (0..bias.len()).map(|it| out(row, it)).collect()).collect()
}

fn attended(named: &Named, name: &str, states: &States) -> States {
    let all = linear(named, &format!("{name}/linear_0"), states);
    let head_width = WIDTH / HEADS;
    let part = |row: &[f64], which: usize, head: usize| {
        row[which * WIDTH + head * head_width..][..head_width].to_vec()
    };
    let mixed = |row: &Vec<f64>| {
        let head = |head: usize| {
            let query = part(row, 0, head);
            let product =
                |other: &Vec<f64>| query.iter().zip(part(other, 1, head)).map(|(a, b)| a * b).sum::<f64>();
            let shares: Vec<f64> =
                all.iter().map(|it| (product(it) / (head_width as f64).sqrt()).exp()).collect();
            let sum: f64 = shares.iter().sum();
            let values: Vec<Vec<f64>> = all.iter().map(|it| part(it, 2, head)).collect();
            let mixed =
                |at: usize| values.iter().zip(&shares).map(|(it, share)| share / sum * it[at]).sum::<f64>();
            (0..head_width).map(mixed).collect::<Vec<f64>>()
        };
        (0..HEADS).flat_map(head).collect()
    };
    linear(named, &format!("{name}/linear_1"), &all.iter().map(mixed).collect())
}

fn plus(a: &States, b: &States) -> States {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn by_formula(named: &Named, mel: &[f32]) -> States {
    let mel: States =
        mel.chunks(2 * FRAMES).map(|row| row.iter().map(|&it| f64::from(it)).collect()).collect();
    let stem = convolved(named, "conv2", &convolved(named, "conv1", &mel, 1), 2);
    let places = of(named, "encoder/position_encodings/encodings");
    let turned = |frame: usize| (0..WIDTH).map(|at| stem[at][frame] + places[frame * WIDTH + at]).collect();
    let mut states: States = (0..FRAMES).map(turned).collect();
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder/layer_{layer}/{part}");
        let mixed = attended(
            named,
            &name("self_attention"),
            &normed(named, &name("self_attention/layer_norm"), &states),
        );
        states = plus(&states, &mixed);
        let up = linear(named, &name("ffn/linear_0"), &normed(named, &name("ffn/layer_norm"), &states));
        let active = up.iter().map(|row| row.iter().map(|&it| gelu(it)).collect()).collect();
        states = plus(&states, &linear(named, &name("ffn/linear_1"), &active));
    }
    normed(named, "encoder/layer_norm", &states)
}

fn mel(batch: usize) -> Tensors {
    let values = Numbers::new(9).many(batch * BANDS * 2 * FRAMES, 1.0);
    [("mel", Tensor::f32([batch, BANDS, 2 * FRAMES], values).unwrap())].into_iter().collect()
}

#[test]
fn the_encoder_gives_what_its_formula_says_for_every_item_of_a_batch() {
    let (named, file) = small();
    let graph = whisper_encoder(&Weights::from_bytes(file).unwrap()).unwrap();
    let inputs = mel(2);
    let got = Network::by_rten(&graph, 1).unwrap().run(&inputs).unwrap();
    let got = got.get("states").unwrap();
    assert_eq!(got.shape(), [2, FRAMES, WIDTH]);
    let given = inputs.get("mel").unwrap().as_f32().unwrap();
    for (item, mel) in given.chunks(BANDS * 2 * FRAMES).enumerate() {
        let expected: Vec<f64> = by_formula(&named, mel).concat();
        for (at, expected) in expected.iter().enumerate() {
            let got = f64::from(got.as_f32().unwrap()[item * FRAMES * WIDTH + at]);
            assert!((got - expected).abs() < 2e-5, "{item} {at}: {got} {expected}");
        }
    }
}

#[test]
fn the_encoder_survives_being_written_as_onnx_and_the_judge_agrees() {
    let graph = whisper_encoder(&Weights::from_bytes(small().1).unwrap()).unwrap();
    assert_eq!(Graph::from_onnx(graph.to_onnx()).unwrap(), graph);
    let ours = Network::by_rten(&graph, 1).unwrap().run(&mel(1)).unwrap();
    if let Some(theirs) = judged(&graph, &mel(1)) {
        assert!(difference(&ours, &theirs) < 2e-5);
    }
}

#[test]
fn weights_of_another_network_or_shape_are_refused() {
    let mut other = CTranslate2::new();
    other.floats("encoder/conv1/weight", &[2], &[0.0; 2]);
    let message = whisper_encoder(&Weights::from_bytes(other.done("TransformerSpec")).unwrap())
        .unwrap_err()
        .to_string();
    assert!(message.contains("WhisperSpec"), "{message}");
    let mut flat = CTranslate2::new();
    flat.floats("encoder/conv1/weight", &[2], &[0.0; 2]);
    let message =
        whisper_encoder(&Weights::from_bytes(flat.done("WhisperSpec")).unwrap()).unwrap_err().to_string();
    assert!(message.contains("three dimensions"), "{message}");
}

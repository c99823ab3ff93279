//! Whisper's encoder and decoder, as graphs and by our plan, against their formulas written out in `f64`.

use std::collections::BTreeMap;

use neural::{
    Graph, Network, Tensor, Tensors, Weights,
    whisper::{decoder_graph, encoder_graph},
};

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
const CONTEXT: usize = 12;
const VOCABULARY: usize = 43;

type Named = BTreeMap<String, Vec<f32>>;

/// Weights of a small encoder and decoder, and the file that holds them.
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
    add("decoder/embeddings/weight".into(), &[VOCABULARY, WIDTH], 0.0, 0.3);
    add("decoder/position_encodings/encodings".into(), &[CONTEXT, WIDTH], 0.0, 0.3);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("decoder/layer_{layer}/{part}");
        for part in ["self_attention", "attention", "ffn"] {
            norms(&mut add, name(&format!("{part}/layer_norm")));
        }
        let linears = [
            ("self_attention/linear_0", 3 * WIDTH, WIDTH),
            ("self_attention/linear_1", WIDTH, WIDTH),
            ("attention/linear_0", WIDTH, WIDTH),
            ("attention/linear_1", 2 * WIDTH, WIDTH),
            ("attention/linear_2", WIDTH, WIDTH),
            ("ffn/linear_0", INNER, WIDTH),
            ("ffn/linear_1", WIDTH, INNER),
        ];
        for (part, outputs, inputs) in linears {
            add(name(&format!("{part}/weight")), &[outputs, inputs], 0.0, 0.3);
            add(name(&format!("{part}/bias")), &[outputs], 0.0, 0.1);
        }
    }
    norms(&mut add, "decoder/layer_norm".into());
    file.heads("encoder/num_heads", HEADS as i16);
    file.heads("decoder/num_heads", HEADS as i16);
    file.byte("decoder/activation", 3);
    file.alias("decoder/projection/weight", "decoder/embeddings/weight");
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

/// Attention of each query to the keys it sees, `seen` of them by its place, head by head.
fn mixed(queries: &States, keys: &States, values: &States, seen: impl Fn(usize) -> usize) -> States {
    let head_width = WIDTH / HEADS;
    let part = |row: &[f64], head: usize| row[head * head_width..][..head_width].to_vec();
    let mixed = |(place, query): (usize, &Vec<f64>)| {
        let head = |head: usize| {
            let query = part(query, head);
            let product = |key: &Vec<f64>| query.iter().zip(part(key, head)).map(|(a, b)| a * b).sum::<f64>();
            let share = |key: &Vec<f64>| (product(key) / (head_width as f64).sqrt()).exp();
            let shares: Vec<f64> = keys[..seen(place)].iter().map(share).collect();
            let sum: f64 = shares.iter().sum();
            let values: Vec<Vec<f64>> = values.iter().map(|it| part(it, head)).collect();
            let mixed =
                |at: usize| values.iter().zip(&shares).map(|(it, share)| share / sum * it[at]).sum::<f64>();
            (0..head_width).map(mixed).collect::<Vec<f64>>()
        };
        (0..HEADS).flat_map(head).collect()
    };
    queries.iter().enumerate().map(mixed).collect()
}

/// The part of each row that starts at `place · WIDTH`.
fn cut(states: &States, place: usize) -> States {
    states.iter().map(|row| row[place * WIDTH..(place + 1) * WIDTH].to_vec()).collect()
}

fn attended(named: &Named, name: &str, states: &States, seen: impl Fn(usize) -> usize) -> States {
    let all = linear(named, &format!("{name}/linear_0"), states);
    let mixed = mixed(&cut(&all, 0), &cut(&all, 1), &cut(&all, 2), seen);
    linear(named, &format!("{name}/linear_1"), &mixed)
}

fn widened(named: &Named, name: &str, states: &States) -> States {
    let up =
        linear(named, &format!("{name}/linear_0"), &normed(named, &format!("{name}/layer_norm"), states));
    let active = up.iter().map(|row| row.iter().map(|&it| gelu(it)).collect()).collect();
    linear(named, &format!("{name}/linear_1"), &active)
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
        let from = normed(named, &name("self_attention/layer_norm"), &states);
        states = plus(&states, &attended(named, &name("self_attention"), &from, |_| FRAMES));
        states = plus(&states, &widened(named, &name("ffn"), &states));
    }
    normed(named, "encoder/layer_norm", &states)
}

/// Logits after each token, given the states of the encoder.
fn decoded_by_formula(named: &Named, states: &States, tokens: &[u32]) -> States {
    let (table, places) =
        (&named["decoder/embeddings/weight"], &named["decoder/position_encodings/encodings"]);
    let row =
        |of: &[f32], at: usize| of[at * WIDTH..][..WIDTH].iter().map(|&it| f64::from(it)).collect::<Vec<_>>();
    let embedded = tokens.iter().map(|&it| row(table, it as usize)).collect();
    let mut rows = plus(&embedded, &(0..tokens.len()).map(|place| row(places, place)).collect());
    for layer in 0..LAYERS {
        let name = |part: &str| format!("decoder/layer_{layer}/{part}");
        let from = normed(named, &name("self_attention/layer_norm"), &rows);
        rows = plus(&rows, &attended(named, &name("self_attention"), &from, |place| place + 1));
        let from = normed(named, &name("attention/layer_norm"), &rows);
        let queries = linear(named, &name("attention/linear_0"), &from);
        let pairs = linear(named, &name("attention/linear_1"), states);
        let mixed = mixed(&queries, &cut(&pairs, 0), &cut(&pairs, 1), |_| states.len());
        rows = plus(&rows, &linear(named, &name("attention/linear_2"), &mixed));
        rows = plus(&rows, &widened(named, &name("ffn"), &rows));
    }
    let logit = |row: &Vec<f64>, token: usize| {
        row.iter().zip(&table[token * WIDTH..]).map(|(a, b)| a * f64::from(*b)).sum()
    };
    let last = normed(named, "decoder/layer_norm", &rows);
    last.iter().map(|row| (0..VOCABULARY).map(|token| logit(row, token)).collect()).collect()
}

fn mel(batch: usize) -> Tensors {
    let values = Numbers::new(9).many(batch * BANDS * 2 * FRAMES, 1.0);
    [("mel", Tensor::f32([batch, BANDS, 2 * FRAMES], values).unwrap())].into_iter().collect()
}

#[path = "whisper/plan.rs"]
mod plan;

#[test]
fn the_encoder_gives_what_its_formula_says_for_every_item_of_a_batch() {
    let (named, file) = small();
    let graph = encoder_graph(&Weights::from_bytes(file).unwrap()).unwrap();
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
    let graph = encoder_graph(&Weights::from_bytes(small().1).unwrap()).unwrap();
    assert_eq!(Graph::from_onnx(graph.to_onnx()).unwrap(), graph);
    let ours = Network::by_rten(&graph, 1).unwrap().run(&mel(1)).unwrap();
    if let Some(theirs) = judged(&graph, &mel(1)) {
        assert!(difference(&ours, &theirs) < 2e-5);
    }
}

/// Two sequences of five tokens, and states to decode them from.
fn decoding() -> Tensors {
    let tokens = Tensor::i64([2, 5], vec![3, 1, 42, 7, 7, 0, 9, 9, 30, 12]).unwrap();
    let states = Tensor::f32([2, 4, WIDTH], Numbers::new(4).many(2 * 4 * WIDTH, 1.0)).unwrap();
    [("tokens", tokens), ("states", states)].into_iter().collect()
}

#[test]
fn the_decoder_gives_what_its_formula_says_and_the_judge_agrees() {
    let (named, file) = small();
    let graph = decoder_graph(&Weights::from_bytes(file).unwrap()).unwrap();
    assert_eq!(Graph::from_onnx(graph.to_onnx()).unwrap(), graph);
    let inputs = decoding();
    let ours = Network::by_rten(&graph, 1).unwrap().run(&inputs).unwrap();
    let got = ours.get("logits").unwrap();
    assert_eq!(got.shape(), [2, 5, VOCABULARY]);
    let (tokens, states) =
        (inputs.get("tokens").unwrap().as_i64().unwrap(), inputs.get("states").unwrap().as_f32().unwrap());
    for item in 0..2 {
        let tokens: Vec<u32> = tokens[item * 5..][..5].iter().map(|&it| it as u32).collect();
        let expected = decoded_by_formula(&named, &rows(&states[item * 4 * WIDTH..][..4 * WIDTH]), &tokens);
        near(&got.as_f32().unwrap()[item * 5 * VOCABULARY..][..5 * VOCABULARY], &expected.concat(), 5e-5);
    }
    if let Some(theirs) = judged(&graph, &inputs) {
        assert!(difference(&ours, &theirs) < 5e-5);
    }
}

fn rows(values: &[f32]) -> States {
    values.chunks(WIDTH).map(|row| row.iter().map(|&it| f64::from(it)).collect()).collect()
}

fn near(got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(*got) - expected).abs() < tolerance, "{at}: {got} {expected}");
    }
}

#[test]
fn more_places_than_any_whisper_has_are_refused_before_a_square_of_them_is_made() {
    let mut long = CTranslate2::new();
    long.zeros("decoder/embeddings/weight", &[2, 16]);
    long.zeros("decoder/position_encodings/encodings", &[1 << 14, 16]);
    long.heads("decoder/num_heads", 1);
    let weights = Weights::from_bytes(long.done("WhisperSpec")).unwrap();
    let message = decoder_graph(&weights).unwrap_err().to_string();
    assert!(message.contains("at most 4096 places, got 16384"), "{message}");
}

#[test]
fn weights_of_another_network_or_shape_are_refused() {
    let mut other = CTranslate2::new();
    other.floats("encoder/conv1/weight", &[2], &[0.0; 2]);
    let message =
        encoder_graph(&Weights::from_bytes(other.done("TransformerSpec")).unwrap()).unwrap_err().to_string();
    assert!(message.contains("WhisperSpec"), "{message}");
    let mut flat = CTranslate2::new();
    flat.floats("encoder/conv1/weight", &[2], &[0.0; 2]);
    let message =
        encoder_graph(&Weights::from_bytes(flat.done("WhisperSpec")).unwrap()).unwrap_err().to_string();
    assert!(message.contains("three dimensions"), "{message}");
}

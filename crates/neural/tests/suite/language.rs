//! A small language network against its formula written out in `f64`.

use std::collections::BTreeMap;

use neural::{Llama, Network, Precision, Tensor, Tensors, Tokens, Weights};

use crate::files::{Gguf, Numbers, q8_0};

const WIDTH: usize = 64;
const HEADS: usize = 4;
const KEY_HEADS: usize = 2;
const HEAD: usize = WIDTH / HEADS;
const INNER: usize = 96;
const VOCABULARY: usize = 48;
const LAYERS: usize = 2;
const BASE: f64 = 10_000.0;

type Named = BTreeMap<String, Vec<f32>>;

/// A small network as floats or Q8_0, and the weights it stands for.
fn small(is_quantised: bool) -> (Named, Weights) {
    let (mut numbers, mut named, mut file) = (Numbers::new(5), Named::new(), Gguf::default());
    file.text("general.architecture", "llama");
    let sizes = [
        ("block_count", LAYERS),
        ("context_length", 64),
        ("embedding_length", WIDTH),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", KEY_HEADS),
    ];
    for (key, size) in sizes {
        file.number(&format!("llama.{key}"), size as u32);
    }
    file.float("llama.attention.layer_norm_rms_epsilon", 1e-5);
    file.float("llama.rope.freq_base", BASE as f32);
    let mut matrix = |name: String, rows: usize, columns: usize| {
        let values = numbers.many(rows * columns, 2.0 / (columns as f32).sqrt());
        let (bytes, exact) = q8_0(&values);
        if is_quantised {
            file.weight(&name, &[rows, columns], 8, &bytes);
        } else {
            file.floats(&name, &[rows, columns], &exact);
        }
        named.insert(name, exact);
    };
    matrix("token_embd.weight".into(), VOCABULARY, WIDTH);
    let keys = KEY_HEADS * HEAD;
    for layer in 0..LAYERS {
        for (part, rows, columns) in [
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", keys, WIDTH),
            ("attn_v", keys, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", INNER, WIDTH),
            ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ] {
            matrix(format!("blk.{layer}.{part}.weight"), rows, columns);
        }
    }
    let norms = (0..LAYERS)
        .flat_map(|it| [format!("blk.{it}.attn_norm.weight"), format!("blk.{it}.ffn_norm.weight")]);
    for name in norms.chain(["output_norm.weight".to_owned()]) {
        let values: Vec<f32> = Numbers::new(8).many(WIDTH, 0.3).iter().map(|it| 1.0 + it).collect();
        file.floats(&name, &[WIDTH], &values);
        named.insert(name, values);
    }
    (named, Weights::from_bytes(file.done()).unwrap())
}

type Row = Vec<f64>;

fn times(named: &Named, name: &str, row: &Row) -> Row {
    let matrix = &named[name];
    matrix.chunks(row.len()).map(|it| it.iter().zip(row).map(|(a, b)| f64::from(*a) * b).sum()).collect()
}

fn normed(named: &Named, name: &str, row: &Row) -> Row {
    let squares = row.iter().map(|it| it * it).sum::<f64>() / row.len() as f64;
    row.iter()
        .zip(&named[name])
        .map(|(it, scale)| it / (squares + f64::from(1e-5_f32)).sqrt() * f64::from(*scale))
        .collect()
}

fn rotated(place: usize, row: &Row) -> Row {
    let turn = |(pair, it): (usize, &[f64])| {
        let angle = place as f64 * BASE.powf(-2.0 * (pair % (HEAD / 2)) as f64 / HEAD as f64);
        [it[0] * angle.cos() - it[1] * angle.sin(), it[0] * angle.sin() + it[1] * angle.cos()]
    };
    row.chunks(2).enumerate().flat_map(turn).collect()
}

/// Logits after every token.
fn by_formula(named: &Named, tokens: &[u32]) -> Vec<Row> {
    let embedded = |&token: &u32| {
        named["token_embd.weight"][token as usize * WIDTH..][..WIDTH]
            .iter()
            .map(|&it| f64::from(it))
            .collect()
    };
    let mut states: Vec<Row> = tokens.iter().map(embedded).collect();
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let from: Vec<Row> = states.iter().map(|it| normed(named, &name("attn_norm"), it)).collect();
        let turned = |part: &str| -> Vec<Row> {
            from.iter()
                .enumerate()
                .map(|(place, it)| rotated(place, &times(named, &name(part), it)))
                .collect()
        };
        let (queries, keys) = (turned("attn_q"), turned("attn_k"));
        let values: Vec<Row> = from.iter().map(|it| times(named, &name("attn_v"), it)).collect();
        for place in 0..tokens.len() {
            let head = |head: usize| {
                let of = head / (HEADS / KEY_HEADS) * HEAD;
                let score = |other: &Row| {
                    (queries[place][head * HEAD..][..HEAD]
                        .iter()
                        .zip(&other[of..])
                        .map(|(a, b)| a * b)
                        .sum::<f64>()
                        / (HEAD as f64).sqrt())
                    .exp()
                };
                let shares: Vec<f64> = keys[..=place].iter().map(score).collect();
                let sum: f64 = shares.iter().sum();
                let values = &values;
                (0..HEAD).map(move |at| {
                    shares.iter().zip(values).map(|(share, it)| share / sum * it[of + at]).sum()
                })
            };
            let mixed: Row = (0..HEADS).flat_map(head).collect();
            let out = times(named, &name("attn_output"), &mixed);
            states[place].iter_mut().zip(out).for_each(|(state, it)| *state += it);
        }
        for state in &mut states {
            let from = normed(named, &name("ffn_norm"), state);
            let (gate, up) = (times(named, &name("ffn_gate"), &from), times(named, &name("ffn_up"), &from));
            let gated = gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
            let down = times(named, &name("ffn_down"), &gated);
            state.iter_mut().zip(down).for_each(|(state, it)| *state += it);
        }
    }
    states
        .iter()
        .map(|it| times(named, "token_embd.weight", &normed(named, "output_norm.weight", it)))
        .collect()
}

const TOKENS: [u32; 21] = [3, 17, 17, 0, 47, 5, 9, 31, 2, 40, 8, 8, 8, 21, 33, 1, 19, 44, 12, 6, 30];

fn logits(llama: &Llama) -> Vec<f32> {
    let states = llama.read(&mut llama.cache(TOKENS.len()).unwrap(), &TOKENS).unwrap();
    llama.logits(&states)
}

/// Greatest difference from the formula, of logits that are some units wide.
fn error(llama: &Llama, named: &Named) -> f64 {
    let expected = by_formula(named, &TOKENS).concat();
    logits(llama)
        .iter()
        .zip(expected)
        .map(|(got, expected)| (f64::from(*got) - expected).abs())
        .fold(0.0, f64::max)
}

#[test]
fn floats_give_what_the_formula_says() {
    let (named, weights) = small(false);
    for precision in [None, Some(Precision::Float)] {
        let error = error(&Llama::open(&weights, precision).unwrap(), &named);
        assert!(error < 5e-5, "{precision:?}: {error}");
    }
}

#[test]
fn blocks_and_int8_come_near_it() {
    let (named, weights) = small(true);
    let stored = error(&Llama::open(&weights, None).unwrap(), &named);
    let int8 = error(&Llama::open(&weights, Some(Precision::Int8)).unwrap(), &named);
    let float = error(&Llama::open(&weights, Some(Precision::Float)).unwrap(), &named);
    assert!(float < 5e-5 && stored < 0.25 && int8 < 0.5, "{float} {stored} {int8}");
}

#[test]
fn a_text_read_in_pieces_gives_the_bits_of_the_whole() {
    for quantised in [false, true] {
        let llama = Llama::open(&small(quantised).1, None).unwrap();
        let mut cache = llama.cache(TOKENS.len()).unwrap();
        let mut states = Vec::new();
        for piece in TOKENS.chunks(4) {
            states.extend(llama.read(&mut cache, piece).unwrap());
        }
        assert_eq!(llama.logits(&states), logits(&llama));
        assert_eq!(cache.len(), TOKENS.len());
    }
}

#[test]
fn probabilities_of_all_next_tokens_add_up_to_one() {
    let llama = Llama::open(&small(true).1, None).unwrap();
    let with_last = |last: u32| {
        let tokens = [&TOKENS[..5], &[last]].concat();
        *llama.log_probabilities(&tokens).unwrap().last().unwrap()
    };
    let sum: f64 = (0..VOCABULARY as u32).map(|it| with_last(it).exp()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert_eq!(llama.log_probabilities(&TOKENS).unwrap().len(), TOKENS.len() - 1);
    assert!(llama.log_probabilities(&[]).unwrap().is_empty());
}

#[test]
fn a_continuation_is_the_likeliest_token_each_time() {
    let llama = Llama::open(&small(false).1, None).unwrap();
    let found = llama.continued(&TOKENS[..4], 6, None).unwrap();
    let mut tokens = TOKENS[..4].to_vec();
    for next in &found {
        let states = llama.read(&mut llama.cache(tokens.len()).unwrap(), &tokens).unwrap();
        let all = llama.logits(&states);
        let last = &all[all.len() - VOCABULARY..];
        assert!(last.iter().all(|it| *it <= last[*next as usize]));
        tokens.push(*next);
    }
    assert_eq!(
        llama.continued(&TOKENS[..4], 6, Some(found[2])).unwrap(),
        found[..found.iter().position(|it| *it == found[2]).unwrap()]
    );
}

#[test]
fn too_long_a_text_and_unknown_tokens_are_refused() {
    let llama = Llama::open(&small(false).1, None).unwrap();
    assert!(llama.log_probabilities(&[1; 65]).unwrap_err().to_string().contains("at most 64 tokens, got 65"));
    assert!(llama.log_probabilities(&[1, 48]).unwrap_err().to_string().contains("a row below 48"));
    let network = Network::new(Box::new(llama));
    let inputs: Tensors = [("tokens", Tensor::i64([2], vec![1, -1]).unwrap())].into_iter().collect();
    assert!(network.run(&inputs).unwrap_err().to_string().contains("0 to 47"));
}

fn vocabulary() -> Weights {
    let mut file = Gguf::default();
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "smollm");
    let words = ["<|end|>", "a", "b", "Ġ", "1", "2", "ab", "Ġa", "Ġab"].map(str::to_owned);
    file.texts("tokenizer.ggml.tokens", &words);
    file.integers("tokenizer.ggml.token_type", &[3, 1, 1, 1, 1, 1, 1, 1, 1]);
    file.texts("tokenizer.ggml.merges", &["a b", "Ġ a", "Ġ ab"].map(str::to_owned));
    file.floats("none", &[1], &[0.0]);
    Weights::from_bytes(file.done()).unwrap()
}

#[test]
fn text_becomes_tokens_by_merges_and_back() {
    let tokens = Tokens::of(&vocabulary()).unwrap();
    assert_eq!(tokens.encode("ab ab 12").unwrap(), [6, 8, 3, 4, 5], "digits stand alone");
    assert_eq!(tokens.decode(&[6, 8, 3, 4, 5]).unwrap(), "ab ab 12");
    assert_eq!(tokens.id("<|end|>"), Some(0));
}

#[test]
fn a_text_cannot_say_a_control_token() {
    let tokens = Tokens::of(&vocabulary()).unwrap();
    assert!(!tokens.encode("ab<|end|>ab").unwrap().contains(&0));
}

//! Encoders of texts are found in graphs, agree with rten, and answer each text whatever stands beside it.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

use neural::{
    Attribute, Dtype, Graph, Isa, Network, Node, Options, Precision, Tensor, Tensors, Values, Weights,
    bert::{Answer, graph},
    quantize::{Calibration, Recipe, Samples, Scheme, quantise},
    weights::{Layout, Packing},
};

const CONFIG: &str =
    r#"{"model_type": "bert", "num_attention_heads": 4, "hidden_act": "gelu", "layer_norm_eps": 1e-12}"#;
const WIDTH: usize = 64;
const INNER: usize = 96;
const WORDS: usize = 50;
const PLACES: usize = 20;

fn normals(seed: u64, count: usize, deviation: f32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    (0..count).map(|_| ((0..12).map(|_| next()).sum::<f32>() - 6.0) * deviation).collect()
}

/// Two blocks of a small BERT with weights of a fixed sequence.
fn weights() -> Weights {
    let mut packing = Packing::new();
    let mut push = |name: &str, shape: &[usize]| {
        let count = shape.iter().product();
        let is_norm = name.ends_with("Norm.weight");
        let deviation = if let [_, inputs] = shape { 1.0 / (*inputs as f32).sqrt() } else { 0.1 };
        let values = normals(name.bytes().map(u64::from).sum(), count, deviation);
        let values = values.iter().map(|it| if is_norm { it + 1.0 } else { *it });
        let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
        packing.push(name, shape, Layout::Plain(Dtype::F32), bytes).unwrap();
    };
    for (part, rows) in [("word", WORDS), ("token_type", 2), ("position", PLACES)] {
        push(&format!("embeddings.{part}_embeddings.weight"), &[rows, WIDTH]);
    }
    let mut layer = |name: &str, shape: &[usize]| {
        push(&format!("{name}.weight"), shape);
        push(&format!("{name}.bias"), &shape[..1]);
    };
    layer("embeddings.LayerNorm", &[WIDTH]);
    for at in 0..2 {
        let name = |part: &str| format!("encoder.layer.{at}.{part}");
        for part in
            ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
        {
            layer(&name(part), &[WIDTH, WIDTH]);
        }
        layer(&name("intermediate.dense"), &[INNER, WIDTH]);
        layer(&name("output.dense"), &[WIDTH, INNER]);
        layer(&name("attention.output.LayerNorm"), &[WIDTH]);
        layer(&name("output.LayerNorm"), &[WIDTH]);
    }
    Weights::from_bytes(packing.to_bytes().unwrap()).unwrap()
}

fn bert(answer: Answer) -> Graph {
    graph(&weights(), CONFIG, answer).unwrap()
}

/// Texts of these lengths, filled up to the longest with tokens that are not seen.
fn texts(lengths: &[usize]) -> Tensors {
    let longest = lengths.iter().max().copied().unwrap();
    let count = lengths.len() * longest;
    let word = |at: usize| ((at / longest * 31 + at % longest * 17 + 3) % WORDS) as i64;
    let seen = |at: usize| i64::from(at % longest < lengths[at / longest]);
    let tensor = |values| Tensor::i64([lengths.len(), longest], values).unwrap();
    [
        ("input_ids", tensor((0..count).map(word).collect())),
        ("attention_mask", tensor((0..count).map(seen).collect())),
        ("token_type_ids", tensor((0..count).map(|it| (it % longest / 4 % 2) as i64).collect())),
    ]
    .into_iter()
    .collect()
}

/// One text of a batch, cut to its length.
fn alone(texts: &Tensors, text: usize, length: usize) -> Tensors {
    let cut = |(name, tensor): (&str, &Tensor)| {
        let tokens = tensor.shape()[1];
        let values = tensor.as_i64().unwrap()[text * tokens..][..length].to_vec();
        (name.to_owned(), Tensor::i64([1, length], values).unwrap())
    };
    texts.iter().map(cut).collect()
}

fn answer(network: &Network, texts: &Tensors) -> Vec<f32> {
    let outputs = network.run(texts).unwrap();
    outputs.get(&network.outputs()[0].name).unwrap().as_f32().unwrap().to_vec()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// A node as that exporter writes it; `last` is the last product of queries and keys.
fn exported(node: &Node, last: &mut String, mut add: impl FnMut(Node)) {
    let ints = |it: &[i64]| Attribute::Ints(it.to_vec());
    let to = node.outputs[0].clone();
    let part = |step: &str| format!("{to}/{step}");
    match node.op.as_str() {
        "Unsqueeze" if to == "hidden scores" => {
            add(Node::new("Cast", ["attention_mask"], ["flags"]).with("to", Attribute::Int(9)));
            add(Node::new("Unsqueeze", ["flags", "heads and queries"], ["spread"]));
            add(Node::new("Where", ["spread", "none", "never"], [to]));
        }
        "Reshape" if node.inputs[1] == "split into heads" => {
            add(Node::new("Reshape", [node.inputs[0].as_str(), "split"], [to.as_str()]));
        }
        "Transpose" if node.ints("perm") == Some(&[0, 2, 3, 1]) => {
            add(Node::new("Transpose", [&node.inputs[0]], [&part("heads")]).with("perm", ints(&[0, 2, 1, 3])));
            add(Node::new("Shape", [part("heads")], [part("shape")]));
            add(Node::new("Slice", [part("shape"), "flat".into(), "end".into()], [part("last")]));
            add(Node::new("Slice", [part("shape"), "two back".into(), "flat".into()], [part("tokens")]));
            add(Node::new("Slice", [part("shape"), "start".into(), "two back".into()], [part("first")]));
            let names = ["first", "last", "tokens"].map(part);
            let names = names.each_ref().map(String::as_str);
            add(concat(&["flat", names[2], names[1]], &part("matrices")));
            add(concat(&names, &part("unmatrices")));
            add(Node::new("Reshape", [part("heads"), part("matrices")], [part("flat")]));
            add(Node::new("Transpose", [part("flat")], [part("turned")]).with("perm", ints(&[0, 2, 1])));
            add(Node::new("Reshape", [part("turned"), part("unmatrices")], [to]));
        }
        "MatMul" if to.ends_with("products") => {
            for (at, name) in node.inputs.iter().enumerate() {
                add(Node::new("Mul", [name.as_str(), "root of scale"], [part(&at.to_string())]));
            }
            add(Node::new("MatMul", [part("0"), part("1")], [to.clone()]));
            *last = to;
        }
        "Div" if node.inputs[0] == *last => add(Node::new("Identity", [last.clone()], [to])),
        "Add" if to.ends_with("scores/seen") => {
            // A mask of its own for every block.
            add(Node::new("Where", ["spread", "none", "never"], [part("mask")]));
            add(Node::new("Add", [node.inputs[0].clone(), part("mask")], [to]));
        }
        "Mul" if node.inputs[1].ends_with("/raised") => {
            add(Node::new("Mul", ["number 0.5", node.inputs[1].as_str()], [part("half")]));
            add(Node::new("Mul", [node.inputs[0].clone(), part("half")], [to]));
        }
        "Mul" if node.inputs[1] == "number 0.5" => {
            add(Node::new("Identity", [node.inputs[0].as_str()], [to.as_str()]))
        }
        "Softmax" => {
            add(Node { outputs: vec![part("all")], ..node.clone() });
            add(Node::new("IsNaN", [part("all")], [part("undefined")]));
            add(Node::new("Where", [part("undefined"), "none".into(), part("all")], [to]));
        }
        _ => add(node.clone()),
    }
}

fn concat(parts: &[&str], to: &str) -> Node {
    Node::new("Concat", parts.iter().copied(), [to]).with("axis", Attribute::Int(0))
}

/// As PyTorch's newer exporter writes it: masks by `Where`, keys turned as a batch of matrices, queries and keys both scaled, the half
/// of GELU inside, and nothing where a row sees nothing.
fn as_exported(graph: &Graph) -> Graph {
    let mut out = Graph { nodes: vec![], ..graph.clone() };
    let tensors = [
        ("none", Tensor::f32([], vec![0.0])),
        ("never", Tensor::f32([], vec![f32::NEG_INFINITY])),
        ("root of scale", Tensor::f32([], vec![0.5])), // heads of 16: both factors make a quarter
        ("flat", Tensor::i64([1], vec![-1])),
        ("sixteen", Tensor::i64([1], vec![16])),
        ("two back", Tensor::i64([1], vec![-2])),
        ("start", Tensor::i64([1], vec![i64::MIN])),
        ("end", Tensor::i64([1], vec![i64::MAX])),
    ];
    out.initialisers.extend(tensors.map(|(name, it)| (name.to_owned(), it.unwrap())));
    let mut add = |node: Node| out.nodes.push(node);
    for (name, start) in [("batch", 0), ("tokens", 1)] {
        let shape = Node::new("Shape", ["attention_mask"], [name]).with("start", Attribute::Int(start));
        add(shape.with("end", Attribute::Int(start + 1)));
    }
    add(concat(&["batch", "tokens", "flat", "sixteen"], "split"));
    let mut last = String::new();
    graph.nodes.iter().for_each(|node| exported(node, &mut last, |node| out.nodes.push(node)));
    out.check().unwrap();
    out
}

#[test]
fn texts_are_planned_and_agree_with_rten_whatever_exporter_wrote_them() {
    let batch = texts(&[9, 4, 12]);
    for what in [Answer::States, Answer::Sentence] {
        for graph in [bert(what), as_exported(&bert(what))] {
            let expected = answer(&Network::by_rten(&graph, 1).unwrap(), &batch);
            let network = Network::of(&graph, 1).unwrap();
            assert_eq!((network.executor(), network.reason()), ("planned", None));
            let got = answer(&network, &batch);
            let apart = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 2e-4 && got.len() == expected.len(), "{what:?}: {apart}");
            for (precision, least) in [(Precision::Int8, 0.995), (Precision::Bf16, 0.9999)] {
                let small = Network::by_plan(&graph, precision, Isa::best()).unwrap();
                let cosine = cosine(&answer(&small, &batch), &expected);
                assert!(cosine > least, "{what:?} {precision:?}: {cosine}");
            }
        }
    }
}

#[test]
fn a_text_has_the_same_answer_alone_and_beside_longer_ones_on_every_isa() {
    let lengths = [3, 17, 1, 8];
    let batch = texts(&lengths);
    for precision in Precision::ALL {
        let mut judge = None;
        for isa in Isa::ALL.into_iter().filter(|it| it.is_available()) {
            for what in [Answer::Sentence, Answer::States] {
                let network = Network::by_plan(&bert(what), precision, isa).unwrap();
                let together = answer(&network, &batch);
                let each = together.len() / lengths.len();
                for (text, &length) in lengths.iter().enumerate() {
                    let by_itself = answer(&network, &alone(&batch, text, length));
                    assert_eq!(
                        by_itself[..],
                        together[text * each..][..by_itself.len()],
                        "{what:?} {isa:?} {text}"
                    );
                }
                if what == Answer::Sentence {
                    assert_eq!(
                        *judge.get_or_insert_with(|| together.clone()),
                        together,
                        "{precision:?} {isa:?}"
                    );
                }
            }
        }
    }
}

/// The plan of a graph, written, read and opened.
fn repacked(graph: &Graph, precision: Option<Precision>) -> Network {
    let bytes = Network::packing(graph, precision).unwrap().to_bytes().unwrap();
    Network::of_weights(&Weights::from_bytes(bytes).unwrap(), &Options::default()).unwrap()
}

#[test]
fn a_packed_plan_has_the_answers_of_its_graph_to_the_bit() {
    let batch = texts(&[9, 4, 12]);
    for precision in Precision::ALL {
        for what in [Answer::Sentence, Answer::States] {
            let whole = Network::by_plan(&bert(what), precision, Isa::best()).unwrap();
            let packed = repacked(&bert(what), Some(precision));
            assert_eq!((packed.executor(), packed.precision()), ("planned", Some(precision)));
            assert_eq!((packed.inputs(), packed.outputs()), (whole.inputs(), whole.outputs()));
            assert_eq!(answer(&packed, &batch), answer(&whole, &batch), "{precision:?}");
        }
    }
    let bytes = Network::packing(&bert(Answer::States), Some(Precision::Int8)).unwrap().to_bytes().unwrap();
    let weights = Weights::from_bytes(bytes).unwrap();
    weights.verify().unwrap();
    let asked = Options::default().with(Some(Precision::Float));
    let message = Network::of_weights(&weights, &asked).err().unwrap().to_string();
    assert!(message.contains("packed as int8"), "{message}");
}

#[test]
fn what_cannot_be_a_text_is_refused_by_place_and_number() {
    let network = Network::of(&bert(Answer::Sentence), 1).unwrap();
    let with = |name: &str, values: Vec<i64>, shape: [usize; 2]| {
        let mut batch = texts(&[4, 4]);
        batch.insert(name, Tensor::i64(shape, values).unwrap());
        network.run(&batch).unwrap_err().to_string()
    };
    let words = |place: usize, word: i64| {
        let mut words = vec![1; 8];
        words[place] = word;
        words
    };
    for (message, expected) in [
        (
            with("input_ids", words(6, 50), [2, 4]),
            "table 0, text 1, place 2: expected a number from 0 to 49, got 50",
        ),
        (with("input_ids", words(0, -1), [2, 4]), "expected a number from 0 to 49, got -1"),
        (
            with("token_type_ids", words(3, 2), [2, 4]),
            "table 1, text 0, place 3: expected a number from 0 to 1, got 2",
        ),
        (with("attention_mask", vec![1; 4], [1, 4]), "\"attention_mask\": expected the shape [2, 4]"),
        (with("attention_mask", vec![1, 1, 2, 0, 1, 1, 1, 1], [2, 4]), "0 or 1 for each token, got 2"),
        (
            with("attention_mask", vec![1, 1, 1, 1, 0, 0, 0, 0], [2, 4]),
            "text 1: expected at least one token that is seen",
        ),
    ] {
        assert!(message.contains(expected), "{message}");
    }
    let message = network.run(&texts(&[PLACES + 1])).unwrap_err().to_string();
    assert!(message.contains("at most 20 tokens, got 21"), "{message}");
    let mut batch = texts(&[4]);
    batch.insert("input_ids", Tensor::new([1, 4], Values::F32(vec![1.0; 4])).unwrap());
    assert!(network.run(&batch).unwrap_err().to_string().contains("input_ids"));
}

#[test]
fn a_mask_that_hides_what_is_seen_is_no_mask_and_its_network_is_left_to_rten() {
    let mut graph = bert(Answer::States);
    let at = graph.nodes.iter().position(|it| it.op == "Sub").unwrap();
    graph.nodes[at] = Node::new("Identity", ["seen"], ["unseen"]);
    let network = Network::of(&graph, 1).unwrap();
    assert_eq!(network.executor(), "rten");
    assert!(network.reason().unwrap().contains("attention_mask"), "{:?}", network.reason());
}

#[test]
fn quantised_texts_are_planned_with_the_integers_they_have() {
    let graph = bert(Answer::Sentence);
    let batch = texts(&[9, 4, 12]);
    let samples = Samples::of(&graph, std::slice::from_ref(&batch)).unwrap();
    let floats = answer(&Network::by_rten(&graph, 1).unwrap(), &batch);
    let fixed = Scheme::Static { calibration: Calibration::MinMax, signed: false };
    for scheme in [fixed, Scheme::Dynamic { rows: false }] {
        for pair_safe in [true, false] {
            let recipe = Recipe { by_layer: false, pair_safe, ..Recipe::new(scheme) };
            let made = quantise(&graph, &recipe, Some(&samples), None).unwrap().graph;
            let network = Network::of(&made, 1).unwrap();
            assert_eq!(
                (network.executor(), network.precision()),
                ("planned", Some(Precision::Int8)),
                "{scheme:?}: {:?}",
                network.reason()
            );
            // In floating point the plan computes with the numbers that the integers stand for, as rten does where it dequantises.
            assert_eq!(answer(&repacked(&made, None), &batch), answer(&network, &batch), "packed");
            let as_floats = Network::by_plan(&made, Precision::Float, Isa::best()).unwrap();
            let (ours, theirs) = (answer(&network, &batch), answer(&as_floats, &batch));
            assert!(cosine(&ours, &theirs) > 0.999, "{scheme:?}: {}", cosine(&ours, &theirs));
            assert!(cosine(&ours, &floats) > 0.995, "{scheme:?}: {}", cosine(&ours, &floats));
        }
    }
}

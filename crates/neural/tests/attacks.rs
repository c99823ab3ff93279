//! Files made to break readers of networks (`attacks/artefacts`), and bytes changed at random: refused or read, never a panic,
//! never more memory than the bytes can be worth.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use neural::{
    Attribute, Dtype, Error, Graph, Isa, Llama, Network, Node, Options, Port, Precision, Tensor, Tensors,
    Tokens, Weights,
    weights::{Layout, Note, Packing},
    whisper::Whisper,
};

/// Megabytes that refusing any of the files may take.
const MAX_MEGABYTES: f64 = 24.0;

/// Far more than any of them needs; a loop that never ends would pass it.
const MAX_TIME: Duration = Duration::from_secs(20);

/// Every file of `attacks/artefacts`, and words of the message.
const REFUSED: &[(&str, &str)] = &[
    ("activation-other.ct2", "decoder/activation: expected 3, got [0]"),
    ("alias-itself.ct2", "second weight of this name"),
    ("alias-unknown.ct2", "expected a weight of this name"),
    ("alignment-zero.gguf", "alignment that is a power of two"),
    ("bomb.npz", "bytes for its packed size"),
    ("bytes-few.onnx", "expected 16 bytes"),
    ("bytes-none.onnx", "expected 1073741824 f32 values"),
    ("deep.npz", "a header with \"descr\""),
    ("deep.onnx", "graphs within graphs"),
    ("deep.safetensors", "safetensors header"),
    ("deeper.onnx", "graphs within graphs"),
    ("diary.safetensors", "Dear dia"),
    ("digest-wrong.inkpack", "SHA-256"),
    ("dims-huge.gguf", "can be counted in 64 bits"),
    ("dims-huge.onnx", "f32 [1099511627776, 1048576]"),
    ("dims-many.ct2", "at most 16 dimensions"),
    ("dims-many.gguf", "at most 4 dimensions"),
    ("dims-many.onnx", "at most 16 dimensions"),
    ("dims-negative.onnx", "dimensions of 0 or more"),
    ("dims-overflow.onnx", "can be counted in 64 bits"),
    ("dtype-unknown.safetensors", "safetensors header"),
    ("empty.gguf", "bytes of version"),
    ("empty.onnx", "expected a graph, got none"),
    ("external-far.onnx", "from 18446744073709551608"),
    ("external-huge.onnx", "expected 4398046511104 bytes"),
    ("external-long.onnx", "expected 16 bytes for its shape"),
    ("external-nowhere.onnx", "absent.bin"),
    ("external-root.onnx", "leaves the network's folder"),
    ("external-up.onnx", "leaves the network's folder"),
    ("function.onnx", "export with them inlined"),
    ("header-length-lies.safetensors", "safetensors header"),
    ("header-lies.inkpack", "at most 67108864 bytes"),
    ("header-lies.npz", "at most 65536 bytes"),
    ("header-short.safetensors", "safetensors header"),
    ("heads-none.ct2", "encoder/num_heads: expected a divisor of 16, got 0"),
    ("keras.h5", "HDF5"),
    ("kernel-empty.ct2", "dimensions above 0"),
    ("kind-unknown.ct2", "type 9"),
    ("kind-unknown.gguf", "ggml type 77"),
    ("kind-unknown.onnx", "type number 99"),
    ("layout-later.inkpack", "pack the network again with this program"),
    ("length-lies.onnx", "expected a field of 1099511627776 bytes"),
    ("list-lies.gguf", "at most 1048576 elements"),
    ("list-long.gguf", "to the end"),
    ("lists-deep.gguf", "lists of lists"),
    ("lite.tflite", "TensorFlow Lite"),
    ("many-nodes.onnx", "at most 100000 messages"),
    ("no-array.npz", "header of an array"),
    ("no-graph.onnx", "expected a graph, got none"),
    ("notes-lie.gguf", "at most 10000 notes"),
    ("offset-far.gguf", "a place in the file"),
    ("offsets-back.safetensors", "safetensors header"),
    ("offsets-far.safetensors", "safetensors header"),
    ("overlap.safetensors", "safetensors header"),
    ("panels-other.inkpack", "the bytes of [3, 16]"),
    ("panels-short.inkpack", "the bytes of [3, 16]"),
    ("pickle.npz", "pickles"),
    ("plan-blocks.inkpack", "at most 256 blocks"),
    ("plan-deep.inkpack", "parts of a plan"),
    ("plan-heads.inkpack", "a divisor of 16"),
    ("plan-huge.inkpack", "the bytes of"),
    ("plan-many.inkpack", "at most 256 layers"),
    ("plan-masks.inkpack", "one for each table and one mask"),
    ("plan-missing.inkpack", "a weight of this name"),
    ("plan-none.inkpack", "a note of how they are put together"),
    ("plan-norm.inkpack", "two rows of 16"),
    ("plan-other.inkpack", "expected own:u8s8-panels@1 [3, 2]"),
    ("plan-roles.inkpack", "one for each table and one mask"),
    ("plan-rows.inkpack", "expected rows of 16"),
    ("plan-short.inkpack", "the bytes of [3, 2]"),
    ("plan-tables.inkpack", "at most 256 tables"),
    ("plan-unfit.inkpack", "expected own:u8s8-panels@1 [2, 2]"),
    ("plan-words.inkpack", "parts of a plan"),
    ("rows-uneven.gguf", "multiple of 32 weights"),
    ("self.onnx", "before Relu \"y\" uses it"),
    ("shape-lies.ct2", "weight \"w\""),
    ("shape-lies.npz", "at most 1073741824 bytes"),
    ("shape-lies.safetensors", "safetensors header"),
    ("shape-overflow.npz", "can be counted in 64 bits"),
    ("shape-overflow.safetensors", "safetensors header"),
    ("size-lies.ct2", "4294967295 bytes of values"),
    ("strings.onnx", "got strings"),
    ("table-empty.ct2", "dimensions above 0"),
    ("tensors-lie.gguf", "at most 200000 weights"),
    ("text-lies.gguf", "at most 1048576 bytes"),
    ("torch.pt", "PyTorch"),
    ("twice.gguf", "second weight of this name"),
    ("twice.onnx", "second producer"),
    ("unknown-value.onnx", "\"z\""),
    ("variables-lie.ct2", "name that ends with a zero"),
    ("varint-endless.onnx", "protobuf"),
    ("version-later.inkpack", "version 9"),
    ("version-old.ct2", "version 3"),
    ("version-old.gguf", "version 1"),
    ("weights.pkl", "pickle"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../attacks/artefacts")
}

/// Reads a file as its name says; `Ok` where it was read.
fn read(path: &Path) -> Result<(), Error> {
    match path.extension().and_then(|it| it.to_str()) {
        Some("onnx") => Graph::read_onnx(path).map(drop),
        Some("npz") => Tensors::read_npz(path).map(drop),
        _ => read_all(&Weights::open(path)?),
    }
}

fn read_bytes(kind: &str, bytes: &[u8]) -> Result<(), Error> {
    match kind {
        "onnx" => Graph::from_onnx(bytes.to_vec()).map(drop),
        "npz" => Tensors::from_npz(bytes).map(drop),
        _ => read_all(&Weights::from_bytes(bytes.to_vec())?),
    }
}

/// Whatever the header let pass must be readable without a panic; what says that it is a network is opened as one.
fn read_all(weights: &Weights) -> Result<(), Error> {
    for (name, _) in weights.iter() {
        let _ = (weights.floats(name), weights.tensor(name));
    }
    let _ = weights.verify();
    if weights.notes().contains_key("general.architecture") {
        return Llama::open(weights, None).map(drop);
    }
    match weights.notes().get("specification") {
        Some(Note::Text(it)) if it == "WhisperSpec" => Whisper::open(weights, None, Isa::best()).map(drop),
        Some(Note::Text(it)) if it == "PlannedSpec" => {
            answer(&Network::of_weights(weights, &Options::default())?)
        }
        _ => Ok(()),
    }
}

/// What opened must answer: inputs it makes up itself, or refuse them.
fn answer(network: &Network) -> Result<(), Error> {
    let _ = neural::bench::made_up(network.inputs(), 1, 3).and_then(|it| network.run(&it));
    Ok(())
}

/// Megabytes this thread held at most while it ran.
fn megabytes(run: impl FnOnce()) -> f64 {
    allocation_counter::measure(run).bytes_max as f64 / 1e6
}

#[test]
fn every_attack_is_refused_with_its_reason_and_without_memory() {
    let mut wrong = Vec::new();
    for (name, words) in REFUSED {
        let started = Instant::now();
        let mut message = String::new();
        let taken = megabytes(|| {
            message = read(&folder().join(name)).err().map_or("read".into(), |it| it.to_string())
        });
        if !message.contains(words) || taken > MAX_MEGABYTES || started.elapsed() > MAX_TIME {
            wrong.push(format!("{name}: {message} ({taken:.1} MB, {:?})", started.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_attack_is_left_out() {
    let named: BTreeSet<String> = REFUSED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let there =
        fs::read_dir(folder()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(named, there);
}

#[cfg(unix)]
#[test]
fn a_link_that_leaves_the_folder_is_refused() {
    let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret.bin"), [0; 16]).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.bin"), inside.path().join("absent.bin")).unwrap();
    let file = inside.path().join("net.onnx");
    fs::copy(folder().join("external-nowhere.onnx"), &file).unwrap();
    let message = Graph::read_onnx(&file).unwrap_err().to_string();
    assert!(message.contains("leaves the network's folder"), "{message}");
    fs::remove_file(inside.path().join("absent.bin")).unwrap();
    fs::write(inside.path().join("absent.bin"), [0; 16]).unwrap();
    assert_eq!(Graph::read_onnx(&file).unwrap().initialisers["w"].as_f32(), Some(&[0.0; 4][..]));
}

/// One small, sound file of each kind.
fn sound() -> Vec<(&'static str, Vec<u8>)> {
    let floats = Tensor::f32([2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap();
    let graph = Graph {
        name: "sound".into(),
        inputs: vec![Port::fixed("x", Dtype::F32, &[2, 2])],
        outputs: vec![Port::fixed("y", Dtype::F32, &[2, 2])],
        initialisers: [("w".to_owned(), floats.clone())].into(),
        nodes: vec![Node::new("Gemm", ["x", "w"], ["y"]).with("transB", Attribute::Int(1))],
        opsets: [(String::new(), 17)].into(),
        ..Graph::default()
    };
    let mut packing = Packing::new();
    packing.push("w", &[2, 2], Layout::Plain(Dtype::F32), vec![0; 16]).unwrap();
    packing.note("heads", Note::Int(2));
    let header = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let safetensors = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    let ct2 = [
        &[6, 0, 0, 0, 2, 0][..],
        b"S\0",
        &[1, 0, 0, 0, 1, 0, 0, 0, 2, 0],
        b"w\0",
        &[1, 2, 0, 0, 0, 0, 8, 0, 0, 0],
        &[0; 12],
    ]
    .concat();
    let note = [&[1, 0, 0, 0, 0, 0, 0, 0][..], b"k", &[8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], b"v"].concat();
    let weight =
        [&[1, 0, 0, 0, 0, 0, 0, 0][..], b"w", &[1, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0], &[0; 8]]
            .concat();
    let mut gguf =
        [b"GGUF", &[3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0][..], &note, &weight].concat();
    gguf.resize(gguf.len().next_multiple_of(32) + 20, 0);
    vec![
        ("onnx", graph.to_onnx()),
        ("npz", [("x", floats)].into_iter().collect::<Tensors>().to_npz().unwrap()),
        ("inkpack", packing.to_bytes().unwrap()),
        ("safetensors", safetensors),
        ("ct2", ct2),
        ("gguf", gguf),
    ]
}

#[test]
fn changed_cut_and_joined_bytes_never_panic_and_never_take_memory() {
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    for (kind, bytes) in sound() {
        read_bytes(kind, &bytes).unwrap_or_else(|it| panic!("{kind}: {it}"));
        for _ in 0..4_000 {
            let mut changed = bytes.clone();
            for _ in 0..=random(4) {
                let place = random(changed.len());
                match random(5) {
                    0 => changed.truncate(place),
                    1 => changed.splice(place..place, [0xff; 8]).for_each(drop),
                    2 => changed.extend_from_within(..place),
                    3 => changed.iter_mut().skip(place).take(8).for_each(|it| *it = 0xff),
                    _ => changed.iter_mut().skip(place).take(1).for_each(|it| *it = random(256) as u8),
                }
            }
            let taken = megabytes(|| drop(read_bytes(kind, &changed)));
            assert!(taken < MAX_MEGABYTES, "{kind} took {taken} MB for {changed:?}");
        }
    }
}

#[test]
fn the_networks_the_fuzzer_starts_from_are_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let opened = |name: &str| Weights::open(&folder.join(name)).unwrap();
    let whisper = opened("ctranslate2/whisper.ct2");
    for precision in [Precision::Float, Precision::Int8] {
        Whisper::open(&whisper, Some(precision), Isa::best()).unwrap();
    }
    Whisper::open(&opened("packed/whisper.inkpack"), None, Isa::best()).unwrap();
    let llama = opened("gguf/llama.gguf");
    Llama::open(&llama, None).unwrap().log_probabilities(&[0, 5, 15]).unwrap();
    Tokens::of(&llama).unwrap();
}

//! Whole command lines over networks: run, timed, listed, fetched.

use std::{ffi::OsStr, fs, path::Path};

use neural::{Dtype, Graph, Node, Port, Tensor, Tensors, Values};
use serde_json::Value;

use crate::line::inkling;

/// A folder with a network that doubles, and an input for it.
fn doubling() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let graph = Graph {
        name: "doubling".into(),
        inputs: vec![Port::fixed("x", Dtype::F32, &[1, 3])],
        outputs: vec![Port::fixed("y", Dtype::F32, &[1, 3])],
        initialisers: [("two".to_owned(), Tensor::f32([], vec![2.0]).unwrap())].into(),
        nodes: vec![Node::new("Mul", ["x", "two"], ["y"])],
        opsets: [(String::new(), 17)].into(),
        ..Graph::default()
    };
    fs::write(folder.path().join("net.onnx"), graph.to_onnx()).unwrap();
    input(folder.path(), "x");
    folder
}

fn input(folder: &Path, name: &str) {
    let tensors: Tensors = [(name, Tensor::f32([1, 3], vec![1.0, -2.5, 0.0]).unwrap())].into_iter().collect();
    tensors.write_npz(&folder.join("in.npz")).unwrap();
}

fn run(folder: &Path) -> crate::line::Said {
    let [network, input, out] = ["net.onnx", "in.npz", "out.npz"].map(|it| folder.join(it));
    inkling([OsStr::new("run"), network.as_os_str(), input.as_os_str(), "--out".as_ref(), out.as_os_str()])
}

#[test]
fn a_network_is_run_from_arrays_to_arrays() {
    let folder = doubling();
    let said = run(folder.path());
    assert_eq!((said.code, said.out.as_str()), (0, "y  f32 [1, 3]\n"));
    assert!(said.err.starts_with("executor rten (") && said.err.contains("not planned"), "{}", said.err);
    let out = Tensors::read_npz(&folder.path().join("out.npz")).unwrap();
    assert_eq!(out.get("y").unwrap().values(), &Values::F32(vec![2.0, -5.0, 0.0]));
}

#[test]
fn inputs_that_do_not_fit_are_refused_with_what_was_expected() {
    let folder = doubling();
    input(folder.path(), "z");
    let said = run(folder.path());
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("\"z\"") && said.err.contains("one of the inputs x"), "{}", said.err);
    fs::write(folder.path().join("net.onnx"), b"\x80\x04pickle").unwrap();
    assert_eq!(run(folder.path()).code, 1);
}

#[test]
fn bench_gives_its_stable_fields() {
    let folder = doubling();
    let network = folder.path().join("net.onnx");
    let said = inkling([
        OsStr::new("bench"),
        network.as_os_str(),
        "--batch".as_ref(),
        "1".as_ref(),
        "--seconds".as_ref(),
        "0".as_ref(),
        "--format".as_ref(),
        "json".as_ref(),
    ]);
    assert!(said.code == 0 && said.err.starts_with("executor rten ("), "{}", said.err);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let timing = &told["timings"][0];
    for field in ["cpu_ms_median", "p99_ms", "peak_mib", "peak_share", "batch", "runs"] {
        assert!(timing[field].is_number(), "{field} in {timing}");
    }
}

#[test]
fn known_networks_are_listed_and_what_is_missing_says_how_to_get_it() {
    let home = tempfile::tempdir().unwrap();
    let inkling = |arguments: &[&str]| crate::line::inkling_at(home.path(), arguments);
    let said = inkling(&["networks", "list"]);
    for name in ["whisper-base", "smollm2", "minilm", "silero-vad", "not installed", "Apache-2.0"] {
        assert!(said.out.contains(name), "{name} is not in {}", said.out);
    }
    assert_eq!(inkling(&["networks", "verify"]).code, 0);
    let said = inkling(&["networks", "fetch", "smollm3"]);
    assert!(said.code == 1 && said.err.contains("expected one of whisper-base"), "{}", said.err);
    let said = inkling(&["networks", "fetch", "whisper-base", "--from", home.path().to_str().unwrap()]);
    assert!(said.code == 1 && said.err.matches("tried").count() >= 2, "{}", said.err);
    let said = inkling(&["run", "silero-vad", "in.npz", "--out", "out.npz"]);
    assert!(said.code == 1 && said.err.contains("inkling networks fetch silero-vad"), "{}", said.err);
}

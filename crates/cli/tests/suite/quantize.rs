//! `inkling quantize` as whole command lines.

use std::{ffi::OsString, fs, path::Path};

use neural::{Attribute, Dim, Dtype, Graph, Node, Port, Tensor, Tensors};
use serde_json::Value;

use crate::line::{Said, inkling};

fn wave(count: usize, step: f32) -> Vec<f32> {
    (0..count).map(|it| (it as f32 * step).sin()).collect()
}

/// A folder with a network of two layers, `[batch, 12] → [batch, 3]`, and rows to calibrate it on.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let port = |name: &str, width| Port {
        name: name.into(),
        dtype: Dtype::F32,
        shape: Some(vec![Dim::Named("batch".into()), Dim::Fixed(width)]),
    };
    let named = |op: &str, inputs: &[&str], output: &str| Node {
        name: format!("/{output}"),
        ..Node::new(op, inputs.iter().copied(), [output])
    };
    let graph = Graph {
        name: "two layers".into(),
        inputs: vec![port("x", 12)],
        outputs: vec![port("y", 3)],
        initialisers: [
            ("w1".to_owned(), Tensor::f32([12, 40], wave(480, 0.71)).unwrap()),
            ("b1".to_owned(), Tensor::f32([40], wave(40, 0.3)).unwrap()),
            ("w2".to_owned(), Tensor::f32([3, 40], wave(120, 1.13)).unwrap()),
            ("b2".to_owned(), Tensor::f32([3], wave(3, 0.9)).unwrap()),
        ]
        .into(),
        nodes: vec![
            named("Gemm", &["x", "w1", "b1"], "wide"),
            named("Relu", &["wide"], "active"),
            named("Gemm", &["active", "w2", "b2"], "y").with("transB", Attribute::Int(1)),
        ],
        opsets: [(String::new(), 17)].into(),
        ..Graph::default()
    };
    fs::write(folder.path().join("net.onnx"), graph.to_onnx()).unwrap();
    rows(&folder.path().join("rows.npz"), "x", &[20, 12]);
    folder
}

fn rows(path: &Path, name: &str, shape: &[usize]) {
    let values = wave(shape.iter().product(), 0.37);
    let tensors: Tensors = [(name, Tensor::f32(shape, values).unwrap())].into_iter().collect();
    tensors.write_npz(path).unwrap();
}

/// `inkling quantize net.onnx --out small.onnx …`, names of files taken from the folder.
fn quantize(folder: &Path, arguments: &[&str]) -> Said {
    let file = |name: &str| folder.join(name).into_os_string();
    let mut line: Vec<OsString> =
        vec!["quantize".into(), file("net.onnx"), "--out".into(), file("small.onnx")];
    line.extend(arguments.iter().map(|it| if it.ends_with(".npz") { file(it) } else { (*it).into() }));
    inkling(line)
}

#[test]
fn a_network_is_quantised_shown_and_run() {
    let folder = folder();
    let said = quantize(folder.path(), &["--calibrate", "rows.npz", "--least-sqnr", "25"]);
    assert!(said.code == 0 && said.err.starts_with("packed for our plan: "), "{}", said.err);
    for part in
        ["/wide", "Gemm", "480", "weights dB", "outputs: ", "signal to quantisation noise", "static-int8: "]
    {
        assert!(said.out.contains(part), "{part} is not in {}", said.out);
    }
    let small = folder.path().join("small.onnx");
    let said = inkling(["networks".as_ref(), "show".as_ref(), small.as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let source = neural::digest(&fs::read(folder.path().join("net.onnx")).unwrap());
    for part in [
        "static-int8",
        source.as_str(),
        "min-max on 20 rows",
        "bias corrected  yes",
        "cost ",
        "executor planned in int8",
        "licence",
    ] {
        assert!(said.out.contains(part), "{part} is not in {}", said.out);
    }
    let [input, out] = ["rows.npz", "out.npz"].map(|it| folder.path().join(it));
    let said =
        inkling(["run".as_ref(), small.as_os_str(), input.as_os_str(), "--out".as_ref(), out.as_os_str()]);
    assert_eq!((said.code, said.out.as_str()), (0, "y  f32 [20, 3]\n"));
    let packed = folder.path().join("small.inkpack");
    let again = folder.path().join("again.npz");
    let said =
        inkling(["run".as_ref(), packed.as_os_str(), input.as_os_str(), "--out".as_ref(), again.as_os_str()]);
    assert_eq!((said.code, said.out.as_str()), (0, "y  f32 [20, 3]\n"), "{}", said.err);
    let [out, again] = [out, again].map(|it| Tensors::read_npz(&it).unwrap());
    assert_eq!(out.get("y"), again.get("y"), "packed");
    let said = inkling(["networks".as_ref(), "show".as_ref(), packed.as_os_str()]);
    assert!(
        said.out.contains("static-int8") && said.out.contains("executor planned in int8"),
        "{}",
        said.out
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6, "a part was left behind");
}

#[test]
fn the_cost_comes_as_json_for_every_scheme() {
    for scheme in
        [&["--scheme", "static", "--signed"][..], &["--scheme", "dynamic", "--by-row"], &["--scheme", "int4"]]
    {
        let folder = folder();
        let said =
            quantize(folder.path(), &[scheme, &["--calibrate", "rows.npz", "--format", "json"]].concat());
        assert!(said.code == 0 && said.err.contains("packed for our plan: "), "{scheme:?}: {}", said.err);
        let told: Value = serde_json::from_str(&said.out).unwrap();
        let least = if scheme[1] == "int4" { 9.0 } else { 20.0 };
        assert!(told["fidelity"]["sqnr_db"].as_f64().unwrap() > least, "{told}");
        assert_eq!(told["layers"].as_array().unwrap().len(), 2);
        assert_eq!(told["layers"][0]["bits"], if scheme[1] == "int4" { 4 } else { 8 });
        assert_eq!(
            told["record"]["scheme"].as_str().unwrap().split('-').next(),
            Some(if scheme[1] == "int4" { "weights" } else { scheme[1] })
        );
        assert_eq!(
            told["bytes"]["after"].as_u64().unwrap(),
            fs::metadata(folder.path().join("small.onnx")).unwrap().len()
        );
    }
}

#[test]
fn a_budget_that_fails_names_the_layer_and_writes_nothing() {
    let folder = folder();
    let said = quantize(folder.path(), &["--calibrate", "rows.npz", "--least-sqnr", "120"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("at least 120.0 dB") && said.err.contains("Gemm \"/"), "{}", said.err);
    assert!(!folder.path().join("small.onnx").exists());
}

#[test]
fn samples_that_do_not_fit_are_refused_with_what_was_expected() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    rows(&at("wide.npz"), "x", &[20, 13]);
    rows(&at("named.npz"), "z", &[20, 12]);
    rows(&at("none.npz"), "x", &[0, 12]);
    fs::write(at("broken.npz"), b"PK\x03\x04 and no more").unwrap();
    fs::write(at("text.npz"), b"not a zip").unwrap();
    for (file, expected) in [
        ("wide.npz", "f32 [batch, 12], got f32 [20, 13]"),
        ("named.npz", "one of the inputs x"),
        ("none.npz", "nothing in [0, 12]"),
        ("broken.npz", "a zip of arrays"),
        ("text.npz", "a zip of arrays"),
        ("absent.npz", "No such file"),
    ] {
        let said = quantize(folder.path(), &["--calibrate", file]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{file}");
        assert!(said.err.contains(expected), "{file}: {}", said.err);
        assert!(!at("small.onnx").exists(), "{file}");
    }
}

#[test]
fn a_line_that_makes_no_sense_says_why() {
    let folder = folder();
    for (arguments, expected) in [
        (&[][..], "samples"),
        (&["--held", "rows.npz"], "--calibrate"),
        (&["--calibrate", "rows.npz", "--keep", "/narrow"], "/wide, /y"),
        (&["--calibrate", "rows.npz", "--keep", "/wide", "--keep", "/y"], "asked to be kept"),
        (&["--scheme", "int4", "--block", "20"], "16, 32, 64 or 128"),
        (&["--calibrate", "rows.npz", "--equalise", "2"], "0 to 1"),
        (&["--calibrate", "rows.npz", "--threads", "0"], "at least one thread"),
    ] {
        let said = quantize(folder.path(), arguments);
        assert!(said.code == 1 && said.err.contains(expected), "{arguments:?}: {}", said.err);
    }
}

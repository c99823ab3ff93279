//! What fewer bits cost, as whole command lines.

use std::{fs, path::Path};

use neural::{Attribute, Dim, Dtype, Graph, Node, Port, Tensor, Tensors};
use serde_json::Value;

use crate::line::inkling;

/// Items of three classes in eight numbers, and a network that tells most of them.
fn planted(folder: &Path) {
    let port = |name: &str, width| Port {
        name: name.into(),
        dtype: Dtype::F32,
        shape: Some(vec![Dim::Named("batch".into()), Dim::Fixed(width)]),
    };
    let weights = (0..24).map(|it| if it / 8 == it % 3 { 1.5 } else { (it as f32).sin() * 0.4 }).collect();
    let graph = Graph {
        name: "three".into(),
        inputs: vec![port("x", 8)],
        outputs: vec![port("score", 3)],
        initialisers: [
            ("w".to_owned(), Tensor::f32([3, 8], weights).unwrap()),
            ("b".to_owned(), Tensor::f32([3], vec![0.0; 3]).unwrap()),
        ]
        .into(),
        nodes: vec![Node::new("Gemm", ["x", "w", "b"], ["score"]).with("transB", Attribute::Int(1))],
        opsets: [(String::new(), 17)].into(),
        ..Graph::default()
    };
    fs::write(folder.join("net.onnx"), graph.to_onnx()).unwrap();
    let items = 120;
    let value = |it: usize| {
        let (item, place) = (it / 8, it % 8);
        (it as f32 * 0.9).sin() + if (item % 3 + 8 * (item % 3)) % 3 == place % 3 { 0.6 } else { 0.0 }
    };
    let x = Tensor::f32([items, 8], (0..items * 8).map(value).collect()).unwrap();
    let numbers = |of: fn(i64) -> i64| Tensor::i64([items], (0..items as i64).map(of).collect()).unwrap();
    let inputs: Tensors = [("x", x.clone())].into_iter().collect();
    inputs.write_npz(&folder.join("calibration.npz")).unwrap();
    let judged: Tensors =
        [("x", x), ("class", numbers(|it| it % 3)), ("person", numbers(|it| it / 3))].into_iter().collect();
    judged.write_npz(&folder.join("test.npz")).unwrap();
}

#[test]
fn every_way_of_a_network_is_judged_timed_and_written() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let arguments = [
        "cost".to_owned(),
        path("net.onnx"),
        "--judge".to_owned(),
        path("test.npz"),
        "--calibrate".to_owned(),
        path("calibration.npz"),
        "--draws".to_owned(),
        "50".to_owned(),
        "--seconds".to_owned(),
        "0.01".to_owned(),
        "--out".to_owned(),
        path("out"),
    ];
    let said = inkling(arguments);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let table: Value = serde_json::from_str(&fs::read_to_string(path("out/cost.json")).unwrap()).unwrap();
    let names: Vec<&str> =
        table["rows"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["f32", "bf16", "int8", "int4"]);
    assert_eq!((table["items"].as_u64(), table["people"].as_u64()), (Some(120), Some(40)));
    for row in table["rows"].as_array().unwrap() {
        assert!(row["speed"]["cpu_ms_median"].as_f64().unwrap() > 0.0, "{row}");
        assert_eq!(row["agreement"].is_object(), row["name"] != "f32", "{row}");
    }
    let svg = fs::read_to_string(path("out/cost.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains(">int8<"), "{svg}");
    assert!(said.out.contains("same decisions") && said.out.contains("macro AUC"), "{}", said.out);
}

#[test]
fn what_is_no_network_and_no_cohort_is_refused_with_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let net = folder.path().join("net.onnx");
    let said = inkling(["cost".as_ref(), net.as_os_str()]);
    assert!(said.code == 1 && said.err.contains("expected networks and --judge FILE"), "{}", said.err);
    let calibration = folder.path().join("calibration.npz");
    let said = inkling(["cost".as_ref(), net.as_os_str(), "--judge".as_ref(), calibration.as_os_str()]);
    assert!(said.code == 1 && said.err.contains("\"class\""), "{}", said.err);
}

//! The networks that ship, by every executor.

use std::path::PathBuf;

use neural::{
    Graph, Network, Tensor, Tensors, Values, bench,
    quantize::{Calibration, Recipe, Samples, Scheme, quantise},
};

use super::judge::{difference, judged};

/// Every ONNX file under `networks/`.
fn shipped() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../networks");
    let folders = std::fs::read_dir(root).unwrap().map(|it| it.unwrap().path());
    let files = folders.filter(|it| it.is_dir()).flat_map(|it| std::fs::read_dir(it).unwrap());
    let mut files: Vec<PathBuf> = files.map(|it| it.unwrap().path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "onnx"));
    files.sort();
    files
}

#[test]
fn every_shipped_network_runs_alike_by_ours_by_rten_and_by_the_judge() {
    let files = shipped();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let graph = Graph::read_onnx(&file).unwrap();
        let inputs = bench::made_up(&graph.inputs, 3, 1).unwrap();
        let ours = Network::of(&graph, 1).unwrap().run(&inputs).unwrap();
        let rten = Network::by_rten(&graph, 1).unwrap().run(&inputs).unwrap();
        assert!(difference(&ours, &rten) < 1e-5, "{}", file.display());
        if let Some(judge) = judged(&graph, &inputs) {
            let apart = difference(&ours, &judge);
            assert!(apart < 1e-5, "{}: {apart}", file.display());
        }
    }
}

#[test]
fn every_shipped_network_is_planned_in_floats_in_8_bits_and_in_4() {
    for file in shipped() {
        let graph = Graph::read_onnx(&file).unwrap();
        let samples = Samples::of(&graph, &[bench::made_up(&graph.inputs, 8, 1).unwrap()]).unwrap();
        let inputs = bench::made_up(&graph.inputs, 2, 1).unwrap();
        assert_eq!(Network::of(&graph, 1).unwrap().reason(), None);
        let eight = Scheme::Static { calibration: Calibration::MinMax, signed: false };
        for (scheme, precision) in [(eight, "int8"), (Scheme::Weights { block: 32 }, "f32")] {
            let made = quantise(&graph, &Recipe::new(scheme), Some(&samples), None).unwrap().graph;
            let ours = Network::of(&made, 1).unwrap();
            assert_eq!((ours.reason(), ours.precision().unwrap().name()), (None, precision));
            if precision == "f32" {
                let rten = Network::by_rten(&made, 1).unwrap().run(&inputs).unwrap();
                assert!(difference(&ours.run(&inputs).unwrap(), &rten) < 1e-5, "{}", file.display());
            }
        }
    }
}

#[test]
fn columns_of_unlike_batches_are_refused_by_name() {
    let file = shipped().into_iter().find(|it| it.to_string_lossy().contains("handwriting")).unwrap();
    let graph = Graph::read_onnx(&file).unwrap();
    let network = Network::of(&graph, 1).unwrap();
    let two = bench::made_up(&graph.inputs, 2, 1).unwrap();
    let width = two.get("values").unwrap().shape()[1];
    let three = Tensor::new([3, width], Values::Bool(vec![true; 3 * width])).unwrap();
    let unlike: Tensors =
        [("values".to_owned(), two.get("values").unwrap().clone()), ("measured".to_owned(), three)]
            .into_iter()
            .collect();
    let error = network.run(&unlike).unwrap_err().to_string();
    assert!(error.contains("measured") && error.contains("[3, "), "{error}");
}

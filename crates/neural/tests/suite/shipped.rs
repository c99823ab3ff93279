//! The networks that ship, by every executor.

use std::path::PathBuf;

use neural::{Graph, Network, bench};

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

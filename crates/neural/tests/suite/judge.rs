//! ONNX Runtime as the judge, where `INKLING_ORT` names its shared library (`make check` installs it).

#[cfg(feature = "ort")]
use neural::Network;
use neural::{Graph, Tensors};

/// Outputs of the judge; none, with a line that says so, where it is not here.
pub(crate) fn judged(graph: &Graph, inputs: &Tensors) -> Option<Tensors> {
    let Some(library) = std::env::var_os("INKLING_ORT").filter(|it| !it.is_empty()) else {
        say("skipped: INKLING_ORT names no library of ONNX Runtime");
        return None;
    };
    let outputs = by_onnxruntime(graph, std::path::Path::new(&library), inputs);
    say("reference test ran: ONNX Runtime judged");
    Some(outputs)
}

#[cfg(feature = "ort")]
fn by_onnxruntime(graph: &Graph, library: &std::path::Path, inputs: &Tensors) -> Tensors {
    let network = Network::by_onnxruntime(graph, library, 1).expect("INKLING_ORT names ONNX Runtime");
    network.run(inputs).expect("the judge runs the graph")
}

#[cfg(not(feature = "ort"))]
fn by_onnxruntime(_: &Graph, _: &std::path::Path, _: &Tensors) -> Tensors {
    panic!("INKLING_ORT is set and the feature ort is not: run the tests with --features ort")
}

/// Writes past the capture of the test harness, which hides what passing tests print.
fn say(line: &str) {
    use std::io::Write;
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("a standard output");
}

/// Largest difference of two outputs of the same names and shapes.
pub(crate) fn difference(left: &Tensors, right: &Tensors) -> f32 {
    assert_eq!(left.len(), right.len());
    let of_one = |(name, left): (&str, &neural::Tensor)| {
        let right = right.get(name).expect("the same names");
        assert_eq!(left.shape(), right.shape(), "{name}");
        let (left, right) = (left.to_f32().expect("floats"), right.to_f32().expect("floats"));
        left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
    };
    left.iter().map(of_one).fold(0.0, f32::max)
}

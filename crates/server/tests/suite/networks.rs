//! The Open Inference Protocol: JSON and bytes, what is refused, and how it behaves when there is too much of it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use neural::{Dim, Dtype, Graph, Node, Port, Tensor};
use serde_json::{Value, json};
use server::Settings;

use crate::client::{Client, House};

/// `y = relu(x · w)` of a width; the widest takes a while.
fn network(folder: &Path, width: usize, layers: usize) -> std::path::PathBuf {
    let port = |name: &str| Port {
        name: name.into(),
        dtype: Dtype::F32,
        shape: Some(vec![Dim::Named("rows".into()), Dim::Fixed(width)]),
    };
    let weights = |layer: usize| {
        let values = (0..width * width).map(|it| ((it * 7 + layer) % 13) as f32 / 13.0 - 0.5).collect();
        (format!("w{layer}"), Tensor::f32([width, width], values).unwrap())
    };
    let zeros = |layer: usize| (format!("b{layer}"), Tensor::f32([width], vec![0.25; width]).unwrap());
    let mut nodes = vec![];
    let mut last = "x".to_owned();
    for layer in 0..layers {
        let (sum, next) = (format!("s{layer}"), format!("h{layer}"));
        nodes.push(Node::new(
            "Gemm",
            [last.as_str(), &format!("w{layer}"), &format!("b{layer}")],
            [sum.as_str()],
        ));
        let next = if layer + 1 == layers { "y".to_owned() } else { next };
        nodes.push(Node::new("Relu", [sum.as_str()], [next.as_str()]));
        last = next;
    }
    let graph = Graph {
        inputs: vec![port("x")],
        outputs: vec![port("y")],
        nodes,
        initialisers: (0..layers).flat_map(|it| [weights(it), zeros(it)]).collect(),
        opsets: [(String::new(), 17)].into(),
        name: "test".into(),
        ..Graph::default()
    };
    let path = folder.join(format!("{width}.onnx"));
    std::fs::write(&path, graph.to_onnx()).unwrap();
    path
}

fn served(change: impl FnOnce(Settings) -> Settings) -> (House, Client) {
    let house = House::with(|it| {
        let folder = it.folder.clone();
        std::fs::create_dir_all(&folder).unwrap();
        let networks = [("small".into(), network(&folder, 4, 2)), ("slow".into(), network(&folder, 512, 24))];
        change(Settings { networks: networks.into(), network_threads: 1, ..it })
    });
    let device = house.device(&house.administrator());
    (house, device)
}

fn input(rows: usize, width: usize) -> Value {
    let values: Vec<f32> = (0..rows * width).map(|it| it as f32 / 10.0 - 0.3).collect();
    json!({ "name": "x", "shape": [rows, width], "datatype": "FP32", "data": values })
}

#[test]
fn json_and_bytes_give_the_same_answer_with_the_networks_digest() {
    let (house, device) = served(|it| it);
    assert_eq!(house.nobody().get("/v2/health/live").status, 200);
    assert_eq!(house.nobody().get("/v2/health/ready").status, 200);
    let described = device.get("/v2/models/small").expect(200);
    assert_eq!(described["inputs"][0], json!({ "name": "x", "datatype": "FP32", "shape": [-1, 4] }));
    assert_eq!(device.get("/v2/models/small/ready").status, 200);
    let asked = json!({ "id": "seven", "inputs": [input(2, 4)] });
    let answer = device.post("/v2/models/small/infer", &asked).expect(200);
    assert_eq!((&answer["id"], &answer["model_version"]), (&json!("seven"), &described["versions"][0]));
    assert_eq!(answer["outputs"][0]["shape"], json!([2, 4]));
    let by_json: Vec<f32> = serde_json::from_value(answer["outputs"][0]["data"].clone()).unwrap();

    let bytes: Vec<u8> = (0..8).flat_map(|it| (it as f32 / 10.0 - 0.3).to_le_bytes()).collect();
    let head = json!({
        "inputs": [{ "name": "x", "shape": [2, 4], "datatype": "FP32", "parameters": { "binary_data_size": 32 } }],
        "outputs": [{ "name": "y", "parameters": { "binary_data": true } }],
    })
    .to_string();
    let length = head.len().to_string();
    let headers =
        [("content-type", "application/octet-stream"), ("inference-header-content-length", &length)];
    let answer = device.ask("POST", "/v2/models/small/infer", &headers, &[head.as_bytes(), &bytes].concat());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json_length: usize = answer.header("inference-header-content-length").parse().unwrap();
    let by_bytes: Vec<f32> = answer.bytes[json_length..]
        .chunks_exact(4)
        .map(|it| f32::from_le_bytes(it.try_into().unwrap()))
        .collect();
    assert_eq!(by_json, by_bytes);
}

#[test]
fn what_is_no_request_is_refused_with_what_was_expected() {
    let (_house, device) = served(|it| it);
    let ask = |body: Value| device.post("/v2/models/small/infer", &body);
    ask(json!({})).problem(422, "invalid");
    ask(json!({ "inputs": [] })).problem(422, "invalid");
    ask(json!({ "inputs": [input(1, 5)] })).problem(422, "invalid");
    ask(json!({ "inputs": [input(1, 4), input(1, 4)] })).problem(422, "invalid");
    ask(json!({ "inputs": [input(1, 4)], "outputs": [{ "name": "z" }] })).problem(422, "invalid");
    ask(json!({ "inputs": [{ "name": "x", "shape": [1, 4], "datatype": "BYTES", "data": ["a"] }] }))
        .problem(422, "invalid");
    device.post("/v2/models/none/infer", &json!({ "inputs": [] })).problem(404, "not-found");
    let error = device.get("/v2/models/none");
    assert_eq!(error.json()["error"], error.json()["detail"]);
}

#[test]
fn a_request_is_answered_at_its_deadline_and_what_is_too_much_is_refused() {
    let (house, device) = served(|it| Settings { queue_requests: 2, ..it });
    let slow = |deadline: u64| {
        let (device, rows) = (device.clone(), 64);
        std::thread::spawn(move || {
            let begun = Instant::now();
            let body = json!({ "inputs": [input(rows, 512)], "parameters": { "deadline_ms": deadline, "binary_data_output": true } });
            (device.post("/v2/models/slow/infer", &body).status, begun.elapsed())
        })
    };
    let busy: Vec<_> = (0..12).map(|_| slow(10_000)).collect();
    std::thread::sleep(Duration::from_millis(30));
    // Health is answered while every thread computes.
    for _ in 0..20 {
        assert_eq!(house.nobody().get("/livez").status, 204);
    }
    let answers: Vec<(u16, Duration)> = busy.into_iter().map(|it| it.join().unwrap()).collect();
    let count = |status: u16| answers.iter().filter(|it| it.0 == status).count();
    assert_eq!(count(200) + count(429), 12, "{answers:?}");
    assert!(count(200) >= 1 && count(429) >= 1, "{answers:?}");
    let (status, took) = slow(1).join().unwrap();
    assert!(matches!(status, 504 | 429), "{status}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let metrics = house.nobody().get("/metrics").text();
    assert!(metrics.contains("inkling_network_queue_requests 0"), "{metrics}");
    assert!(metrics.contains("path=\"/v2/models/{name}/infer\",status=\"200\""), "{metrics}");
}

#[test]
fn a_network_that_cannot_be_opened_is_an_error_of_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let networks = [("none".to_owned(), folder.path().join("none.onnx"))].into();
    let settings = Settings { networks, ..crate::client::settings(folder.path()) };
    let error = server::Server::start(settings).err().unwrap().to_string();
    assert!(error.contains("none.onnx"), "{error}");
}

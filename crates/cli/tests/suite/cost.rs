//! What fewer bits cost, as whole command lines.

use std::{ffi::OsStr, fs, path::Path};

use neural::{Attribute, Dim, Dtype, Graph, Node, Port, Tensor, Tensors, Values};
use serde_json::Value;

use crate::line::{Said, inkling, inkling_in, root};

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

/// `inkling cost` of the planted network with these options more.
fn cost(folder: &Path, options: &[&str]) -> Said {
    let path = |name: &str| folder.join(name).display().to_string();
    let given = ["--judge".into(), path("test.npz"), "--calibrate".into(), path("calibration.npz")];
    let given = ["cost".into(), path("net.onnx")].into_iter().chain(given);
    let fixed = ["--draws", "50", "--out"].map(str::to_owned).into_iter().chain([path("out")]);
    inkling(given.chain(fixed).chain(options.iter().map(|it| (*it).to_owned())))
}

#[test]
fn a_way_within_its_budget_is_written_and_one_beyond_is_refused_with_the_layer_to_blame() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let written = folder.path().join("out/net-int8.onnx");
    let said = cost(folder.path(), &["--seconds", "0", "--write", "int8", "--most-lost=-1"]);
    assert_eq!(said.code, 1, "{}", said.out);
    for part in
        ["int8: expected to have lost at most -1, got accuracy", "not written", "the layer to blame is"]
    {
        assert!(said.err.contains(part), "{part} is not in {}", said.err);
    }
    assert!(!written.exists());
    let said = cost(folder.path(), &["--seconds", "0", "--write", "int8", "--most-lost", "1"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(Graph::read_onnx(&written).unwrap().nodes.iter().any(|it| it.op == "QuantizeLinear"));
    let said = cost(folder.path(), &["--seconds", "0", "--write", "bf16"]);
    assert!(said.code == 1 && said.err.contains("expected f32, int8 or int4, got \"bf16\""), "{}", said.err);
}

#[test]
fn tables_are_put_on_one_page_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    assert_eq!(cost(folder.path(), &["--seconds", "0.01", "--name", "three@1"]).code, 0);
    let said = inkling(["cost".as_ref(), folder.path().join("out/cost.json").as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let again = folder.path().join("again");
    let table = folder.path().join("out/cost.json");
    let drawn = inkling(["cost".as_ref(), table.as_os_str(), "--out".as_ref(), again.as_os_str()]);
    assert_eq!((drawn.code, drawn.err.as_str()), (0, ""));
    for name in ["cost.json", "cost.txt", "cost.svg"] {
        let of = |folder: &Path| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(of(&again), of(&folder.path().join("out")), "{name}");
    }
    let parts = [
        "# What fewer bits cost",
        "## three@1",
        "120 items of 40 people",
        "| macro AUC |",
        "- **int8**",
        "of the time",
    ];
    for part in parts {
        assert!(said.out.contains(part), "{part} is not in {}", said.out);
    }
}

#[test]
fn the_page_of_the_shipped_networks_is_that_of_their_tables() {
    let tables =
        ["digits", "drawings", "handwriting-portable"].map(|it| format!("networks/{it}@1/cost.json"));
    let said = inkling_in(&root(), &["cost", &tables[0], &tables[1], &tables[2]]);
    let page = fs::read_to_string(root().join("docs/networks-cost.md")).unwrap();
    assert!(said.out == page, "run: inkling cost networks/*@1/cost.json > docs/networks-cost.md");
}

/// 60 people, half of them slower, with a few values missing.
fn cohort(folder: &Path) {
    let columns = ["clock/ink.time.total", "clock/ink.time.paper", "spiral/ink.time.total"];
    let (mut people, mut values) = ("id,label,sex\n".to_owned(), format!("id,{}\n", columns.join(",")));
    for person in 0..60 {
        let (ill, sex) = (person % 2 == 0, if person % 4 < 2 { "female" } else { "male" });
        let label = if ill { "dementia" } else { "healthy" };
        people += &format!("p{person},{label},{sex}\n");
        let seconds = |place: i32| {
            let noise = (f64::from(person * 7 + place * 3) * 1.3).sin();
            20.0 + 4.0 * noise + if ill { 3.0 } else { 0.0 }
        };
        let cell = |place: i32| match (person + place) % 17 {
            0 => String::new(),
            _ => format!("{:.3}", seconds(place)),
        };
        values += &format!("p{person},{},{},{}\n", cell(0), cell(1), cell(2));
    }
    let units = r#"{"name": "demo", "units": {"ink.time.total": "s", "ink.time.paper": "s"}}"#;
    fs::write(folder.join("cohort.json"), units).unwrap();
    fs::write(folder.join("participants.csv"), people).unwrap();
    fs::write(folder.join("features.csv"), values).unwrap();
}

#[test]
fn a_screeners_network_is_judged_on_people_it_did_not_see_and_a_layer_is_to_blame_where_too_much_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let out = folder.path().join("out");
    let options = [
        "--repeats",
        "1",
        "--draws",
        "40",
        "--seconds",
        "0.01",
        "--write",
        "int4",
        "--most-lost=-1",
        "--out",
    ];
    let line = ["cost".as_ref(), folder.path().as_os_str()].into_iter().chain(options.map(OsStr::new));
    let said = inkling(line.chain([out.as_os_str()]));
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("int4: expected to have lost at most -1, got AUC"), "{}", said.err);
    assert!(
        said.err.contains("the layer to blame is") && !out.join("network-int4.onnx").exists(),
        "{}",
        said.err
    );
    let card: Value = serde_json::from_str(&fs::read_to_string(out.join("card.json")).unwrap()).unwrap();
    let rows = card["cost"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows[2]["speed"]["executor"].as_str().unwrap().starts_with("planned"), "{}", rows[2]);
    let names: Vec<&str> =
        rows[2]["figures"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["auc", "brier", "calibration_slope", "sensitivity", "specificity"]);
    assert!(fs::read_to_string(out.join("card.html")).unwrap().contains("What fewer bits cost"));
    refused_by_its_outputs(&out.join("network.onnx"), folder.path());
}

/// `inkling quantize` of a screener's network refuses by its outputs too.
fn refused_by_its_outputs(network: &Path, folder: &Path) {
    let rows: Vec<f32> = (0..60).map(|it| 20.0 + (it as f32).sin() * 4.0).collect();
    let measured = Tensor::new([20, 3], Values::Bool(vec![true; 60])).unwrap();
    let inputs: Tensors =
        [("values", Tensor::f32([20, 3], rows).unwrap()), ("measured", measured)].into_iter().collect();
    let (npz, out) = (folder.join("rows.npz"), folder.join("small.onnx"));
    inputs.write_npz(&npz).unwrap();
    let line = ["quantize".as_ref(), network.as_os_str(), "--calibrate".as_ref(), npz.as_os_str()];
    let least = ["--least-sqnr", "200", "--most-kept", "0", "--out"].map(OsStr::new);
    let said = inkling(line.into_iter().chain(least).chain([out.as_os_str()]));
    assert!(said.code == 1 && said.err.contains("the layer that costs most is"), "{}", said.err);
    assert!(!out.exists());
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
        match row["name"] == "bf16" {
            true => assert!(row["speed"].is_null() && row["untimed"].is_string(), "{row}"),
            false => assert!(row["speed"]["cpu_ms_median"].as_f64().unwrap() > 0.0, "{row}"),
        }
        assert!(row["worst"].is_object() || row["name"] == "f32", "{row}");
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
    assert!(
        said.code == 1 && said.err.contains("expected networks and --judge FILE, one cohort folder"),
        "{}",
        said.err
    );
    let calibration = folder.path().join("calibration.npz");
    let said = inkling(["cost".as_ref(), net.as_os_str(), "--judge".as_ref(), calibration.as_os_str()]);
    assert!(said.code == 1 && said.err.contains("\"class\""), "{}", said.err);
}

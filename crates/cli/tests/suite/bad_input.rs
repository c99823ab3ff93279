//! Everything that people hand in and that is not what it should be: one clear message, and nothing else is lost.

use std::{fs, path::Path};

use crate::line::{Said, inkling, session, tone, wav, wav_of};

/// Assesses a session of `file` (task `picture` or `clock`) beside a sound tone, and returns what was said.
fn beside_a_tone(name: &str, bytes: Option<&[u8]>) -> Said {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tone.wav"), tone()).unwrap();
    if let Some(bytes) = bytes {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let session = format!(
        r#"{{"submissions": [{{"task": "clock", "file": "{name}"}}, {{"task": "picture", "file": "tone.wav"}}]}}"#
    );
    fs::write(folder.path().join("session.json"), session).unwrap();
    inkling(["assess".as_ref(), folder.path().as_os_str()])
}

fn floats(samples: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = samples.iter().flat_map(|it| it.to_le_bytes()).collect();
    wav_of((3, 32), 16000, (&bytes, bytes.len() as u32))
}

#[test]
fn each_broken_file_gives_one_named_reason_and_the_other_is_measured() {
    let flac = fs::read(session().join("picture.flac")).unwrap();
    let back_in_time = br#"{"format": "ink", "version": 1, "strokes": [{"t": [0, 0.5, 0.2], "x": [0, 1, 2], "y": [0, 1, 2]}]}"#;
    let cases: Vec<(&str, Option<Vec<u8>>, &str)> = vec![
        ("empty.wav", Some(vec![]), "empty"),
        ("empty.json", Some(vec![]), "empty"),
        ("words.wav", Some(b"this is no sound".repeat(10)), "words.wav"),
        ("nothing.wav", Some(wav(16000, &[])), "nothing.wav"),
        ("nan.wav", Some(floats(&[f32::NAN; 16000])), "no number"),
        ("silent.wav", Some(wav(16000, &[0; 16000])), "-70.0 dB"),
        ("short.wav", Some(wav(16000, &[9000; 1600])), "0.3 s"),
        ("cut.flac", Some(flac[..40].to_vec()), "cut.flac"),
        ("back.json", Some(back_in_time.to_vec()), "back in time"),
        ("type.json", Some(br#"{"format": "ink", "version": 1, "strokes": "none"}"#.to_vec()), "expected"),
        (
            "dot.json",
            Some(br#"{"format": "ink", "version": 1, "strokes": [{"t": [0], "x": [1], "y": [1]}]}"#.to_vec()),
            "dot.json",
        ),
        ("columns.csv", Some(b"t,y\n0,1\n1,2\n".to_vec()), "column"),
        ("picture.png", Some(b"\x89PNG\r\n\x1a\n0000".to_vec()), "PNG"),
        ("absent.json", None, "absent.json"),
    ];
    for (name, bytes, reason) in cases {
        let said = beside_a_tone(name, bytes.as_deref());
        assert_eq!(said.code, 0, "{name}: a declined submission is a result: {}", said.err);
        let left_out = said.out.split("Left out").nth(1).unwrap_or_default();
        assert!(left_out.replace("\n  ", " ").contains(reason), "{name}: {reason} is not in\n{}", said.out);
        assert!(said.out.contains("Voice · picture"), "{name}: the tone was lost\n{}", said.out);
    }
}

#[test]
fn ten_hours_of_sound_are_refused_by_their_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hours.wav");
    let bytes = 10 * 3600 * 8000;
    fs::write(&path, wav_of((1, 8), 8000, (&[128; 100], bytes))).unwrap();
    // The rest is a hole: the file has its length and takes no room.
    fs::File::options().write(true).open(&path).unwrap().set_len(u64::from(bytes) + 44).unwrap();
    let said = inkling(["assess".as_ref(), path.as_os_str()]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("36000") && said.out.contains("7200"), "{}", said.out);
}

#[test]
fn a_header_that_claims_four_gibibytes_is_measured_as_far_as_it_goes() {
    let samples: Vec<u8> = tone()[44..].to_vec();
    let said = beside_a_tone("claims.wav", Some(&wav_of((1, 16), 16000, (&samples, u32::MAX - 64))));
    assert_eq!(said.code, 0, "{}", said.err);
    // Either answer is honest: refused for the length it claims, or measured and marked as broken off.
    assert!(said.out.contains("claims.wav") || said.out.contains("marked"), "{}", said.out);
}

#[test]
fn a_truncated_flac_keeps_what_is_there_and_says_so() {
    let flac = fs::read(session().join("picture.flac")).unwrap();
    let said = beside_a_tone("cut.flac", Some(&flac[..flac.len() / 2]));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("marked"), "{}", said.out);
}

#[test]
fn a_million_points_are_read() {
    let numbers = |scale: f64| {
        (0..1_000_000).map(|n| format!("{:.3}", f64::from(n) * scale)).collect::<Vec<_>>().join(",")
    };
    let json = format!(
        r#"{{"format": "ink", "version": 1, "strokes": [{{"t": [{}], "x": [{}], "y": [{}]}}]}}"#,
        numbers(0.001),
        numbers(0.01),
        numbers(0.02)
    );
    let said = beside_a_tone("long.json", Some(json.as_bytes()));
    assert!(said.out.contains("Drawing · clock"), "{}", said.out.chars().take(2000).collect::<String>());
}

#[test]
fn a_session_of_another_shape_is_one_message_and_exit_one() {
    let cases = [
        ("", "session.json"),
        ("{", "line 1"),
        (r#"{"submissions": 3}"#, "expected a sequence"),
        (r#"{"submissions": [{"task": 1, "file": "a"}]}"#, "expected a string"),
        (r#"{"submissions": [{"task": "clock", "file": "../a"}]}"#, "inside the session folder"),
    ];
    for (json, reason) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("session.json"), json).unwrap();
        let said = inkling(["assess".as_ref(), folder.path().as_os_str()]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{json}");
        assert!(said.err.contains(reason) && said.err.lines().count() == 1, "{json}: {}", said.err);
    }
}

#[test]
fn wrong_usage_is_exit_two() {
    for line in [&["frobnicate"][..], &["measure"], &["evaluate", "x", "--outer", "many", "--out", "y"]] {
        assert_eq!(inkling(line).code, 2, "{line:?}");
    }
}

#[test]
fn one_bad_file_of_a_batch_is_reported_and_the_others_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wav"), tone()).unwrap();
    fs::write(folder.path().join("b.wav"), b"no sound").unwrap();
    fs::write(folder.path().join("c.wav"), tone()).unwrap();
    let said = inkling(["measure".as_ref(), folder.path().as_os_str(), "--format".as_ref(), "json".as_ref()]);
    assert_eq!(said.code, 1);
    assert_eq!(said.out.lines().count(), 3);
    assert_eq!(said.out.lines().filter(|line| line.contains(r#""values""#)).count(), 2);
    assert!(said.err.contains("b.wav") && said.err.lines().count() == 1, "{}", said.err);
}

fn cohort(participants: &str, features: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let json = r#"{"name": "demo", "units": {"ink.time.total": "s"}}"#;
    fs::write(folder.path().join("cohort.json"), json).unwrap();
    fs::write(folder.path().join("participants.csv"), participants).unwrap();
    fs::write(folder.path().join("features.csv"), features).unwrap();
    folder
}

fn evaluate(folder: &Path) -> Said {
    let out = folder.join("out");
    inkling(["evaluate".as_ref(), folder.as_os_str(), "--out".as_ref(), out.as_os_str()])
}

#[test]
fn a_cohort_that_cannot_be_judged_says_why() {
    let rows = |label: &str, people: std::ops::Range<u32>| -> String {
        people.map(|person| format!("p{person},{label}\n")).collect()
    };
    let values = |people: std::ops::Range<u32>| -> String {
        people.map(|person| format!("p{person},{}\n", f64::from(person) * 1.5 + 3.0)).collect()
    };
    let header = "id,clock/ink.time.total\n";
    let cases = [
        (format!("id,label\n{}", rows("healthy", 0..40)), format!("{header}{}", values(0..40)), "40 healthy"),
        (format!("id,label\n{}", rows("healthy", 0..1)), format!("{header}{}", values(0..1)), "1 healthy"),
        (
            format!("id,label\n{0}{0}", rows("healthy", 0..2)),
            header.to_owned(),
            "was already there at line 2",
        ),
        (format!("id,label\n{}", rows("ill", 0..2)), header.to_owned(), "healthy, mci, dementia or other"),
        ("name,label\na,healthy\n".to_owned(), header.to_owned(), r#"expected a column "id""#),
    ];
    for (participants, features, reason) in cases {
        let folder = cohort(&participants, &features);
        let said = evaluate(folder.path());
        assert_eq!(said.code, 1, "{reason}");
        assert!(
            said.err.contains(reason) && said.err.lines().count() == 1,
            "{reason} is not in {}",
            said.err
        );
    }
}

#[test]
fn an_unknown_estimator_or_target_names_the_known_ones() {
    let folder = cohort("id,label\na,healthy\n", "id,clock/ink.time.total\na,1\n");
    let with = |flag: &str, word: &str| {
        let (folder, out) = (folder.path().to_str().unwrap(), folder.path().join("out"));
        inkling(["evaluate", folder, flag, word, "--out", out.to_str().unwrap()])
    };
    let said = with("--estimator", "oracle");
    assert!(said.code == 1 && said.err.contains("elastic-net, svm-linear"), "{}", said.err);
    let said = with("--target", "iq");
    assert!(said.code == 2 && said.err.contains("classes"), "{}", said.err);
    let said = with("--target", "mmse");
    assert!(said.code == 1 && said.err.contains("different points"), "{}", said.err);
}

#[test]
fn what_classes_and_points_have_no_use_for_is_refused_and_not_passed_over() {
    let folder = cohort("id,label\na,healthy\n", "id,clock/ink.time.total\na,1\n");
    let (path, out) = (folder.path().to_str().unwrap(), folder.path().join("out"));
    for flag in [["--calibration", "beta"], ["--error-rate", "0.2"]] {
        let line = ["evaluate", path, "--target", "mmse", flag[0], flag[1], "--out", out.to_str().unwrap()];
        let said = inkling(line);
        let why = format!("{} is for the target impaired", flag[0]);
        assert!(said.code == 1 && said.err.contains(&why), "{}", said.err);
    }
}

#[test]
fn a_published_table_without_a_column_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("DARWIN.csv");
    fs::write(&file, "ID,air_time1,class\nid_1,3,P\n").unwrap();
    let out = folder.path().join("out");
    let said = inkling([
        "cohort".as_ref(),
        "import".as_ref(),
        "darwin".as_ref(),
        file.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains(r#"expected a column "disp_index1""#), "{}", said.err);
}

#[test]
fn what_is_not_there_is_said_once_with_what_was_expected() {
    let nowhere = tempfile::tempdir().unwrap();
    let cohort = evaluate(nowhere.path());
    assert_eq!(cohort.code, 1);
    assert!(cohort.err.contains("expected a cohort folder with cohort.json, got none"), "{}", cohort.err);
    let (network, out) = (nowhere.path().join("x.onnx"), nowhere.path().join("z.npz"));
    let line = ["run".as_ref(), network.as_os_str(), network.as_os_str(), "--out".as_ref(), out.as_os_str()];
    let run = inkling(line);
    assert!(run.code == 1 && run.err.matches("No such file").count() == 1, "{}", run.err);
}

//! A voice cohort becomes a screener: the whole way, on people who are made up. Forty synthetic voices describe a market day in
//! English or Korean and draw a clock; the impaired ones pause longer and draw more slowly. In one cohort the impaired were also
//! recorded in another room: hum and a louder floor. The audit must hear the room, and must hear nothing in its twin.
//!
//! espeak-ng speaks each phrase; where it is not installed, the test says so and ends. Nobody was recorded.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ink::synth::{Clock, Pen, clock};
use serde_json::Value;

use crate::line::{Said, say, wav};

/// Speakers of each class.
const SPEAKERS: u32 = 20;
/// What espeak-ng puts out.
const RATE: u32 = 22_050;

const ENGLISH: [&str; 5] = [
    "I see a woman who is selling apples",
    "a little boy is holding a red kite",
    "the dog runs after the baker",
    "one loaf is falling off the tray",
    "and the clock says ten past three",
];
const KOREAN: [&str; 5] = [
    "시장에서 아주머니가 사과를 팔고 있어요",
    "작은 아이가 빨간 연을 들고 있어요",
    "강아지가 빵집 아저씨를 따라가요",
    "빵 하나가 바닥으로 떨어지고 있어요",
    "시계는 세 시 십 분을 가리켜요",
];
const VARIANTS: [&str; 10] = ["m1", "f1", "m2", "f2", "m3", "f3", "m4", "f4", "m7", "f5"];

/// Numbers from 0 to 1, the same in every run (a linear congruential generator, Knuth's MMIX constants).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

/// One who is made up.
struct Speaker {
    number: u32,
    impaired: bool,
}

impl Speaker {
    fn korean(&self) -> bool {
        self.number % 4 >= 2
    }

    fn draws(&self) -> Draws {
        let mut draws = Draws(u64::from(self.number) * 977 + u64::from(self.impaired));
        (0..8).for_each(|_| _ = draws.next());
        draws
    }

    fn phrases(&self, folder: &Path) -> Vec<Vec<f64>> {
        let mut draws = self.draws();
        let language = if self.korean() { "ko" } else { "en-us" };
        let voice = format!("{language}+{}", VARIANTS[(self.number / 2) as usize % VARIANTS.len()]);
        let (pitch, speed) = (draws.within(30.0, 60.0) as u32, draws.within(140.0, 185.0) as u32);
        let texts = if self.korean() { KOREAN } else { ENGLISH };
        let phrase = |text: &str| {
            let path = folder.join("phrase.wav");
            let done = Command::new("espeak-ng")
                .args(["-v", &voice, "-p", &pitch.to_string(), "-s", &speed.to_string(), "-w"])
                .args([path.as_os_str(), text.as_ref()])
                .status();
            assert!(done.unwrap().success(), "espeak-ng {voice}");
            trimmed(&fs::read(path).unwrap())
        };
        texts.map(phrase).to_vec()
    }

    /// The description with pauses, in a quiet room or in the other one.
    fn recording(&self, phrases: &[Vec<f64>], other_room: bool) -> Vec<u8> {
        let mut draws = self.draws();
        let mut sound = vec![0.0; RATE as usize * 6 / 10];
        // People differ by more than the classes do, so that no pause tells by itself.
        let habit = draws.within(0.7, 1.4);
        for phrase in phrases {
            sound.extend(phrase);
            let (low, high) = if self.impaired { (0.5, 1.5) } else { (0.3, 0.9) };
            sound.extend(vec![0.0; (habit * draws.within(low, high) * f64::from(RATE)) as usize]);
        }
        let floor = draws.within(-62.0, -54.0) + if other_room { 9.0 } else { 0.0 };
        let (noise, hum) = (10f64.powf(floor / 20.0) * 3f64.sqrt(), if other_room { 0.004 } else { 0.0 });
        let sample = |(place, sample): (usize, f64)| {
            let hum = hum * (place as f64 * 50.0 * std::f64::consts::TAU / f64::from(RATE)).sin();
            ((sample + hum + draws.within(-noise, noise)).clamp(-1.0, 1.0) * 32_767.0) as i16
        };
        wav(RATE, &sound.into_iter().enumerate().map(sample).collect::<Vec<_>>())
    }

    fn drawing(&self) -> String {
        let pen = Pen::natural(u64::from(self.number));
        let mut draws = self.draws();
        let slowness = draws.within(0.8, 1.2) * if self.impaired { 1.35 } else { 1.0 };
        clock(&Clock { slowness, ..Clock::at(11, 10) }, &pen).to_json()
    }
}

/// Samples of a WAV of ours between the first and the last loud one, with the synthesiser's own silence gone.
fn trimmed(wav: &[u8]) -> Vec<f64> {
    let samples: Vec<f64> = wav[44..]
        .chunks_exact(2)
        .map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    let loud = |sample: &f64| sample.abs() > 0.01;
    let first = samples.iter().position(loud).unwrap();
    let last = samples.iter().rposition(loud).unwrap();
    samples[first..=last].iter().map(|sample| 0.5 * sample).collect()
}

/// Runs `inkling` with a home of its own.
fn inkling(home: &Path, arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_inkling"))
        .env("INKLING_HOME", home)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let said =
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    assert_eq!(said.code, 0, "inkling {}\n{}\n{}", arguments.join(" "), said.out, said.err);
    said
}

/// A folder with two cohorts, `room` and `twin`, imported and measured.
struct Cohorts(tempfile::TempDir);

impl Cohorts {
    fn made() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let header = "id,label,age,sex,education,language,site,device,task,file\n";
        let (mut room, mut twin) = (header.to_owned(), header.to_owned());
        for number in 0..2 * SPEAKERS {
            let speaker = Speaker { number, impaired: number % 2 == 1 };
            let phrases = speaker.phrases(root);
            // One in ten of each class sat in the wrong room: the confound is strong, not perfect.
            let other = speaker.impaired != (number % 20 < 2);
            write(root, &format!("room/{number}.wav"), &speaker.recording(&phrases, other));
            write(root, &format!("twin/{number}.wav"), &speaker.recording(&phrases, false));
            write(root, &format!("ink/{number}.json"), speaker.drawing().as_bytes());
            let known = row(&speaker);
            for (rows, sound) in [(&mut room, "room"), (&mut twin, "twin")] {
                *rows += &format!("{known},picture,{sound}/{number}.wav\n{known},clock,ink/{number}.json\n");
            }
        }
        for (name, rows) in [("room", &room), ("twin", &twin)] {
            write(root, &format!("{name}.csv"), rows.as_bytes());
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Said {
        inkling(&self.0.path().join("home"), arguments)
    }

    fn audit(&self, cohort: &str) -> Value {
        let said = self.run(&["audit", &self.path(cohort), "--format", "json", "--repeats", "2"]);
        serde_json::from_str(&said.out).unwrap()
    }

    /// Assesses a session of these tasks of a new speaker by a screener, and gives the report.
    fn assessed(&self, screener: &str, impaired: bool, tasks: &[&str]) -> Value {
        let speaker = Speaker { number: if impaired { 1011 } else { 1002 }, impaired };
        let session = self.0.path().join(format!("session-{screener}-{impaired}-{}", tasks.join("-")));
        let mut submissions = vec![];
        for task in tasks {
            let (file, bytes) = match *task {
                "picture" => ("picture.wav", speaker.recording(&speaker.phrases(self.0.path()), false)),
                _ => ("clock.json", speaker.drawing().into_bytes()),
            };
            write(&session, file, &bytes);
            submissions.push(serde_json::json!({ "task": task, "file": file }));
        }
        let json = serde_json::json!({ "synthetic": true, "submissions": submissions });
        write(&session, "session.json", json.to_string().as_bytes());
        let out = session.join("report");
        let (session, out) = (session.display().to_string(), out.display().to_string());
        let said = self.run(&["assess", &session, "--screener", screener, "--out", &out]);
        assert!(
            said.out.contains("Synthetic screener: the people it was fitted on were made by a program"),
            "{}",
            said.out
        );
        serde_json::from_slice(&fs::read(PathBuf::from(out).join("report.json")).unwrap()).unwrap()
    }
}

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// What is known of a speaker: nothing that differs between the classes.
fn row(speaker: &Speaker) -> String {
    let number = speaker.number;
    let label = if speaker.impaired { "dementia" } else { "healthy" };
    let (age, sex) =
        (66 + (number / 2 * 7) % 20, if (number / 2).is_multiple_of(2) { "male" } else { "female" });
    let (language, site) =
        (if speaker.korean() { "ko" } else { "en" }, ["north", "south"][(number / 2 % 2) as usize]);
    format!("s{number:02},{label},{age},{sex},{},{language},{site},synthesiser", 6 + (number / 2 * 5) % 11)
}

fn finding<'a>(audit: &'a Value, kind: &str) -> Option<&'a Value> {
    audit["findings"].as_array().unwrap().iter().find(|it| it["kind"] == kind)
}

fn baseline(audit: &Value, name: &str) -> f64 {
    let all = audit["baselines"].as_array().unwrap();
    all.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no baseline {name}"))["auc"]["value"]
        .as_f64()
        .unwrap()
}

#[test]
fn a_voice_cohort_becomes_a_screener_and_the_audit_hears_the_room() {
    if Command::new("espeak-ng").arg("--version").output().is_err() {
        say("skipped: espeak-ng is not installed (a voice cohort becomes a screener)");
        return;
    }
    let cohorts = Cohorts::made();
    for name in ["room", "twin"] {
        let (manifest, out) =
            (cohorts.path(&format!("{name}.csv")), cohorts.path(&format!("cohorts/{name}")));
        let said = cohorts.run(&["cohort", "import", "csv", &manifest, "--synthetic", "--out", &out]);
        assert!(
            said.out.contains("The people of this cohort are made up.") && said.out.contains("20 "),
            "{}",
            said.out
        );
        let said = cohorts.run(&["measure", &out]);
        assert!(
            said.out.starts_with("40 people,") && said.out.contains("from 80 files; 0 declined"),
            "{}",
            said.out
        );
    }
    hears_the_room(&cohorts);
    becomes_a_screener(&cohorts);
}

fn hears_the_room(cohorts: &Cohorts) {
    let (room, twin) = (cohorts.audit("cohorts/room"), cohorts.audit("cohorts/twin"));
    let heard = finding(&room, "silence_predicts_label").expect("the room is not heard");
    assert_eq!((heard["severity"].as_str(), heard["decision"].is_null()), (Some("serious"), true));
    assert!(baseline(&room, "silence") > 0.8, "{}", room["baselines"]);
    for kind in ["silence", "file", "capture", "metadata"] {
        let kind = format!("{kind}_predicts_label");
        assert!(finding(&twin, &kind).is_none(), "{kind}: {}", finding(&twin, &kind).unwrap());
    }
    for name in ["silence", "file", "capture", "metadata", "duration", "demographics"] {
        assert!(
            twin["baselines"].as_array().unwrap().iter().any(|it| it["name"] == name)
                || twin["unchecked"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|it| it["check"] == format!("{name} baseline")),
            "{name} is neither fitted nor said to be unchecked"
        );
    }
    assert!(twin["whole_table"]["value"].as_f64().unwrap() > 0.75, "{}", twin["whole_table"]);
    let text = cohorts.run(&["audit", &cohorts.path("cohorts/room"), "--repeats", "1"]).out;
    assert!(text.contains("SERIOUS silence_predicts_label, open"), "{text}");
}

fn becomes_a_screener(cohorts: &Cohorts) {
    let (twin, judged) = (cohorts.path("cohorts/twin"), cohorts.path("judged"));
    cohorts.run(&["evaluate", &twin, "--estimator", "logistic", "--repeats", "1", "--out", &judged]);
    let card: Value =
        serde_json::from_slice(&fs::read(Path::new(&judged).join("card.json")).unwrap()).unwrap();
    assert!(
        card["readings"]["masked"]["auc"]["value"].as_f64().unwrap() > 0.75,
        "{}",
        card["readings"]["masked"]["auc"]
    );
    assert_eq!(card["cohort"]["synthetic"], true);
    cohorts.run(&["train", &twin, "--name", "spoken@1", "--refits", "40"]);
    assert!(cohorts.run(&["screeners", "list"]).out.contains("spoken@1  twin, 40 people"));
    let screener = fs::read_to_string(cohorts.path("home/screeners/spoken@1/screener.json")).unwrap();
    assert!(
        !screener.contains("\"silence.") && !screener.contains("\"file.") && !screener.contains("\"capture.")
    );
    let fused =
        cohorts.run(&["train", &twin, "--name", "fused@1", "--refits", "40", "--estimator", "fusion"]);
    assert!(
        fused.out.contains("voice + ink  AUC") || fused.out.contains("ink + voice  AUC"),
        "{}",
        fused.out
    );
    for screener in ["spoken@1", "fused@1"] {
        tells_new_speakers_apart(cohorts, screener);
    }
    let both = cohorts.assessed("fused@1", true, &["picture", "clock"]);
    assert_eq!(both["conclusion"]["score"]["modalities"].as_array().unwrap().len(), 2);
    assert!(both.to_string().contains("What was spoken and drawn is"), "{both}");
}

/// Both tasks, and either of them absent.
fn tells_new_speakers_apart(cohorts: &Cohorts, screener: &str) {
    let ratio = |report: &Value| report["conclusion"]["score"]["likelihood_ratio"]["value"].as_f64();
    for tasks in [&["picture", "clock"][..], &["picture"], &["clock"]] {
        let (healthy, impaired) =
            (cohorts.assessed(screener, false, tasks), cohorts.assessed(screener, true, tasks));
        let used: Vec<&str> = impaired["conclusion"]["score"]["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap())
            .collect();
        assert_eq!(used.len(), tasks.len(), "{used:?}");
        let (healthy, impaired) = (ratio(&healthy).unwrap(), ratio(&impaired).unwrap());
        assert!(
            healthy < 1.0 && impaired > 1.0,
            "{screener} {tasks:?}: healthy {healthy}, impaired {impaired}"
        );
    }
}

//! Spoils recordings, measures them again, and writes how far each measure of `voice@1` moves.
//!
//! `make robustness`: writes the generated part of `docs/voice.md` and `crates/voice/src/fragility/measured.rs`, which the
//! definitions take their conditions from. Reads `INKLING_DATA` and `INKLING_GOLDEN`; needs `ffmpeg` with libmp3lame. The same
//! input gives the same text.

mod judge;
mod material;
mod spoil;
mod table;

use std::{error::Error, fs, path::Path};

use feature::{FeatureVector, Usable};
use judge::{Measured, Row};
use material::{Clip, Group};
use spoil::COLUMNS;
use voice::{Analysis, Recording, set};

type Failure = Box<dyn Error>;

/// Lines of the page between which everything is written anew.
const BEGIN: &str = "<!-- written by `make robustness` -->";
const END: &str = "<!-- end of what `make robustness` writes -->";
/// The families of the last table.
const SUSTAINED: [&str; 4] = ["voice.jitter.", "voice.shimmer.", "voice.hnr.", "voice.cpps."];

fn main() -> Result<(), Failure> {
    let groups = material::groups()?;
    let measured: Vec<Measured> =
        groups.iter().map(|group| measure(group, &groups[0].clips)).collect::<Result<_, _>>()?;
    let rows: Vec<Row> = set().definitions().map(|it| Row::of(it, &measured)).collect();
    let on_vowels = |definition: &&'static feature::Definition| {
        SUSTAINED.iter().any(|stem| definition.name.starts_with(stem))
    };
    let vowels: Vec<Row> = set()
        .definitions()
        .filter(on_vowels)
        .map(|definition| Row { definition, judged: judge::on(definition.name, &measured, 2) })
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = root.join("../../docs/voice.md");
    let text = fs::read_to_string(&page)?;
    fs::write(&page, renewed(&text, &table::page(&rows, &groups, &vowels))?)?;
    fs::write(root.join("src/fragility/measured.rs"), table::list(&rows))?;
    report(&rows);
    Ok(())
}

/// Every clip before and after each column.
fn measure(group: &Group, voices: &[Clip]) -> Result<Measured, Failure> {
    let clips = &group.clips;
    let whole = |clip: &Clip| {
        values(Recording::from_samples(clip.samples.clone())).ok_or(format!("{} is declined", clip.name))
    };
    let before = clips.iter().map(whole).collect::<Result<_, _>>()?;
    let mut after = Vec::new();
    for column in &COLUMNS {
        eprintln!("{}: {}", group.title, column.head);
        let spoiled = |place: usize| column.apply(clips, place, voices).map(values);
        after.push((0..clips.len()).map(spoiled).collect::<Result<_, _>>()?);
    }
    Ok(Measured { before, after })
}

/// The values of a recording; `None` where it is declined.
fn values(recording: Recording) -> Option<FeatureVector> {
    let usable = Usable::new(recording).ok()?;
    Some(set().measure(&Analysis::new(&usable)))
}

/// `text` with everything between the markers replaced.
fn renewed(text: &str, generated: &str) -> Result<String, Failure> {
    let missing = |line: &str| format!("docs/voice.md: expected the line {line}");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!("{before}{BEGIN}\n{generated}{END}{after}"))
}

/// How many measures are fragile under each condition, to the terminal.
fn report(rows: &[Row]) {
    let judged: Vec<_> = rows.iter().filter_map(table::fragile).collect();
    println!("{} of {} measures judged", judged.len(), rows.len());
    for condition in feature::Condition::ALL {
        let fragile = judged.iter().filter(|it| it.contains(&condition)).count();
        println!("{fragile:4} fragile under {condition}");
    }
}

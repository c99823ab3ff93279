//! The generated part of `docs/voice.md`, and the list that the definitions take their conditions from.

use feature::{Condition, median};

use crate::{
    judge::{Cell, LOST, MOVED, Row},
    material::{Group, left_out},
    spoil::{COLUMNS, DISTANCE_M, VOLUME_M3, direct_over_reverberant_db},
};

/// The conditions under which a row is unstable.
pub(crate) fn fragile(row: &Row) -> Option<Vec<Condition>> {
    let judged = row.judged.as_ref()?;
    let breaks = |condition: &Condition| {
        let counted =
            COLUMNS.iter().zip(&judged.cells).filter(|(it, _)| it.counts && it.condition == *condition);
        counted.into_iter().any(|(_, cell)| cell.unstable())
    };
    Some(Condition::ALL.into_iter().filter(breaks).collect())
}

/// The list of `voice/src/fragility/measured.rs`.
pub(crate) fn list(rows: &[Row]) -> String {
    let mut text = String::from(
        "//! Written by `make robustness` with the table of `docs/voice.md`.\n\n\
         use feature::Condition::{self, *};\n\n\
         /// Feature and the conditions under which it is unstable, in the order of the set.\n\
         pub(super) const MEASURED: &[(&str, &[Condition])] = &[\n",
    );
    for row in rows {
        let Some(conditions) = fragile(row) else { continue };
        let words: Vec<String> = conditions.iter().map(|it| format!("{it:?}")).collect();
        text += &format!("    (\"{}\", &[{}]),\n", row.definition.name, words.join(", "));
    }
    text + "];\n"
}

/// Everything between the markers of the page.
pub(crate) fn page(rows: &[Row], groups: &[Group], vowels: &[Row]) -> String {
    [material(groups, rows), rule(), families(rows), every(rows, groups), sustained(vowels, groups)].concat()
}

fn material(groups: &[Group], rows: &[Row]) -> String {
    let seconds = |group: &Group| group.clips.iter().map(|it| it.samples.len()).sum::<usize>() / 16_000;
    let size = |group: &Group| format!("{} recordings, {} s", group.clips.len(), seconds(group));
    let names: Vec<String> = groups[0].clips.iter().map(|it| format!("`{}`", it.name)).collect();
    let on = |group: usize| {
        rows.iter().filter(|row| row.judged.as_ref().is_some_and(|it| it.group == group)).count()
    };
    let unjudged: Vec<String> =
        rows.iter().filter(|it| it.judged.is_none()).map(|it| format!("`{}`", it.definition.name)).collect();
    format!(
        "**Material.** *Speech* ({}): {}. Left out: {}.\n*Speech with pauses* ({}): each of these that is shorter than 12 s, five times over with log-normal pauses \
         between them, over noise at −50 dB. *Vowels and syllables* ({}): the golden vowels, trembling voices and pa-ta-ka trains of \
         `voice::synth`.\nA measure is judged on speech where at least eight recordings have a value and they differ ({} measures); one of \
         time on speech with pauses (‡, {}); what speech does not hold on vowels and syllables (†, {}); the rest not at all ({}).\n\n{}",
        size(&groups[0]),
        names.join(", "),
        left_out(),
        size(&groups[1]),
        size(&groups[2]),
        on(0),
        on(1),
        on(2),
        if unjudged.is_empty() { "none".to_owned() } else { unjudged.join(", ") },
        conditions(),
    )
}

fn conditions() -> String {
    let ratios = [0.3, 0.6, 1.0].map(|it| format!("{:+.1}", direct_over_reverberant_db(it))).join(" / ");
    format!(
        "**Conditions.** White noise, and the babble of six other speech recordings, at 20, 10 and 5 dB below the speech (power of the \
         20 ms blocks within 30 dB of the loudest, over the power of the noise); MP3 at 64 kb/s by LAME; a telephone line (300–3400 Hz, \
         8 kHz, G.711 μ-law); gain of ±12 dB; rooms whose impulse response is noise that falls by 60 dB in 0.3, 0.6 and 1.0 s, in \
         {VOLUME_M3} m³ and {DISTANCE_M} m from the microphone, which by Sabine is a direct-to-reverberant ratio of {ratios} dB. All \
         noise is seeded. Recordings are first lowered to a peak of −12 dBFS where they exceed it, so that gain does not clip.\n\n"
    )
}

fn rule() -> String {
    format!(
        "**How to read it.** A cell is the median over recordings of |after − before|, divided by the spread between recordings \
         (1.4826 × median deviation from the median; standard deviation where more than half are equal). ↑ or ↓: at least four fifths \
         moved that way, a shift that recordings made alike share. ✕ is the share of values that went missing. **Bold** is *unstable*: \
         more than {MOVED:.2} of the spread (a normal error of half the spread, reliability 0.8), or more than {:.0} % missing. A \
         measure is *fragile* under a condition where it is unstable at a degree that the check of a recording still calls good: noise at \
         20 dB (limit 15), rooms of 0.3 and 0.6 s (limit 0.6), MP3, telephone, gain.\n\n",
        100.0 * LOST
    )
}

/// Name without its last word.
fn family(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem == "voice" { name } else { stem }
}

/// One row a family: how many of its measures are unstable, and their median move.
fn families(rows: &[Row]) -> String {
    let mut text = format!(
        "### By family\nUnstable measures of those judged, and the median cell (✕: lost).\n\n{}",
        head("family")
    );
    for part in rows.chunk_by(|a, b| family(a.definition.name) == family(b.definition.name)) {
        let judged: Vec<_> = part.iter().filter_map(|it| it.judged.as_ref()).collect();
        if judged.is_empty() {
            continue;
        }
        let cells = (0..COLUMNS.len()).map(|column| {
            let unstable = judged.iter().filter(|it| it.cells[column].unstable()).count();
            let moved: Vec<f64> =
                judged.iter().map(|it| it.cells[column].moved.unwrap_or(f64::INFINITY)).collect();
            let words = format!("{unstable}/{} · {}", judged.len(), number(median(&moved).unwrap_or(0.0)));
            if 2 * unstable > judged.len() { format!("**{words}**") } else { words }
        });
        text += &format!(
            "| `{}` | {} |\n",
            family(part[0].definition.name),
            cells.collect::<Vec<_>>().join(" | ")
        );
    }
    text + "\n"
}

/// One row a measure.
fn every(rows: &[Row], groups: &[Group]) -> String {
    let [speech, paused, made] = [0, 1, 2].map(|it| groups[it].title);
    let mut text = format!(
        "### Every measure\nOn {speech} (no mark), {paused} (‡) or {made} (†); *n* recordings had a value.\n\n"
    );
    text += &head_with("measure | n", " fragile under |", "---|---|");
    for row in rows {
        let Some(judged) = &row.judged else { continue };
        let mark = ["", " ‡", " †"][judged.group];
        let cells: Vec<String> = judged.cells.iter().map(shown).collect();
        let fragile: Vec<&str> = fragile(row).unwrap_or_default().into_iter().map(Condition::word).collect();
        text += &format!(
            "| `{}`{mark} | {} | {} | {} |\n",
            row.definition.name,
            judged.recordings,
            cells.join(" | "),
            fragile.join(", ")
        );
    }
    text + "\n"
}

/// The measures of sustained vowels on vowels, where studies read them.
fn sustained(rows: &[Row], groups: &[Group]) -> String {
    let mut text = format!(
        "### Perturbation on vowels\nThe same for the measures that studies read off sustained vowels, on {}. Shown only: the spread is \
         that of the made vowels.\n\n{}",
        groups[2].title,
        head("on vowels")
    );
    for row in rows {
        let Some(judged) = &row.judged else { continue };
        let cells: Vec<String> = judged.cells.iter().map(shown).collect();
        text += &format!("| {} (n = {}) | {} |\n", row.definition.name, judged.recordings, cells.join(" | "));
    }
    text + "\n"
}

fn head(first: &str) -> String {
    head_with(first, "", "---|")
}

fn head_with(first: &str, last: &str, rule: &str) -> String {
    let heads: Vec<&str> = COLUMNS.iter().map(|it| it.head).collect();
    let lines = "---|".repeat(COLUMNS.len() + last.matches('|').count());
    format!("| {first} | {} |{last}\n|{rule}{lines}\n", heads.join(" | "))
}

fn number(moved: f64) -> String {
    match moved {
        f64::INFINITY => "✕".to_owned(),
        it if it < 0.005 => "0".to_owned(),
        it if it < 9.95 => format!("{it:.2}"),
        it => format!("{it:.0}"),
    }
}

fn shown(cell: &Cell) -> String {
    let lost = match cell.lost {
        0.0 => String::new(),
        share => format!(" ✕{:.0}%", 100.0 * share),
    };
    let words = match cell.moved {
        Some(moved) => format!("{}{}{lost}", number(moved), cell.way),
        None => "✕".to_owned(),
    };
    if cell.unstable() { format!("**{words}**") } else { words }
}

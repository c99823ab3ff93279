//! TAUKADIAL 2024: MCI in English and Chinese, three picture descriptions a person (Luz et al. 2024).
//!
//! ```text
//! train/groundtruth.csv                    tkdname, age, sex, mmse, dx     one row a recording; dx is NC or MCI
//! train/taukdial-002-1.wav … -2, -3        person 002, first to third picture
//! ```
//! The three recordings of a person are three tasks of one session. The language is in the table of some copies
//! (`language` or `lang`: en, english, zh, cn, chinese) and unknown otherwise. Recordings without a row are the test part and
//! have no label.

use std::path::Path;

use study::{Diagnosis, Language, Participant, Provenance};

use super::{
    DEMENTIABANK,
    gathering::{Gathering, Imported, below, is_sound, named, person, stem},
    sheet::{Sheet, sex, up_to, years},
};
use crate::Error;

const EXPECTED: &str =
    "groundtruth.csv (tkdname, age, sex, mmse, dx) and recordings such as taukdial-002-1.wav";

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let files = below(root, EXPECTED)?;
    let mut gathering = Gathering::default();
    for table in named(&files, "groundtruth.csv") {
        people(table, &mut gathering)?;
    }
    for file in files.iter().filter(|it| is_sound(it)) {
        let name = stem(file);
        let (who, picture) = who(&name).ok_or_else(|| Error::Layout {
            path: file.clone(),
            expected: "a name such as taukdial-002-1".to_owned(),
            got: name.clone(),
        })?;
        let one = person(who, file)?;
        let id = one.id.clone();
        gathering.person(one, file)?;
        gathering.file(&id, "1", &format!("picture-{picture}"), file)?;
    }
    super::gathering::all_handed_in(&gathering, root)?;
    gathering.finish(provenance(), root, EXPECTED)
}

/// Person and picture of `taukdial-002-1`.
fn who(name: &str) -> Option<(&str, &str)> {
    let (who, picture) = name.rsplit_once('-')?;
    let number = |it: &str| !it.is_empty() && it.chars().all(|c| c.is_ascii_digit());
    (number(picture) && who.rsplit_once('-').is_some_and(|(_, it)| number(it))).then_some((who, picture))
}

fn people(table: &Path, gathering: &mut Gathering) -> Result<(), Error> {
    let mut sheet = Sheet::with(table, &["tkdname", "dx"])?;
    while sheet.advance()? {
        let name = sheet.required("tkdname", "a name such as taukdial-002-1.wav", |it| {
            who(it.trim_end_matches(".wav")).map(|(who, _)| who.to_owned())
        })?;
        let language = sheet.optional("language", "en or zh", language)?;
        let one = Participant {
            label: Some(sheet.required("dx", "NC or MCI", |it| match it {
                "NC" => Some(Diagnosis::Healthy),
                "MCI" => Some(Diagnosis::Mci),
                _ => None,
            })?),
            age: sheet.optional("age", "years from 0 to 130", years)?,
            sex: sheet.optional("sex", "F or M", sex)?,
            mmse: sheet.optional("mmse", "points from 0 to 30", up_to(30.0))?,
            language: language.or(sheet.optional("lang", "en or zh", self::language)?),
            ..person(&name, table)?
        };
        gathering.person(one, table)?;
    }
    Ok(())
}

fn language(word: &str) -> Option<Language> {
    let code = match word.to_lowercase().as_str() {
        "en" | "english" => "en",
        "zh" | "cn" | "chinese" | "mandarin" => "zh",
        _ => return None,
    };
    Some(Language(code.to_owned()))
}

fn provenance() -> Provenance {
    Provenance {
        name: "taukadial-2024".to_owned(),
        source: "Luz et al. 2024, Connected Speech-Based Cognitive Assessment in Chinese and English, Interspeech 2024"
            .to_owned(),
        licence: DEMENTIABANK.to_owned(),
        description: "Three picture descriptions a person, English or Mandarin; the pictures differ between the languages, so \
                      picture-1 to -3 are not one task across them. Labels: MCI or normal cognition."
            .to_owned(),
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookalike::{Folder, refusal};
    use super::*;

    fn layout(rows: &str) -> Folder {
        let folder = Folder::new();
        folder.text("train/groundtruth.csv", &format!("tkdname,age,sex,mmse,dx\n{rows}"));
        for name in ["taukdial-902-1", "taukdial-902-2", "taukdial-903-1"] {
            folder.tone(&format!("train/{name}.wav"));
        }
        folder
    }

    #[test]
    fn recordings_of_one_person_are_tasks_of_one_participant() {
        let rows =
            "taukdial-902-1.wav,72,F,29,NC\ntaukdial-902-2.wav,72,F,29,NC\ntaukdial-903-1.wav,80,M,24,MCI\n";
        let cohort = import(layout(rows).path()).unwrap().cohort;
        assert_eq!(cohort.participants.len(), 2);
        assert_eq!(
            (cohort.participants[1].label, cohort.participants[1].mmse),
            (Some(Diagnosis::Mci), Some(24.0))
        );
        let tasks: Vec<&str> = cohort.submissions.iter().map(|it| it.task.as_str()).collect();
        assert_eq!(tasks, ["picture-1", "picture-2", "picture-1"]);
    }

    #[test]
    fn a_person_with_two_diagnoses_and_a_strange_name_are_refused() {
        let rows = "taukdial-902-1.wav,72,F,29,NC\ntaukdial-902-2.wav,72,F,29,MCI\n";
        assert!(refusal(import, &layout(rows)).contains("one label and one sex of each person"));
        let rows = "taukdial-902-1.wav,72,F,29,AD\n";
        assert!(
            refusal(import, &layout(rows)).contains(r#"line 2, column "dx": expected NC or MCI, got "AD""#)
        );
        let rows = "taukdial-902-1.wav,72,F,29,NC\ntaukdial-999-1.wav,72,F,29,NC\n";
        assert!(refusal(import, &layout(rows)).contains("none of 1 of 3 people"));
        let folder = layout("");
        folder.tone("train/noise.wav");
        assert!(refusal(import, &folder).contains("expected a name such as taukdial-002-1, got noise"));
    }
}

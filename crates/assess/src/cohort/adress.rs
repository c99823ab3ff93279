//! ADReSS 2020: 156 people describe the Cookie Theft picture, matched for age and sex (Luz et al. 2020).
//!
//! ```text
//! train/Full_wave_enhanced_audio/cc/S001.wav …   cd/S079.wav …     cc is healthy, cd has Alzheimer's dementia
//! train/transcription/cc/S001.cha …              cd/…              listed, not measured
//! train/cc_meta_data.txt, cd_meta_data.txt       ID ; age ; gender ; mmse
//! test/Full_wave_enhanced_audio/S160.wav …       test/meta_data.txt   ID ; age ; gender [; Label ; mmse]
//! ```
//! The path may be the folder of either part or one above both. Without a `Label` the people of the test part have no label.
//! `Normalised_audio-chunks` are cut from the same recordings and are left out.

use std::path::{Path, PathBuf};

use study::{Diagnosis, Language, Participant, ParticipantId, Provenance};

use super::{
    DEMENTIABANK,
    gathering::{Gathering, Imported, all_handed_in, below, ending, is_sound, lies_in, named, person, stem},
    sheet::{Sheet, sex, up_to, years},
};
use crate::Error;

const EXPECTED: &str = "cc_meta_data.txt and cd_meta_data.txt beside Full_wave_enhanced_audio/cc and cd (train), or \
                        meta_data.txt beside Full_wave_enhanced_audio (test)";

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let files = below(root, EXPECTED)?;
    let mut gathering = Gathering::default();
    let tables = [
        ("cc_meta_data.txt", Some(("cc", Diagnosis::Healthy))),
        ("cd_meta_data.txt", Some(("cd", Diagnosis::Dementia))),
        ("meta_data.txt", None),
    ];
    for (name, group) in tables {
        for table in named(&files, name) {
            people(table, group.map(|it| it.1), &mut gathering)?;
            let part = table.parent().unwrap_or(root);
            let of_group = |file: &&PathBuf| {
                file.starts_with(part) && group.is_none_or(|(folder, _)| lies_in(part, file, folder))
            };
            recordings(part, files.iter().filter(of_group), &mut gathering)?;
        }
    }
    all_handed_in(&gathering, root)?;
    gathering.finish(provenance(), root, EXPECTED)
}

fn people(table: &Path, label: Option<Diagnosis>, gathering: &mut Gathering) -> Result<(), Error> {
    let mut sheet = Sheet::with(table, &["id", "age", "gender"])?;
    while sheet.advance()? {
        let id = sheet.required("id", "an id such as S001", |it| Some(it.to_owned()))?;
        let stated = sheet.optional("label", "0 or 1", |it| match it {
            "0" => Some(Diagnosis::Healthy),
            "1" => Some(Diagnosis::Dementia),
            _ => None,
        })?;
        let one = Participant {
            label: label.or(stated),
            age: sheet.optional("age", "years from 0 to 130", years)?,
            sex: sheet.optional("gender", "female or male", sex)?,
            mmse: sheet.optional("mmse", "points from 0 to 30", up_to(30.0))?,
            language: Some(Language("en".to_owned())),
            ..person(&id, table)?
        };
        if gathering.knows(&one.id) {
            return Err(sheet.bad("id", "each id once in all tables", &id));
        }
        gathering.person(one, table)?;
    }
    Ok(())
}

fn recordings<'a>(
    part: &Path,
    files: impl Iterator<Item = &'a PathBuf>,
    gathering: &mut Gathering,
) -> Result<(), Error> {
    for file in files {
        let task =
            match (lies_in(part, file, "Full_wave_enhanced_audio"), lies_in(part, file, "transcription")) {
                (true, _) if is_sound(file) => "picture",
                (_, true) if ending(file) == "cha" => "picture-transcript",
                _ => continue,
            };
        let id = ParticipantId::new(&stem(file)).ok().filter(|id| gathering.knows(id));
        let unknown = || Error::Layout {
            path: file.clone(),
            expected: "a person of the table beside the folder".to_owned(),
            got: "somebody who is not in it".to_owned(),
        };
        gathering.file(&id.ok_or_else(unknown)?, "1", task, file)?;
    }
    Ok(())
}

fn provenance() -> Provenance {
    Provenance {
        name: "adress-2020".to_owned(),
        source: "Luz, Haider, de la Fuente, Fromm, MacWhinney 2020, Alzheimer's Dementia Recognition through Spontaneous \
                 Speech: The ADReSS Challenge, Interspeech 2020; recordings of the Pitt corpus (Becker et al. 1994)"
            .to_owned(),
        licence: DEMENTIABANK.to_owned(),
        description: "Picture descriptions (Cookie Theft) in English, noise removed by the organisers, one recording a person, \
                      matched for age and sex. Labels: Alzheimer's dementia or control. Transcripts are listed as \
                      picture-transcript and not measured."
            .to_owned(),
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookalike::{Folder, refusal};
    use super::*;

    fn train() -> Folder {
        let folder = Folder::new();
        folder.text(
            "train/cc_meta_data.txt",
            "ID   ; age ; gender ; mmse\nS901 ; 67 ; male ; 30\nS902 ; 71 ; female ; NA\n",
        );
        folder.text("train/cd_meta_data.txt", "ID   ; age ; gender ; mmse\nS951 ; 70 ; female ; 14\n");
        for (group, id) in [("cc", "S901"), ("cc", "S902"), ("cd", "S951")] {
            folder.tone(&format!("train/Full_wave_enhanced_audio/{group}/{id}.wav"));
            folder.tone(&format!("train/Normalised_audio-chunks/{group}/{id}-1.wav"));
        }
        folder.text("train/transcription/cd/S951.cha", "@Begin\n@End\n");
        folder
    }

    #[test]
    fn people_recordings_and_transcripts_are_found() {
        let folder = train();
        let cohort = import(folder.path()).unwrap().cohort;
        let people: Vec<_> = cohort
            .participants
            .iter()
            .map(|it| (it.id.reveal(), it.label.unwrap(), it.age, it.mmse))
            .collect();
        assert_eq!(people[0], ("S901", Diagnosis::Healthy, Some(67.0), Some(30.0)));
        assert_eq!((people[1].3, people[2].1), (None, Diagnosis::Dementia));
        let tasks: Vec<&str> = cohort.submissions.iter().map(|it| it.task.as_str()).collect();
        assert_eq!(tasks, ["picture", "picture", "picture", "picture-transcript"]);
    }

    #[test]
    fn the_test_part_has_labels_only_where_its_table_has() {
        let folder = train();
        folder.text("test/meta_data.txt", "ID;age;gender\nS960;80;male\n");
        folder.tone("test/Full_wave_enhanced_audio/S960.wav");
        let labels = |folder: &Folder| import(folder.path()).unwrap().cohort.participants[3].label;
        assert_eq!(labels(&folder), None);
        folder.text("test/meta_data.txt", "ID;age;gender;Label;mmse\nS960;80;male;1;20\n");
        assert_eq!(labels(&folder), Some(Diagnosis::Dementia));
    }

    #[test]
    fn what_is_not_of_the_layout_is_refused_with_what_was_expected() {
        let folder = train();
        folder.text("train/cd_meta_data.txt", "ID;age;gender;mmse\nS951;seventy;female;14\n");
        assert!(
            refusal(import, &folder)
                .contains(r#"line 2, column "age": expected years from 0 to 130, got "seventy""#)
        );
        folder.text("train/cd_meta_data.txt", "ID;age;gender;mmse\nS950;70;female;14\n");
        assert!(refusal(import, &folder).contains("S951.wav: expected a person of the table"));
        folder.text("train/cd_meta_data.txt", "ID;age;gender;mmse\nS951;70;female;14\nS952;70;male;14\n");
        assert!(
            refusal(import, &folder)
                .contains("expected a file of every person in the table, got none of 1 of 4")
        );
        folder.text("train/cd_meta_data.txt", "ID;age;gender;mmse\nS901;70;female;14\n");
        assert!(refusal(import, &folder).contains("each id once in all tables"));
        folder.text("train/cd_meta_data.txt", "ID;gender\n");
        assert!(refusal(import, &folder).contains(r#"expected a column "age""#));
        assert!(refusal(import, &Folder::new()).contains("cc_meta_data.txt"));
    }
}

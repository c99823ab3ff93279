//! ADReSSo 2021: the same task as ADReSS from sound alone (Luz et al. 2021).
//!
//! ```text
//! diagnosis/train/audio/ad/adrso024.wav …   cn/adrso002.wav …    ad has probable Alzheimer's dementia, cn is a control
//! diagnosis/train/adresso-train-mmse-scores.csv                  adressfname, mmse, dx
//! diagnosis/test-dist/audio/adrsdt1.wav …
//! label_test_task1.csv (ID, Dx), label_test_task2.csv (ID, MMSE) where somebody has them
//! ```
//! Age and sex are not published. The segmentation tables say when the examiner speaks; they are not used: voices are
//! told apart by ear. The folder `progression` is another question and is left out.

use std::path::{Path, PathBuf};

use study::{Diagnosis, Language, Participant, Provenance};

use super::{
    DEMENTIABANK,
    gathering::{Gathering, Imported, below, is_sound, lies_in, named, person, stem},
    sheet::{Sheet, up_to},
};
use crate::Error;

const EXPECTED: &str = "diagnosis/train/audio/ad and cn with recordings and adresso-train-mmse-scores.csv";

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let files = below(root, EXPECTED)?;
    let mut gathering = Gathering::default();
    for file in files.iter().filter(|it| is_sound(it) && !lies_in(root, it, "progression")) {
        let label = match (lies_in(root, file, "ad"), lies_in(root, file, "cn")) {
            (true, false) => Some(Diagnosis::Dementia),
            (false, true) => Some(Diagnosis::Healthy),
            _ if lies_in(root, file, "test-dist") => None,
            _ => continue,
        };
        let id = stem(file);
        let one = Participant { label, language: Some(Language("en".to_owned())), ..person(&id, file)? };
        let known = one.id.clone();
        if gathering.knows(&known) {
            return Err(Error::Layout {
                path: file.clone(),
                expected: "each recording once".to_owned(),
                got: "a second of this name".to_owned(),
            });
        }
        gathering.person(one, file)?;
        gathering.file(&known, "1", "picture", file)?;
    }
    scores(&files, "adresso-train-mmse-scores.csv", ("adressfname", "dx", "mmse"), &mut gathering)?;
    scores(&files, "label_test_task1.csv", ("id", "dx", "mmse"), &mut gathering)?;
    scores(&files, "label_test_task2.csv", ("id", "dx", "mmse"), &mut gathering)?;
    gathering.finish(provenance(), root, EXPECTED)
}

/// Labels and MMSE of a table, where it is there. A label that is not the folder's is an error.
fn scores(
    files: &[PathBuf],
    name: &str,
    (id, dx, mmse): (&str, &str, &str),
    gathering: &mut Gathering,
) -> Result<(), Error> {
    for table in named(files, name) {
        let mut sheet = Sheet::with(table, &[id])?;
        while sheet.advance()? {
            let who = sheet.required(id, "the name of a recording", |it| Some(it.to_owned()))?;
            let one = Participant {
                label: sheet.optional(dx, "ad, cn, ProbableAD or Control", label)?,
                mmse: sheet.optional(mmse, "points from 0 to 30", up_to(30.0))?,
                ..person(&who, table)?
            };
            if !gathering.knows(&one.id) {
                return Err(sheet.bad(id, "the name of a recording below audio", &who));
            }
            gathering.person(one, table)?;
        }
    }
    Ok(())
}

fn label(word: &str) -> Option<Diagnosis> {
    match word.to_lowercase().as_str() {
        "ad" | "probablead" => Some(Diagnosis::Dementia),
        "cn" | "control" => Some(Diagnosis::Healthy),
        _ => None,
    }
}

fn provenance() -> Provenance {
    Provenance {
        name: "adresso-2021".to_owned(),
        source: "Luz, Haider, de la Fuente, Fromm, MacWhinney 2021, Detecting Cognitive Decline Using Speech Only: The ADReSSo \
                 Challenge, Interspeech 2021; recordings of the Pitt corpus (Becker et al. 1994)"
            .to_owned(),
        licence: DEMENTIABANK.to_owned(),
        description: "Picture descriptions (Cookie Theft) in English, enhanced and volume normalised by the organisers, examiner \
                      included. Labels: probable Alzheimer's dementia or control. Age and sex are not published."
            .to_owned(),
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookalike::{Folder, refusal};
    use super::*;

    fn layout() -> Folder {
        let folder = Folder::new();
        folder.tone("diagnosis/train/audio/ad/adrso901.wav");
        folder.tone("diagnosis/train/audio/cn/adrso902.wav");
        folder.tone("diagnosis/test-dist/audio/adrsdt901.wav");
        folder.tone("progression/train/audio/decline/adrsp901.wav");
        folder.text(
            "diagnosis/train/adresso-train-mmse-scores.csv",
            "\"\",\"adressfname\",\"mmse\",\"dx\"\n\"1\",\"adrso901\",17,\"ad\"\n\"2\",\"adrso902\",29,\"cn\"\n",
        );
        folder
    }

    #[test]
    fn labels_come_from_folders_and_scores_from_the_table() {
        let folder = layout();
        let cohort = import(folder.path()).unwrap().cohort;
        let people: Vec<_> =
            cohort.participants.iter().map(|it| (it.id.reveal(), it.label, it.mmse)).collect();
        assert_eq!(
            people,
            [
                ("adrsdt901", None, None),
                ("adrso901", Some(Diagnosis::Dementia), Some(17.0)),
                ("adrso902", Some(Diagnosis::Healthy), Some(29.0)),
            ]
        );
        folder.text("labels/label_test_task1.csv", "ID,Dx\nadrsdt901,ProbableAD\n");
        assert_eq!(import(folder.path()).unwrap().cohort.participants[0].label, Some(Diagnosis::Dementia));
    }

    #[test]
    fn a_table_that_contradicts_the_folders_is_refused() {
        let folder = layout();
        let table = "diagnosis/train/adresso-train-mmse-scores.csv";
        folder.text(table, "adressfname,mmse,dx\nadrso901,17,cn\n");
        assert!(refusal(import, &folder).contains("expected one label and one sex of each person"));
        folder.text(table, "adressfname,mmse,dx\nadrso999,17,ad\n");
        assert!(refusal(import, &folder).contains("the name of a recording below audio"));
        folder.text(table, "adressfname,mmse,dx\nadrso901,31,ad\n");
        assert!(
            refusal(import, &folder).contains(r#"column "mmse": expected points from 0 to 30, got "31""#)
        );
        let empty = Folder::new();
        empty.text("readme.txt", "nothing");
        assert!(refusal(import, &empty).contains("diagnosis/train/audio/ad and cn"));
    }
}

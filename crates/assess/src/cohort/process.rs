//! PROCESS 2025: picture description, phonemic and semantic fluency; healthy, MCI and dementia (processchallenge.github.io).
//!
//! ```text
//! dem-info.csv                                      Record-ID, TrainOrDev, Class, Gender, Age, Converted-MMSE
//! Process-rec-001/Process-rec-001__CTD.wav  __PFT.wav  __SFT.wav, and .txt transcripts of the same names
//! ```
//! An age with an asterisk (`66*`) is the corpus' mean put in for an unknown one: it is taken as unknown. The MMSE is converted
//! from MoCA or ACE-III where it was not given. People of the test part have recordings and no row.

use std::path::Path;

use study::{Diagnosis, Language, Participant, Provenance};

use super::{
    gathering::{Gathering, Imported, below, ending, is_sound, named, person, stem},
    sheet::{Sheet, sex, up_to, years},
};
use crate::Error;

const EXPECTED: &str = "dem-info.csv and recordings such as Process-rec-001/Process-rec-001__CTD.wav";

/// Endings of names, and what the tasks are called here.
const TASKS: [(&str, &str); 3] =
    [("CTD", "picture"), ("PFT", "fluency-phonemic"), ("SFT", "fluency-semantic")];

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let files = below(root, EXPECTED)?;
    let mut gathering = Gathering::default();
    for table in named(&files, "dem-info.csv") {
        people(table, &mut gathering)?;
    }
    for file in files.iter().filter(|it| is_sound(it) || ending(it) == "txt") {
        let name = stem(file);
        let task = name.rsplit_once("__").and_then(|(who, task)| {
            Some((who, TASKS.iter().find(|(code, _)| task.eq_ignore_ascii_case(code))?.1))
        });
        let (who, task) = match task {
            Some(found) => found,
            None if is_sound(file) => {
                return Err(Error::Layout {
                    path: file.clone(),
                    expected: "a name such as Process-rec-001__CTD with CTD, PFT or SFT".to_owned(),
                    got: name,
                });
            }
            None => continue,
        };
        let one = Participant { language: Some(Language("en".to_owned())), ..person(who, file)? };
        let id = one.id.clone();
        gathering.person(one, file)?;
        let task = if is_sound(file) { task.to_owned() } else { format!("{task}-transcript") };
        gathering.file(&id, "1", &task, file)?;
    }
    super::gathering::all_handed_in(&gathering, root)?;
    gathering.finish(provenance(), root, EXPECTED)
}

fn people(table: &Path, gathering: &mut Gathering) -> Result<(), Error> {
    let mut sheet = Sheet::with(table, &["record-id", "class"])?;
    while sheet.advance()? {
        let id = sheet.required("record-id", "an id such as Process-rec-001", |it| Some(it.to_owned()))?;
        // Some copies hold the number alone.
        let id = if id.chars().all(|c| c.is_ascii_digit()) { format!("Process-rec-{id:0>3}") } else { id };
        let known = |cell: &str| if cell.ends_with('*') { Some(None) } else { years(cell).map(Some) };
        let one = Participant {
            label: sheet.optional("class", "HC, MCI or Dementia", |it| match it.to_lowercase().as_str() {
                "hc" => Some(Diagnosis::Healthy),
                "mci" => Some(Diagnosis::Mci),
                "dementia" => Some(Diagnosis::Dementia),
                _ => None,
            })?,
            age: sheet.optional("age", "years from 0 to 130, or a mean such as 66*", known)?.flatten(),
            sex: sheet.optional("gender", "female or male", sex)?,
            mmse: sheet.optional("converted-mmse", "points from 0 to 30", up_to(30.0))?,
            language: Some(Language("en".to_owned())),
            ..person(&id, table)?
        };
        gathering.person(one, table)?;
    }
    Ok(())
}

fn provenance() -> Provenance {
    Provenance {
        name: "process-2025".to_owned(),
        source: "PROCESS signal processing grand challenge, ICASSP 2025; processchallenge.github.io".to_owned(),
        licence: "By agreement with the organisers of the challenge; recordings, transcripts and labels may not be passed on."
            .to_owned(),
        description: "English; Cookie Theft description, phonemic and semantic fluency of one session. Labels: healthy, MCI or \
                      dementia. Ages that the organisers filled in with the mean are unknown here; the MMSE is in part \
                      converted from MoCA and ACE-III. Transcripts are listed and not measured."
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
        folder.text("dem-info.csv", &format!("Record-ID,TrainOrDev,Class,Gender,Age,Converted-MMSE\n{rows}"));
        for id in ["Process-rec-901", "Process-rec-902"] {
            for task in ["CTD", "PFT", "SFT"] {
                folder.tone(&format!("{id}/{id}__{task}.wav"));
                folder.text(&format!("{id}/{id}__{task}.txt"), "words of nobody");
            }
        }
        folder
    }

    #[test]
    fn three_tasks_a_person_and_a_filled_in_age_is_unknown() {
        let rows = "Process-rec-901,train,HC,Female,66*,29\n902,dev,MCI,Male,71,NA\n";
        let cohort = import(layout(rows).path()).unwrap().cohort;
        let people: Vec<_> = cohort.participants.iter().map(|it| (it.label, it.age, it.mmse)).collect();
        assert_eq!(
            people,
            [(Some(Diagnosis::Healthy), None, Some(29.0)), (Some(Diagnosis::Mci), Some(71.0), None)]
        );
        assert_eq!(cohort.submissions.len(), 12);
        assert_eq!(cohort.submissions[2].task.as_str(), "fluency-semantic");
    }

    #[test]
    fn unknown_classes_and_names_are_refused() {
        let message = refusal(import, &layout("Process-rec-901,train,AD,Female,66,29\n"));
        assert!(message.contains(r#"column "class": expected HC, MCI or Dementia, got "AD""#), "{message}");
        let folder = layout("Process-rec-901,train,HC,Female,66,29\n");
        folder.tone("Process-rec-901/Process-rec-901__XXX.wav");
        assert!(refusal(import, &folder).contains("CTD, PFT or SFT"));
    }
}

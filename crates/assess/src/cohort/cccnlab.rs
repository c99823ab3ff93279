//! Two sets of drawings of the CCCN laboratory, Chulalongkorn: three drawings a person with MoCA, and clocks by Shulman score.
//!
//! ```text
//! images/17/clock.png copy.png trail.png …     label.csv: patient_id, MoCA_score        (Ruengchaijatuporn et al. 2022)
//! 5_perfect_clock/*.png … 0_no_clock/*.png     the folder's number is the Shulman score (CDT-API-Network)
//! ```
//! In the first set MCI is MoCA below 25, as its authors have it: the label is that score and nothing else, so MoCA must never
//! be an input beside it. In the second no person is named: every picture is taken for one of its own, without a label, and
//! whoever drew twice is two people. Pictures are listed and not measured until there is a way from pictures to strokes.

use std::path::{Path, PathBuf};

use study::{Diagnosis, Participant, ParticipantId, Provenance};

use super::{
    gathering::{Gathering, Imported, below, is_picture, named, person, stem},
    sheet::{Sheet, up_to},
};
use crate::Error;

const EXPECTED: &str = "images/ID/clock.png, copy.png and trail.png with label.csv, or folders such as 5_perfect_clock named by Shulman \
                        score";

/// MoCA below this is MCI (Ruengchaijatuporn et al. 2022: "MoCA < 25").
const MCI_BELOW: f64 = 25.0;

/// Names of the drawings, and what the tasks are called here.
const TASKS: [(&str, &str); 3] = [("clock", "clock"), ("copy", "cube"), ("trail", "trail")];

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let files = below(root, EXPECTED)?;
    match named(&files, "label.csv").first() {
        Some(table) => several(root, &files, table),
        None => shulman(root, &files),
    }
}

fn several(root: &Path, files: &[PathBuf], table: &Path) -> Result<Imported, Error> {
    let mut gathering = Gathering::default();
    let mut sheet = Sheet::with(table, &["patient_id", "MoCA_score"])?;
    while sheet.advance()? {
        let id = sheet.required("patient_id", "a number", |it| it.parse::<u64>().ok())?;
        let moca = sheet.required("MoCA_score", "points from 0 to 30", up_to(30.0))?;
        let label = Some(if moca < MCI_BELOW { Diagnosis::Mci } else { Diagnosis::Healthy });
        gathering
            .person(Participant { label, moca: Some(moca), ..person(&id.to_string(), table)? }, table)?;
    }
    for file in files.iter().filter(|it| is_picture(it)) {
        let Some((_, task)) = TASKS.iter().find(|(name, _)| stem(file) == *name) else { continue };
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let id = ParticipantId::new(&folder).ok().filter(|id| gathering.knows(id));
        let id = id.ok_or_else(|| Error::Layout {
            path: file.clone(),
            expected: "a folder named by a patient_id of label.csv".to_owned(),
            got: folder.to_string(),
        })?;
        gathering.file(&id, "1", task, file)?;
    }
    super::gathering::all_handed_in(&gathering, root)?;
    let description = "Clock, cube copy and trail of 918 people, drawn on a tablet, as pictures of 256 x 256. The label is MoCA below \
                       25 (MCI) or not: it is no diagnosis by examination. Pictures are listed and not measured.";
    gathering.finish(provenance("cccnlab-multiple-drawings", MULTIPLE, description), root, EXPECTED)
}

fn shulman(root: &Path, files: &[PathBuf]) -> Result<Imported, Error> {
    let mut gathering = Gathering::default();
    for file in files.iter().filter(|it| is_picture(it)) {
        let folder =
            file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let score = folder.split('_').next().and_then(|it| it.parse().ok()).filter(|it: &u8| *it <= 5);
        let score = score.ok_or_else(|| Error::Layout {
            path: file.clone(),
            expected: "a folder whose name begins with a Shulman score from 0 to 5, such as 5_perfect_clock"
                .to_owned(),
            got: folder.clone(),
        })?;
        // The score stays out of the id, which would tell it.
        let one = person(&stem(file), file)?;
        let id = one.id.clone();
        if gathering.knows(&id) {
            return Err(Error::Layout {
                path: file.clone(),
                expected: "each name of a picture once in all folders".to_owned(),
                got: "a second".to_owned(),
            });
        }
        gathering.person(one, file)?;
        gathering.file(&id, "1", "clock", file)?;
        gathering.rating(&id, ("1", "clock"), ("shulman", f64::from(score)))?;
    }
    let description = "Clocks by Shulman score. No person is named, so every picture counts as one of its own; nothing is known of \
                       anybody's cognition, and there are no labels: the score of each picture is in ratings.csv. Pictures are \
                       listed and not measured.";
    gathering.finish(provenance("cccnlab-shulman", SHULMAN, description), root, EXPECTED)
}

const MULTIPLE: &str = "Ruengchaijatuporn et al. 2022, An explainable self-attention deep neural network for detecting mild cognitive \
                        impairment using multi-input digital drawing tasks, Alzheimer's Research & Therapy 14:111; \
                        github.com/cccnlab/MCI-multiple-drawings";
const SHULMAN: &str = "Raksasat et al. 2023, Attentive pairwise interaction network for AI-assisted clock drawing test assessment of \
                       early visuospatial deficits, Scientific Reports 13; github.com/cccnlab/CDT-API-Network";

fn provenance(name: &str, source: &str, description: &str) -> Provenance {
    Provenance {
        name: name.to_owned(),
        source: source.to_owned(),
        licence:
            "As the repository states; where it states none, ask its authors before passing anything on."
                .to_owned(),
        description: description.to_owned(),
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookalike::{Folder, refusal};
    use super::*;

    #[test]
    fn three_drawings_a_person_and_a_label_that_is_moca() {
        let folder = Folder::new();
        folder.text("label.csv", "patient_id,MoCA_score\n901,24\n902,25\n");
        for id in ["901", "902"] {
            for name in ["clock", "copy", "trail"] {
                folder.text(&format!("images/{id}/{name}.png"), "no real picture");
            }
        }
        let imported = import(folder.path()).unwrap();
        let labels: Vec<_> = imported.cohort.participants.iter().map(|it| (it.label, it.moca)).collect();
        assert_eq!(labels, [(Some(Diagnosis::Mci), Some(24.0)), (Some(Diagnosis::Healthy), Some(25.0))]);
        assert_eq!((imported.cohort.submissions.len(), imported.ratings.len()), (6, 0));
        folder.text("images/903/clock.png", "somebody else");
        assert!(
            refusal(import, &folder)
                .contains("expected a folder named by a patient_id of label.csv, got 903")
        );
    }

    #[test]
    fn clocks_by_score_have_ratings_and_no_labels() {
        let folder = Folder::new();
        folder.text("clock_shulman/5_perfect_clock/a.png", "no real picture");
        folder.text("clock_shulman/1_severe_vis/b.png", "no real picture");
        let imported = import(folder.path()).unwrap();
        let scores: Vec<f64> = imported.ratings.iter().map(|it| it.score).collect();
        assert_eq!((scores, imported.cohort.participants[0].label), (vec![1.0, 5.0], None));
        let out = tempfile::tempdir().unwrap();
        imported.write(out.path()).unwrap();
        let text = std::fs::read_to_string(out.path().join("ratings.csv")).unwrap();
        assert!(text.contains("a,1,clock,shulman,5\n"), "{text}");
        folder.text("clock_shulman/spare/c.png", "no real picture");
        assert!(refusal(import, &folder).contains("a Shulman score from 0 to 5"));
    }
}

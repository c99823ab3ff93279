//! NHATS: clocks drawn at home by older Americans, round after round (National Health and Aging Trends Study, nhats.org).
//!
//! ```text
//! 10000003.tif …  or  round11/10000003.tif …       pictures named by spid, a folder a round where there are several
//! *.csv with spid and cg11dclkdraw (0 to 5)        score of the round; its name holds the round
//!             r11demclas or demclas                1 probable dementia, 2 possible dementia, 3 no dementia
//!             hc11disescn9                         else: told by a doctor of dementia, 1 or 7 yes, 2 no
//!             r11dgender                           1 male, 2 female
//! ```
//! Values may carry their words (`1 YES`); negative codes are missing ones. The label is that of the first round in which a
//! person has a picture. Possible dementia is neither MCI nor health and has no label. Pictures are listed and not measured.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use study::{Diagnosis, Language, Participant, ParticipantId, Provenance, Sex};

use super::{
    gathering::{Gathering, Imported, below, ending, is_picture, person, stem},
    sheet::Sheet,
};
use crate::Error;

const EXPECTED: &str = "pictures named by spid such as 10000003.tif, in a folder a round, and a table with spid and cg11dclkdraw";

/// What a table says of a person in a round.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    label: Option<Diagnosis>,
    sex: Option<Sex>,
    score: Option<f64>,
}

/// By round and person.
type Rounds = BTreeMap<(u32, String), Known>;

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let files = below(root, EXPECTED)?;
    let known = tables(&files)?;
    let mut pictures: BTreeMap<String, Vec<(u32, &PathBuf)>> = BTreeMap::new();
    for file in files.iter().filter(|it| is_picture(it)) {
        let name = stem(file);
        let spid = name.split(['_', '-']).next().unwrap_or_default().to_owned();
        if spid.is_empty() || !spid.chars().all(|c| c.is_ascii_digit()) {
            return Err(Error::Layout {
                path: file.clone(),
                expected: "a picture named by spid, such as 10000003.tif".to_owned(),
                got: name,
            });
        }
        pictures.entry(spid).or_default().push((round_of(root, file, &known)?, file));
    }
    let mut gathering = Gathering::default();
    for (spid, mut of_person) in pictures {
        of_person.sort();
        add(&spid, &of_person, &known, &mut gathering)?;
    }
    gathering.finish(provenance(), root, EXPECTED)
}

fn add(
    spid: &str,
    pictures: &[(u32, &PathBuf)],
    known: &Rounds,
    gathering: &mut Gathering,
) -> Result<(), Error> {
    let of = |round: u32| known.get(&(round, spid.to_owned())).copied().unwrap_or_default();
    let Some(&(first, place)) = pictures.first() else { return Ok(()) };
    let one = Participant {
        label: of(first).label,
        sex: of(first).sex,
        language: Some(Language("en".to_owned())),
        ..person(spid, place)?
    };
    let id: ParticipantId = one.id.clone();
    gathering.person(one, place)?;
    for (round, file) in pictures {
        let session = round.to_string();
        gathering.file(&id, &session, "clock", file)?;
        if let Some(score) = of(*round).score {
            gathering.rating(&id, (&session, "clock"), ("nhats-clock", score))?;
        }
    }
    Ok(())
}

/// The round of a picture: the number of the nearest folder that has one, else the only round of the tables.
fn round_of(root: &Path, file: &Path, known: &Rounds) -> Result<u32, Error> {
    let way = file.strip_prefix(root).unwrap_or(file).parent();
    let folders =
        way.into_iter().flat_map(Path::components).map(|it| it.as_os_str().to_string_lossy().to_lowercase());
    let number = |folder: String| {
        let digits: String = folder
            .trim_start_matches(|c: char| !c.is_ascii_digit())
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        folder.starts_with('r').then(|| digits.parse().ok()).flatten()
    };
    let rounds: std::collections::BTreeSet<u32> = known.keys().map(|it| it.0).collect();
    let only = || rounds.first().filter(|_| rounds.len() == 1).copied();
    folders.filter_map(number).next_back().or_else(only).ok_or_else(|| Error::Layout {
        path: file.to_owned(),
        expected: "a folder named by its round, such as round11, since the tables have several".to_owned(),
        got: format!("tables of {} rounds", rounds.len()),
    })
}

fn tables(files: &[PathBuf]) -> Result<Rounds, Error> {
    let mut known = Rounds::new();
    for table in files.iter().filter(|it| ending(it) == "csv") {
        let mut sheet = Sheet::open(table)?;
        let Some((round, score)) = score_column(sheet.header()).filter(|_| sheet.has("spid")) else {
            continue;
        };
        let columns = Columns::of(round, &sheet);
        while sheet.advance()? {
            let spid = sheet.required("spid", "a number", |it| {
                let whole = it.split('.').next().unwrap_or(it);
                whole.chars().all(|c| c.is_ascii_digit()).then(|| whole.to_owned())
            })?;
            let points = sheet.optional(&score, "0 to 5 or a negative code", code)?;
            if let Some(points) = points.filter(|it| *it > 5) {
                return Err(sheet.bad(&score, "0 to 5 or a negative code", &points.to_string()));
            }
            let one = Known { score: points.filter(|it| *it >= 0).map(f64::from), ..columns.read(&sheet)? };
            known.insert((round, spid), one);
        }
    }
    Ok(known)
}

/// The round and the name of the column `cg11dclkdraw`.
fn score_column(header: &[String]) -> Option<(u32, String)> {
    let round = |name: &String| {
        let lower = name.to_lowercase();
        let digits = lower.strip_prefix("cg")?.strip_suffix("dclkdraw")?;
        Some((digits.parse().ok()?, name.clone()))
    };
    header.iter().find_map(round)
}

/// Names of the columns of a round.
struct Columns {
    class: Option<String>,
    told: String,
    sex: String,
}

impl Columns {
    fn of(round: u32, sheet: &Sheet) -> Self {
        let class = [format!("r{round}demclas"), "demclas".to_owned()].into_iter().find(|it| sheet.has(it));
        Self { class, told: format!("hc{round}disescn9"), sex: format!("r{round}dgender") }
    }

    fn read(&self, sheet: &Sheet) -> Result<Known, Error> {
        let label = match &self.class {
            Some(class) => match sheet.optional(class, "1, 2 or 3", code)? {
                Some(1) => Some(Diagnosis::Dementia),
                Some(3) => Some(Diagnosis::Healthy),
                _ => None,
            },
            None => match sheet.optional(&self.told, "1, 2 or 7", code)? {
                Some(1 | 7) => Some(Diagnosis::Dementia),
                Some(2) => Some(Diagnosis::Healthy),
                _ => None,
            },
        };
        let sex = match sheet.optional(&self.sex, "1 or 2", code)? {
            Some(1) => Some(Sex::Male),
            Some(2) => Some(Sex::Female),
            _ => None,
        };
        Ok(Known { label, sex, score: None })
    }
}

/// The code in front of `1 YES`.
fn code(cell: &str) -> Option<i32> {
    let number = cell.split_whitespace().next()?;
    number
        .parse()
        .ok()
        .or_else(|| number.parse::<f64>().ok().filter(|it| it.fract() == 0.0).map(|it| it as i32))
}

fn provenance() -> Provenance {
    Provenance {
        name: "nhats-clocks".to_owned(),
        source: "National Health and Aging Trends Study (NIA U01AG032947), nhats.org; dementia classification: Kasper, Freedman, \
                 Spillman 2013, NHATS Technical Paper 5"
            .to_owned(),
        licence: "NHATS data use agreement; pictures and tables may not be passed on.".to_owned(),
        description: "Clocks drawn on paper at home and scanned, one a person and round; the score of each is in ratings.csv. Label: \
                      the study's dementia classification where the table has it (possible dementia has no label), else whether a \
                      doctor told of dementia. It comes in part from the same clock's score, so it must not be predicted from it \
                      as if it were independent. Pictures are listed and not measured."
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
        folder.text("round11/90000001.tif", "no real picture");
        folder.text("round11/90000002.tif", "no real picture");
        folder.text("round12/90000001_1.tif", "no real picture");
        folder.text(
            "r11.csv",
            "spid,cg11dclkdraw,r11demclas,r11dgender\n90000001,4,3,2 FEMALE\n90000002,-3,1,1 MALE\n",
        );
        folder.text("r12.csv", "spid,cg12dclkdraw,hc12disescn9\n90000001,2,1 YES\n");
        folder
    }

    #[test]
    fn rounds_are_sessions_and_negative_codes_are_missing() {
        let imported = import(layout().path()).unwrap();
        let people: Vec<_> = imported.cohort.participants.iter().map(|it| (it.label, it.sex)).collect();
        assert_eq!(
            people,
            [(Some(Diagnosis::Healthy), Some(Sex::Female)), (Some(Diagnosis::Dementia), Some(Sex::Male)),]
        );
        let sessions: Vec<&str> = imported.cohort.submissions.iter().map(|it| it.session.as_str()).collect();
        assert_eq!(sessions, ["11", "12", "11"]);
        let scores: Vec<f64> = imported.ratings.iter().map(|it| it.score).collect();
        assert_eq!(scores, [4.0, 2.0], "the third person's score is a code for a refusal");
    }

    #[test]
    fn one_round_needs_no_folder_and_several_do() {
        let folder = Folder::new();
        folder.text("90000001.tif", "no real picture");
        folder.text("r11.csv", "spid,cg11dclkdraw\n90000001.0,4\n");
        assert_eq!(import(folder.path()).unwrap().cohort.submissions[0].session, "11");
        folder.text("r12.csv", "spid,cg12dclkdraw\n90000001,4\n");
        assert!(refusal(import, &folder).contains("a folder named by its round"));
        let folder = layout();
        folder.text("r11.csv", "spid,cg11dclkdraw\n90000001,9\n");
        assert!(
            refusal(import, &folder)
                .contains(r#"column "cg11dclkdraw": expected 0 to 5 or a negative code, got "9""#)
        );
        folder.text("round11/clock.tif", "no real picture");
        folder.text("r11.csv", "spid,cg11dclkdraw\n90000001,4\n");
        assert!(refusal(import, &folder).contains("expected a picture named by spid"));
    }
}

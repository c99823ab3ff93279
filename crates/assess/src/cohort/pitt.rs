//! The Pitt corpus of DementiaBank: up to seven yearly visits a person, four tasks (Becker et al. 1994).
//!
//! ```text
//! Control/cookie/002-0.cha, 002-0.mp3 …    Dementia/{cookie,fluency,recall,sentence}/001-2.cha, 001-2.mp3 …
//! @ID: eng|Pitt|PAR|57;|male|ProbableAD||Participant|18||     age, sex, group and, in CHAT's place for education, the MMSE
//! ```
//! The name is the person and the visit. All visits of one person are sessions of one participant, whatever folder they lie
//! in: cut apart, a person would be on both sides of a split. The label is that of the first visit; visits under another
//! label are left out and counted. Recordings may lie in a tree of their own beside the transcripts.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use study::{Diagnosis, Language, Participant, Provenance};

use super::{
    DEMENTIABANK,
    gathering::{Gathering, Imported, below, ending, is_sound, lies_in, person, stem},
    sheet::{sex, up_to, years},
};
use crate::Error;

const EXPECTED: &str = "Control/cookie and Dementia/cookie, fluency, recall or sentence with files such as 002-0.cha and 002-0.mp3";

/// Folders of tasks, and what the tasks are called here.
const TASKS: [(&str, &str); 4] =
    [("cookie", "picture"), ("fluency", "fluency"), ("recall", "recall"), ("sentence", "sentence")];

/// Bytes of a transcript that are searched for its header.
const HEADER: u64 = 64 << 10;

/// A transcript's words about the participant.
#[derive(Debug, Clone, Default, PartialEq)]
struct Header {
    group: String,
    age: Option<f64>,
    sex: Option<study::Sex>,
    mmse: Option<f64>,
}

/// One visit of a person: folder, transcripts' header and files by task.
#[derive(Debug, Default)]
struct Visit {
    control: bool,
    header: Option<Header>,
    files: Vec<(String, PathBuf)>,
}

pub(super) fn import(root: &Path) -> Result<Imported, Error> {
    let mut people: BTreeMap<String, BTreeMap<u32, Visit>> = BTreeMap::new();
    for file in below(root, EXPECTED)? {
        let transcript = ending(&file) == "cha";
        let Some((_, task)) = TASKS.iter().find(|(folder, _)| lies_in(root, &file, folder)) else { continue };
        if !transcript && !is_sound(&file) {
            continue;
        }
        let control = match (lies_in(root, &file, "Control"), lies_in(root, &file, "Dementia")) {
            (true, false) => true,
            (false, true) => false,
            _ => continue,
        };
        let (who, number) = who(&file)?;
        let visit = people.entry(who).or_default().entry(number).or_default();
        visit.control = control;
        if transcript {
            visit.header = visit.header.take().or(header(&file)?);
        }
        let task = if transcript { format!("{task}-transcript") } else { (*task).to_owned() };
        visit.files.push((task, file));
    }
    let mut gathering = Gathering::default();
    let (mut moved, mut unlabelled) = (0, 0);
    for (who, visits) in &people {
        let (left_out, labelled) = gather(who, visits, root, &mut gathering)?;
        moved += left_out;
        unlabelled += usize::from(!labelled);
    }
    let mut imported = gathering.finish(provenance(), root, EXPECTED)?;
    imported.cohort.provenance.description += &format!(
        " {moved} visits are left out because their label is not that of the person's first visit; {unlabelled} people have no \
         label (groups Memory and Other, or a recording of the Dementia folder without transcript)."
    );
    Ok(imported)
}

/// Person and visit of `002-0.cha`.
fn who(file: &Path) -> Result<(String, u32), Error> {
    let name = stem(file);
    let parse = |(who, visit): (&str, &str)| {
        let digits = visit.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let plain = !who.is_empty() && who.chars().all(|c| c.is_ascii_digit());
        plain.then(|| Some((who.to_owned(), digits.parse().ok()?))).flatten()
    };
    name.split_once('-').and_then(parse).ok_or_else(|| Error::Layout {
        path: file.to_owned(),
        expected: "a name of person and visit such as 002-0".to_owned(),
        got: name.clone(),
    })
}

/// What `@ID` says of the participant; `None` where no line of the header does.
fn header(file: &Path) -> Result<Option<Header>, Error> {
    let open = |source| Error::Open { path: file.to_owned(), source };
    let reader = BufReader::new(File::open(file).map_err(open)?.take(HEADER));
    for line in reader.split(b'\n') {
        let line = String::from_utf8_lossy(&line.map_err(open)?).into_owned();
        let Some(fields) = line.trim_end().strip_prefix("@ID:").filter(|it| it.contains("|PAR|")) else {
            continue;
        };
        let fields: Vec<&str> = fields.split('|').map(str::trim).collect();
        let bad = |expected: &str, got: &str| Error::Layout {
            path: file.to_owned(),
            expected: format!("{expected} in the @ID line of PAR"),
            got: format!("{got:?}"),
        };
        let field = |place: usize| fields.get(place).copied().unwrap_or_default();
        let known = |place: usize| Some(field(place)).filter(|it| !it.is_empty());
        let age = known(3).map(|it| years(it).ok_or_else(|| bad("an age such as 57;", it))).transpose()?;
        let mmse = known(8).map(|it| up_to(30.0)(it).ok_or_else(|| bad("an MMSE from 0 to 30", it)));
        return Ok(Some(Header {
            group: field(5).to_owned(),
            age,
            sex: known(4).map(|it| sex(it).ok_or_else(|| bad("female or male", it))).transpose()?,
            mmse: mmse.transpose()?,
        }));
    }
    Ok(None)
}

impl Visit {
    /// The label of a visit: the transcript's group, or the folder where it is told by that.
    fn label(&self) -> Option<Diagnosis> {
        match self.header.as_ref().map(|it| it.group.to_lowercase()) {
            Some(group) => match group.as_str() {
                "control" => Some(Diagnosis::Healthy),
                "mci" => Some(Diagnosis::Mci),
                "probablead" | "possiblead" | "vascular" | "ad" | "dementia" => Some(Diagnosis::Dementia),
                _ => None,
            },
            None => self.control.then_some(Diagnosis::Healthy),
        }
    }
}

/// Adds a person with the visits under the first one's label; how many were left out, and whether there is a label.
fn gather(
    who: &str,
    visits: &BTreeMap<u32, Visit>,
    root: &Path,
    gathering: &mut Gathering,
) -> Result<(usize, bool), Error> {
    let Some(first) = visits.values().next() else { return Ok((0, false)) };
    let (label, header) = (first.label(), first.header.clone().unwrap_or_default());
    let one = Participant {
        label,
        age: header.age,
        sex: header.sex,
        mmse: header.mmse,
        language: Some(Language("en".to_owned())),
        ..person(who, root)?
    };
    let id = one.id.clone();
    gathering.person(one, root)?;
    let same = visits.iter().filter(|(_, visit)| visit.label() == label);
    let mut kept = 0;
    for (number, visit) in same {
        kept += 1;
        for (task, file) in &visit.files {
            gathering.file(&id, &number.to_string(), task, file)?;
        }
    }
    Ok((visits.len() - kept, label.is_some()))
}

fn provenance() -> Provenance {
    Provenance {
        name: "pitt".to_owned(),
        source: "Becker, Boller, Lopez, Saxton, McGonigle 1994, The natural history of Alzheimer's disease, Archives of \
                 Neurology 51:585-594; DementiaBank English Pitt corpus, doi:10.21415/CQCW-1F92"
            .to_owned(),
        licence: DEMENTIABANK.to_owned(),
        description: "English, yearly visits since 1983, examiner included. Known confound: silence alone tells the classes apart \
                      (arXiv 2406.07410), because they were not recorded in the same way. Age and MMSE are those of the first \
                      visit. Transcripts are listed and not measured."
            .to_owned(),
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookalike::{Folder, refusal};
    use super::*;

    fn transcript(folder: &Folder, path: &str, fields: &str) {
        let text = format!(
            "@UTF8\n@Begin\n@ID:\teng|Pitt|PAR|{fields}||\n@ID:\teng|Pitt|INV|||||Investigator|||\n*PAR:\tum .\n@End\n"
        );
        folder.text(path, &text);
    }

    fn layout() -> Folder {
        let folder = Folder::new();
        transcript(&folder, "Control/cookie/902-0.cha", "66;00.|female|Control||Participant|30");
        transcript(&folder, "Dementia/cookie/901-0.cha", "57;|male|MCI||Participant|24");
        transcript(&folder, "Dementia/cookie/901-1.cha", "58;|male|MCI||Participant|23");
        transcript(&folder, "Dementia/cookie/901-2.cha", "59;|male|ProbableAD||Participant|18");
        transcript(&folder, "Dementia/fluency/903-0.cha", "71;06.|female|Memory||Participant|");
        for path in [
            "Control/cookie/902-0",
            "Dementia/cookie/901-0",
            "Dementia/cookie/901-1",
            "Dementia/cookie/901-2",
        ] {
            folder.tone(&format!("{path}.mp3"));
        }
        folder.tone("Dementia/fluency/903-0.mp3");
        folder
    }

    #[test]
    fn visits_of_one_person_are_sessions_and_the_mmse_is_where_pitt_puts_it() {
        let folder = layout();
        let cohort = import(folder.path()).unwrap().cohort;
        let people: Vec<_> = cohort
            .participants
            .iter()
            .map(|it| (it.id.reveal(), it.label, it.age, it.mmse, it.education))
            .collect();
        assert_eq!(
            people,
            [
                ("901", Some(Diagnosis::Mci), Some(57.0), Some(24.0), None),
                ("902", Some(Diagnosis::Healthy), Some(66.0), Some(30.0), None),
                ("903", None, Some(71.5), None, None),
            ]
        );
        let visits: Vec<_> =
            cohort.submissions.iter().map(|it| (it.session.as_str(), it.task.as_str())).take(4).collect();
        assert_eq!(
            visits,
            [("0", "picture"), ("0", "picture-transcript"), ("1", "picture"), ("1", "picture-transcript"),]
        );
        let description = &cohort.provenance.description;
        assert!(
            description.contains("1 visits are left out") && description.contains("1 people have no label")
        );
    }

    #[test]
    fn names_and_headers_that_are_not_pitts_are_refused() {
        let folder = layout();
        folder.tone("Control/cookie/first.mp3");
        assert!(
            refusal(import, &folder).contains("expected a name of person and visit such as 002-0, got first")
        );
        let folder = layout();
        transcript(&folder, "Control/cookie/902-0.cha", "66;|female|Control||Participant|35");
        assert!(
            refusal(import, &folder)
                .contains(r#"expected an MMSE from 0 to 30 in the @ID line of PAR, got "35""#)
        );
        let folder = Folder::new();
        folder.tone("Control/902-0.mp3");
        assert!(refusal(import, &folder).contains("Control/cookie and Dementia/cookie"));
    }
}

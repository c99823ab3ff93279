//! From a cohort of files to a cohort of numbers.
//!
//! Every file of `submissions.csv` is measured once and noted in `measured.jsonl`: values, and reasons where there are none. A run
//! that was broken off goes on behind the last whole line. At the end the table is built: a row a person, from the person's
//! **first session** — by day where every session of theirs has one, else by place in the list — because that is what a screener
//! will see of somebody: one sitting. Second sessions go to `features-2.parquet`, third ones to `features-3.parquet`, with the same
//! columns: the audit tells by them which features repeat. A column that holds nothing for anybody's first session is left out.
//!
//! Files that no room measures yet (pictures, transcripts) are counted and passed over.

mod notes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::Path,
};

use feature::{Declined, Definition, SetId, Value};
use sha2::{Digest, Sha256};
use study::{Cohort, CohortSubmission, Column, FeatureTable, Participant, ParticipantId, Task};

use super::gathering::{chosen_drawing, is_picture};
use crate::{
    Error, Intake, Measured, Received, Shard, Whose,
    batch::measure_files,
    facts::{CaptureFacts, Codes},
    measurement::sets,
};
use notes::{NOTES, Note, Notes, Question, notes_of};

/// How a cohort's files are measured.
#[derive(Debug, Clone)]
pub struct Measuring {
    /// The sets; every one where none is named.
    pub sets: Vec<SetId>,
    /// How files are read.
    pub intake: Intake,
}

/// Whose voice: as an assessment hears it, so that what is trained on and what is scored cannot drift apart.
const WHOSE: Whose = Whose::ParticipantIfKnown;

/// What came of measuring a cohort.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gathered {
    /// People with a row.
    pub people: usize,
    /// Columns of the table.
    pub columns: usize,
    /// Files that were measured, of all sessions.
    pub measured: usize,
    /// Files that were declined, and why.
    pub declined: Vec<(String, String)>,
    /// Files that no room measures yet, by kind.
    pub passed_over: BTreeMap<&'static str, usize>,
    /// Sessions after each person's first: measured, in tables of their own.
    pub repeated: usize,
}

/// Measures every file of a cohort folder and writes `features.parquet` there, with units in `cohort.json`. `tick` is called with
/// how many files are done, of how many, from several threads.
///
/// Errors: a cohort without `submissions.csv` or with a `features.csv` of its own; two files for one task of one session; notes
/// that another question began.
pub fn measure_cohort(
    folder: &Path,
    how: &Measuring,
    tick: &(dyn Fn(usize, usize) + Sync),
) -> Result<Gathered, Error> {
    let mut cohort = Cohort::read(folder)?;
    refuse_what_cannot_be_measured(folder, &cohort)?;
    let defined = defined(&how.sets);
    let wanted: Vec<SetId> = defined.iter().map(|(set, _)| set.clone()).collect();
    let (measurable, passed_over) = measurable(&cohort.submissions);
    let work = Work::new(folder, &cohort, how, &wanted);
    let question = work.question(how);
    let mut notes = Notes::open(folder, NOTES, &question, measurable.len())?;
    notes.take_up(folder, &question, measurable.len())?;
    work.measure(&measurable, &mut notes, tick)?;
    let sessions = ordered_sessions(&cohort.submissions);
    let notes = notes.notes;
    let table =
        table(&cohort, &notes, &columns(&cohort, &notes, &nth(&sessions, 0), &defined), &nth(&sessions, 0))?;
    for column in table.columns() {
        cohort.provenance.units.insert(column.feature.clone(), column.unit);
    }
    let gathered = Gathered {
        people: table.len(),
        columns: table.columns().len(),
        measured: notes.iter().filter(|it| it.declined.is_none()).count(),
        declined: declined(&notes),
        passed_over,
        repeated: sessions.values().map(|it| it.len() - 1).sum(),
    };
    let most = sessions.values().map(Vec::len).max().unwrap_or(0);
    let of = |place| self::table(&cohort, &notes, table.columns(), &nth(&sessions, place));
    let later = (1..most).map(of).collect::<Result<_, _>>()?;
    cohort.later = later;
    cohort.table = Some(table);
    cohort.write_measured(folder)?;
    Ok(gathered)
}

/// Measures a part of a cohort's files and notes what came of them in `measured-I-of-N.jsonl`, so that several machines can share
/// the work. When every part is done, or some, [`measure_cohort`] takes them up: the table is that of one run, to the byte.
///
/// Gives how many files were measured and which were declined, and why. Errors are those of [`measure_cohort`].
pub fn measure_part(
    folder: &Path,
    how: &Measuring,
    part: Shard,
    tick: &(dyn Fn(usize, usize) + Sync),
) -> Result<Gathered, Error> {
    let cohort = Cohort::read(folder)?;
    refuse_what_cannot_be_measured(folder, &cohort)?;
    let wanted: Vec<SetId> = defined(&how.sets).into_iter().map(|(set, _)| set).collect();
    let (measurable, _) = measurable(&cohort.submissions);
    let own = &measurable[part.places(measurable.len())];
    let work = Work::new(folder, &cohort, how, &wanted);
    let mut notes = Notes::open(folder, &notes_of(part), &work.question(how), own.len())?;
    work.measure(own, &mut notes, tick)?;
    Ok(Gathered {
        measured: notes.notes.iter().filter(|it| it.declined.is_none()).count(),
        declined: declined(&notes.notes),
        ..Gathered::default()
    })
}

fn declined(notes: &[Note]) -> Vec<(String, String)> {
    notes.iter().filter_map(|it| Some((it.file.clone(), it.declined.clone()?))).collect()
}

/// Every set that was asked for with its definitions, in the order of the rooms.
fn defined(asked: &[SetId]) -> Vec<(SetId, Vec<Definition>)> {
    sets().into_iter().filter(|(set, _)| asked.is_empty() || asked.contains(set)).collect()
}

fn refuse_what_cannot_be_measured(folder: &Path, cohort: &Cohort) -> Result<(), Error> {
    let layout = |path: &str, expected: &str, got: String| Error::Layout {
        path: folder.join(path),
        expected: expected.to_owned(),
        got,
    };
    if cohort.submissions.is_empty() {
        let expected = "rows of participant, session, task and file to measure";
        return Err(layout("submissions.csv", expected, "none".to_owned()));
    }
    if folder.join("features.csv").exists() {
        let expected = "no numbers that measuring would stand beside; move the file away";
        return Err(layout("features.csv", expected, "some".to_owned()));
    }
    let mut seen = HashMap::new();
    for it in cohort.submissions.iter().filter(|it| not_measured(it).is_none()) {
        if let Some(other) = seen.insert((&it.participant, &it.session, &it.task), &it.file) {
            let got = format!("{} and {}", other.display(), it.file.display());
            let expected =
                format!("one file for {} in a session; tell them apart as {0}-1 and {0}-2", it.task);
            return Err(layout("submissions.csv", &expected, got));
        }
    }
    Ok(())
}

/// Why no room measures a file yet; `None` where one does.
fn not_measured(submission: &CohortSubmission) -> Option<&'static str> {
    let file = &submission.file;
    let transcript = submission.task.as_str().ends_with("-transcript");
    match () {
        () if transcript || file.extension().is_some_and(|it| it.eq_ignore_ascii_case("cha")) => {
            Some("transcripts")
        }
        () if is_picture(file) => Some("pictures"),
        () => None,
    }
}

/// Rows that can be measured, and how many of each kind cannot.
fn measurable(submissions: &[CohortSubmission]) -> (Vec<usize>, BTreeMap<&'static str, usize>) {
    let (mut rows, mut passed_over) = (vec![], BTreeMap::new());
    for (row, submission) in submissions.iter().enumerate() {
        match not_measured(submission) {
            None => rows.push(row),
            Some(kind) => *passed_over.entry(kind).or_default() += 1,
        }
    }
    (rows, passed_over)
}

/// The sessions of each person in their order: by day where all of theirs have one, else by place in the list.
fn ordered_sessions(submissions: &[CohortSubmission]) -> BTreeMap<&ParticipantId, Vec<&str>> {
    let mut of_person: BTreeMap<&ParticipantId, Vec<&CohortSubmission>> = BTreeMap::new();
    for it in submissions {
        of_person.entry(&it.participant).or_default().push(it);
    }
    of_person.into_iter().map(|(person, all)| (person, in_order(all))).collect()
}

fn in_order(mut all: Vec<&CohortSubmission>) -> Vec<&str> {
    if all.iter().all(|it| it.date.is_some()) {
        all.sort_by_key(|it| it.date);
    }
    let mut seen = HashSet::new();
    all.into_iter().map(|it| it.session.as_str()).filter(|it| seen.insert(*it)).collect()
}

/// The session of this place of each person who has so many.
fn nth<'a>(
    sessions: &BTreeMap<&'a ParticipantId, Vec<&'a str>>,
    place: usize,
) -> BTreeMap<&'a ParticipantId, &'a str> {
    sessions.iter().filter_map(|(person, all)| Some((*person, *all.get(place)?))).collect()
}

/// What measuring one submission needs.
struct Work<'a> {
    folder: &'a Path,
    cohort: &'a Cohort,
    how: &'a Measuring,
    sets: &'a [SetId],
    people: HashMap<&'a ParticipantId, &'a Participant>,
    codes: Codes,
}

impl<'a> Work<'a> {
    fn new(folder: &'a Path, cohort: &'a Cohort, how: &'a Measuring, sets: &'a [SetId]) -> Self {
        let people = cohort.participants.iter().map(|it| (&it.id, it)).collect();
        let codes = Codes::of(&cohort.participants, &cohort.submissions);
        Self { folder, cohort, how, sets, people, codes }
    }

    /// A hash of everything the values depend on: program, sets, how files are read, the list, and each file's size.
    fn question(&self, how: &Measuring) -> Question {
        let mut hash = Sha256::new();
        hash.update(format!("{} {:?} {:?} {:?}\n", env!("CARGO_PKG_VERSION"), self.sets, how.intake, WHOSE));
        for it in &self.cohort.submissions {
            let size = fs::metadata(chosen_drawing(&self.folder.join(&it.file)).0).map_or(0, |it| it.len());
            hash.update(format!(
                "{:?} {:?} {} {:?} {size}\n",
                it.participant.reveal(),
                it.session,
                it.task,
                it.file
            ));
            hash.update(format!("{:?} {:?}\n", it.date, self.capture(it)));
        }
        let asked = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Question { asked, sets: self.sets.to_vec() }
    }

    fn capture(&self, submission: &CohortSubmission) -> CaptureFacts {
        let person = self.people.get(&submission.participant);
        person.map(|person| self.codes.facts(person, submission.date)).unwrap_or_default()
    }

    /// Measures the rows that have no note yet, in their order.
    fn measure(
        &self,
        rows: &[usize],
        notes: &mut Notes,
        tick: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(), Error> {
        let done = std::sync::atomic::AtomicUsize::new(notes.notes.len());
        let left: Vec<usize> = rows[notes.notes.len()..].to_vec();
        let one = |&row: &usize| {
            let note = self.note(row);
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tick(done, rows.len());
            note
        };
        measure_files(&left, one, |fresh| notes.add(fresh))
    }

    fn note(&self, row: usize) -> Note {
        let submission = &self.cohort.submissions[row];
        let mut note = Note {
            row: row + 1,
            file: submission.file.display().to_string(),
            task: submission.task.clone(),
            session: submission.session.clone(),
            marks: vec![],
            declined: None,
            values: BTreeMap::new(),
            missing: BTreeMap::new(),
        };
        match self.measured(submission, row).outcome {
            Err(declined) => note.declined = Some(declined.to_string()),
            Ok(measurement) => {
                note.marks = measurement.quality.marks().map(|it| it.message.clone()).collect();
                for vector in self.sets.iter().filter_map(|set| measurement.measure(set)) {
                    for feature in vector.features() {
                        let name = feature.definition.name.to_owned();
                        match &feature.value {
                            Value::Measured(number) => drop(note.values.insert(name, *number)),
                            Value::Missing(reason) => {
                                drop(note.missing.insert(name, reason.as_str().to_owned()))
                            }
                        }
                    }
                }
            }
        }
        note
    }

    fn measured(&self, submission: &CohortSubmission, row: usize) -> Measured {
        let (path, drawing) = chosen_drawing(&self.folder.join(&submission.file));
        let name = path.display().to_string();
        let received = one_of(self.how.intake.receive(&path, &name), &name, drawing.as_deref());
        let mut measured = Measured::of(received, WHOSE);
        if let Ok(measurement) = &mut measured.outcome {
            measurement.file = std::mem::take(&mut measurement.file).at(row + 1);
            measurement.capture = self.capture(submission);
        }
        measured
    }
}

/// The recording or drawing of a file that is meant: the one it holds, or the one that is named.
fn one_of(mut received: Vec<Received>, name: &str, drawing: Option<&str>) -> Received {
    let count = received.len();
    let place = match drawing {
        None => (count == 1).then_some(0),
        Some(drawing) => {
            let endings = [format!("#{drawing}"), format!(" TestID {drawing}")];
            received.iter().position(|it| endings.iter().any(|ending| it.name.ends_with(ending)))
        }
    };
    match place {
        Some(place) => received.swap_remove(place),
        None => {
            let words = match drawing {
                None => format!("expected one drawing, found {count}; name one of them as {name}#1"),
                Some(drawing) => format!("expected a drawing {drawing} in the file, found {count} others"),
            };
            Received {
                name: name.to_owned(),
                medium: Err(Declined::unreadable("cohort.drawing", words)),
                bytes: 0,
            }
        }
    }
}

/// The notes of the sessions that were chosen, one a person.
fn of_sessions<'a>(
    cohort: &'a Cohort,
    notes: &'a [Note],
    chosen: &'a BTreeMap<&ParticipantId, &str>,
) -> impl Iterator<Item = (&'a ParticipantId, &'a Note)> {
    let of = move |note: &'a Note| (&cohort.submissions[note.row - 1], note);
    notes.iter().map(of).filter_map(move |(it, note)| {
        (chosen.get(&it.participant) == Some(&it.session.as_str())).then_some((&it.participant, note))
    })
}

/// A column a feature at a task that somebody has in the sessions that were chosen.
fn columns(
    cohort: &Cohort,
    notes: &[Note],
    chosen: &BTreeMap<&ParticipantId, &str>,
    defined: &[(SetId, Vec<Definition>)],
) -> Vec<Column> {
    let notes: Vec<&Note> = of_sessions(cohort, notes, chosen).map(|(_, note)| note).collect();
    let tasks: BTreeSet<&Task> = notes.iter().map(|note| &note.task).collect();
    let measured: HashSet<(&Task, &str)> =
        notes.iter().flat_map(|note| note.values.keys().map(|name| (&note.task, name.as_str()))).collect();
    let definitions = || defined.iter().flat_map(|(_, definitions)| definitions);
    tasks
        .into_iter()
        .flat_map(|task| definitions().map(move |it| (task, it)))
        .filter(|(task, it)| measured.contains(&(*task, it.name)))
        .map(|(task, it)| Column::new(task.clone(), it.name, it.unit))
        .collect()
}

/// A row a person of the session that was chosen of them.
fn table(
    cohort: &Cohort,
    notes: &[Note],
    columns: &[Column],
    chosen: &BTreeMap<&ParticipantId, &str>,
) -> Result<FeatureTable, Error> {
    let by: HashMap<(&ParticipantId, &Task), &Note> =
        of_sessions(cohort, notes, chosen).map(|(person, note)| ((person, &note.task), note)).collect();
    let handed_in: HashSet<&ParticipantId> = by.keys().map(|(person, _)| *person).collect();
    let mut table = FeatureTable::new(columns.to_vec())?;
    for person in cohort.participants.iter().filter(|it| handed_in.contains(&it.id)) {
        let value = |column: &Column| match by.get(&(&person.id, &column.task)) {
            None => Value::Missing("not handed in".into()),
            Some(note) => note.value(&column.feature),
        };
        table.push(person.clone(), columns.iter().map(value))?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{Layout, import_cohort, lookalike::Folder};
    use super::*;

    fn how(sets: &[&str]) -> Measuring {
        let sets = sets.iter().map(|it| it.parse().unwrap()).collect();
        Measuring { sets, intake: Intake::default() }
    }

    fn run(folder: &Path, sets: &[&str]) -> Result<Gathered, Error> {
        measure_cohort(folder, &how(sets), &|_, _| ())
    }

    /// Six people who drew circles, one of them twice, and one who handed in a broken file.
    fn cohort(dates: bool) -> (Folder, PathBuf) {
        let folder = Folder::new();
        let mut rows = String::from("id,label,device,session,date,task,file\n");
        for person in 0..6u32 {
            let pen = ink::synth::Pen {
                rate_hz: 100.0 + 20.0 * f64::from(person % 2),
                ..ink::synth::Pen::natural(person.into())
            };
            for session in 0..if person == 1 { 2 } else { 1 } {
                let drawing = ink::synth::circle(20.0, 1.0 + f64::from(session), 3.0, &pen);
                let file = format!("ink/{person}-{session}.json");
                folder.text(&file, &drawing.to_json());
                let label = if person % 2 == 0 { "healthy" } else { "mci" };
                // The second session is the earlier one by its day.
                let date = if dates { format!("2026-0{}-01", 5 - session) } else { String::new() };
                rows += &format!("p{person},{label},tablet,s{session},{date},circle,{file}\n");
            }
        }
        folder.text("ink/broken.json", "{");
        folder.text("picture.png", "no picture");
        rows += "p9,healthy,tablet,s0,,circle,ink/broken.json\np9,healthy,tablet,s0,,clock,picture.png\n";
        folder.text("manifest.csv", &rows);
        let out = folder.path().join("cohort");
        let imported = import_cohort(Layout::Manifest, &folder.path().join("manifest.csv")).unwrap();
        imported.write(&out).unwrap();
        (folder, out)
    }

    #[test]
    fn every_set_becomes_columns_and_what_was_not_measured_is_said() {
        let (_folder, out) = cohort(false);
        let gathered = run(&out, &[]).unwrap();
        assert_eq!((gathered.people, gathered.measured, gathered.repeated), (7, 7, 1));
        assert_eq!(gathered.passed_over, BTreeMap::from([("pictures", 1)]));
        assert!(gathered.declined.len() == 1 && gathered.declined[0].0.ends_with("broken.json"));
        let read = Cohort::read(&out).unwrap();
        let table = read.table.as_ref().unwrap();
        let column = |name: &str| table.columns().iter().position(|it| it.name() == name);
        for name in [
            "circle/ink.time.total",
            "circle/file.sample_rate",
            "circle/file.order",
            "circle/capture.device.1",
        ] {
            assert!(column(name).is_some(), "{name} is missing");
        }
        assert!(column("circle/file.codec.pcm").is_none(), "a column of nothing is left out");
        let rate = column("circle/file.sample_rate").unwrap();
        assert!(
            (table.value(0, rate).unwrap() - 100.0).abs() < 1.0
                && (table.value(1, rate).unwrap() - 120.0).abs() < 1.0
        );
        assert!(table.row(6).all(|cell| cell.is_none()), "a declined file is a row of nothing");
        let [again] = &read.later[..] else { panic!("one person came again once") };
        assert_eq!((again.len(), again.participants()[0].id.reveal()), (1, "p1"));
        assert_eq!(again.columns(), table.columns());
        let time = column("circle/ink.time.total").unwrap();
        assert_ne!(again.value(0, time), table.value(1, time));
    }

    #[test]
    fn the_table_holds_each_persons_first_session() {
        let time = |dates: bool| {
            let (_folder, out) = cohort(dates);
            run(&out, &["ink@1"]).unwrap();
            let table = Cohort::read(&out).unwrap().table.unwrap();
            let column = table.columns().iter().position(|it| it.name() == "circle/ink.time.total").unwrap();
            table.value(1, column).unwrap()
        };
        assert!(time(false) > 1.5 * time(true), "{} by place, {} by day", time(false), time(true));
    }

    #[test]
    fn a_run_that_was_broken_off_ends_as_one_that_was_not() {
        let (_whole, whole) = cohort(false);
        run(&whole, &["ink@1", "file@1"]).unwrap();
        let (_broken, broken) = cohort(false);
        run(&broken, &["ink@1", "file@1"]).unwrap();
        let notes = broken.join(NOTES);
        let text = fs::read_to_string(&notes).unwrap();
        // Half of the fourth file's line had reached the disk.
        let three: usize = text.split_inclusive('\n').take(4).map(str::len).sum();
        fs::write(&notes, &text[..three + 40]).unwrap();
        fs::remove_file(broken.join("features.parquet")).unwrap();
        run(&broken, &["ink@1", "file@1"]).unwrap();
        assert_eq!(fs::read_to_string(&notes).unwrap(), text);
        let bytes = |folder: &Path| fs::read(folder.join("features.parquet")).unwrap();
        assert_eq!(bytes(&whole), bytes(&broken));
        assert!(run(&broken, &["ink@1"]).unwrap_err().to_string().contains("measured.jsonl"));
    }

    #[test]
    fn parts_measured_apart_make_the_table_of_one_run() {
        let (_whole, whole) = cohort(false);
        run(&whole, &["ink@1", "file@1"]).unwrap();
        let bytes = |folder: &Path| fs::read(folder.join("features.parquet")).unwrap();
        let sets = how(&["ink@1", "file@1"]);
        let (_apart, apart) = cohort(false);
        let part = |part: usize| measure_part(&apart, &sets, Shard { part, of: 3 }, &|_, _| ()).unwrap();
        // The parts in any order; the last holds the file that is declined.
        assert_eq!([3, 1, 2].map(|it| part(it).measured), [2, 2, 3]);
        assert_eq!(part(3).declined.len(), 1);
        let measured_again = std::sync::atomic::AtomicUsize::new(0);
        let tick = |_: usize, _: usize| {
            measured_again.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        measure_cohort(&apart, &sets, &tick).unwrap();
        assert_eq!((measured_again.into_inner(), bytes(&apart)), (0, bytes(&whole)));
        let notes = |folder: &Path| fs::read_to_string(folder.join(NOTES)).unwrap();
        assert_eq!(notes(&apart), notes(&whole));
    }

    #[test]
    fn a_part_that_is_missing_is_measured_with_the_whole_and_one_of_another_question_refused() {
        let (_apart, apart) = cohort(false);
        let part =
            |sets: &[&str], part: usize| measure_part(&apart, &how(sets), Shard { part, of: 4 }, &|_, _| ());
        part(&["ink@1"], 1).unwrap();
        part(&["ink@1"], 3).unwrap();
        assert_eq!(run(&apart, &["ink@1"]).unwrap().measured, 7);
        let (_other, other) = cohort(false);
        measure_part(&other, &how(&["file@1"]), Shard { part: 1, of: 2 }, &|_, _| ()).unwrap();
        let message = run(&other, &["ink@1"]).unwrap_err().to_string();
        assert!(message.contains("measured-1-of-2.jsonl"), "{message}");
    }

    #[test]
    fn one_drawing_of_several_is_chosen_by_name_and_none_is_guessed() {
        let folder = Folder::new();
        let pen = ink::synth::Pen::steady();
        let line = |turns: f64| ink::synth::circle(20.0, turns, 2.0, &pen).to_json().replace('\n', "");
        folder.text("two.ndjson", &format!("{}\n{}\n", line(1.0), line(4.0)));
        let rows = "id,label,task,file\na,healthy,slow,two.ndjson#1\na,healthy,fast,two.ndjson#2\nb,mci,slow,two.ndjson\n";
        folder.text("manifest.csv", rows);
        let out = folder.path().join("cohort");
        import_cohort(Layout::Manifest, &folder.path().join("manifest.csv")).unwrap().write(&out).unwrap();
        let gathered = run(&out, &["ink@1"]).unwrap();
        assert_eq!(gathered.measured, 2);
        assert!(gathered.declined[0].1.contains("expected one drawing, found 2"), "{:?}", gathered.declined);
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_what_was_expected() {
        let (_folder, out) = cohort(false);
        let list = out.join("submissions.csv");
        let text = fs::read_to_string(&list).unwrap();
        let again = text.lines().nth(1).unwrap();
        fs::write(&list, format!("{text}{again}\n")).unwrap();
        let message = run(&out, &[]).unwrap_err().to_string();
        assert!(
            message.contains("one file for circle in a session; tell them apart as circle-1 and circle-2"),
            "{message}"
        );
        fs::write(&list, "participant,session,task,file\n").unwrap();
        assert!(
            run(&out, &[]).unwrap_err().to_string().contains("rows of participant, session, task and file")
        );
        fs::write(&list, text).unwrap();
        fs::write(out.join("features.csv"), "id\n").unwrap();
        assert!(run(&out, &[]).unwrap_err().to_string().contains("move the file away"));
    }
}

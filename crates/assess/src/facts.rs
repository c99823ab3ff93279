//! What a file says without being listened to or looked at: `file@1`; and where and when it was made: `capture@1`.
//!
//! Neither speaks of a person, so neither is ever an input of a screener. They are measured for the audit: where formats,
//! rates, devices, sites or days tell the label, an estimator can learn them instead of the illness.
//!
//! Devices and sites are coded by how many people of the cohort share them, the commonest first. Those that fewer than
//! [`FEWEST`] people share have no code of their own: a code must not be a name for one person.

use std::collections::BTreeMap;

use feature::{Definition, FeatureSet, Measure, Reach, Row, Unit, median};
use ink::{Drawing, Timing};
use jiff::civil::Date;
use study::{CohortSubmission, Participant};
use voice::Recording;

use crate::intake::Medium;

/// Fewest people who share a device or site that has a code.
const FEWEST: usize = 5;
/// Codes for devices, and for sites.
const CODES: usize = 8;

/// The set `file@1`: facts of a file, for the audit.
pub(crate) fn file_set() -> FeatureSet<FileFacts> {
    static MEASURES: &[&dyn Measure<FileFacts>] = &[&Facts];
    FeatureSet::new("file", 1, MEASURES)
}

/// The set `capture@1`: device, site and day, for the audit.
pub(crate) fn capture_set() -> FeatureSet<CaptureFacts> {
    static MEASURES: &[&dyn Measure<CaptureFacts>] = &[&Circumstances];
    FeatureSet::new("capture", 1, MEASURES)
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileFacts {
    bytes: Option<u64>,
    codec: Option<String>,
    sample_rate_hz: Option<f64>,
    channels: Option<usize>,
    bits: Option<u32>,
    duration_s: Option<f64>,
    order: Option<usize>,
}

impl FileFacts {
    /// The facts of a medium that was read from a file of so many bytes.
    pub(crate) fn of(medium: &Medium, bytes: u64) -> Self {
        match medium {
            Medium::Voice(recording) => Self::of_recording(recording.medium(), bytes),
            Medium::Ink(drawing) => Self::of_drawing(drawing.medium(), bytes),
        }
    }

    fn of_recording(recording: &Recording, bytes: u64) -> Self {
        let source = recording.source();
        Self {
            bytes: Some(bytes),
            codec: Some(source.codec.clone()),
            sample_rate_hz: Some(source.rate.0),
            channels: Some(source.channels),
            bits: source.bits,
            duration_s: Some(recording.duration().0),
            order: None,
        }
    }

    fn of_drawing(drawing: &Drawing, bytes: u64) -> Self {
        let timing = drawing.capture().timing;
        let steps = drawing.strokes().iter().flat_map(|stroke| stroke.points.windows(2));
        let steps: Vec<f64> =
            steps.map(|pair| pair[1].t_s - pair[0].t_s).filter(|step| *step > 0.0).collect();
        let step = median(&steps).filter(|_| timing != Timing::Unknown);
        Self {
            bytes: Some(bytes),
            sample_rate_hz: step.map(f64::recip),
            duration_s: (timing == Timing::Whole).then(|| drawing.span_s()),
            ..Self::default()
        }
    }

    /// The same at this place of its cohort's list, counted from 1.
    pub(crate) fn at(self, order: usize) -> Self {
        Self { order: Some(order), ..self }
    }
}

const fn fact(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    range: (f64, f64),
    formula: &'static str,
) -> Definition {
    Definition {
        name,
        label,
        unit,
        range,
        formula,
        source: "essay of facts.rs",
        missing: "not said by the file, or no such thing for this kind of file",
        reach: Reach::SameDevice,
        fragile: None,
    }
}

/// Codecs with a flag of their own, by how the decoder's names begin.
const CODECS: [(&str, &str); 6] = [
    ("file.codec.pcm", "pcm"),
    ("file.codec.flac", "flac"),
    ("file.codec.mp3", "mp3"),
    ("file.codec.aac", "aac"),
    ("file.codec.vorbis", "vorbis"),
    ("file.codec.opus", "opus"),
];
/// Codecs whose bytes a second somebody chose.
const LOSSY: [&str; 4] = ["mp3", "aac", "vorbis", "opus"];
const CODEC: &str = "1 if the sound is coded so, else 0";

static FILE: [Definition; 13] = [
    fact("file.bytes", "size of the file", Unit::Byte, (1.0, 4.3e9), "bytes of the whole file"),
    fact(
        "file.byte_rate",
        "bytes a second",
        Unit::PerSecond,
        (1.0, 1e7),
        "bytes of the file / duration, of lossy codecs only: theirs is a setting, that of others follows from rate and content",
    ),
    fact("file.codec.pcm", "uncompressed sound", Unit::One, (0.0, 1.0), CODEC),
    fact("file.codec.flac", "FLAC", Unit::One, (0.0, 1.0), CODEC),
    fact("file.codec.mp3", "MP3", Unit::One, (0.0, 1.0), CODEC),
    fact("file.codec.aac", "AAC", Unit::One, (0.0, 1.0), CODEC),
    fact("file.codec.vorbis", "Vorbis", Unit::One, (0.0, 1.0), CODEC),
    fact("file.codec.opus", "Opus", Unit::One, (0.0, 1.0), CODEC),
    fact(
        "file.sample_rate",
        "samples or points a second",
        Unit::Hertz,
        (1.0, 384_000.0),
        "of sound: the header's rate; of a drawing: 1 / median time between points of a stroke",
    ),
    fact("file.channels", "channels of the sound", Unit::Count, (1.0, 32.0), "as the header says"),
    fact(
        "file.bit_depth",
        "bits a sample",
        Unit::Bit,
        (1.0, 64.0),
        "as the header says; codecs of spectra have none",
    ),
    fact(
        "file.duration",
        "duration of the file",
        Unit::Second,
        (0.0, 21_600.0),
        "decoded sound, or first to last point of a drawing",
    ),
    fact(
        "file.order",
        "place in the cohort's list of files",
        Unit::Count,
        (1.0, 1e7),
        "row of submissions.csv, counted from 1",
    ),
];

struct Facts;

impl Measure<FileFacts> for Facts {
    fn definitions(&self) -> &'static [Definition] {
        &FILE
    }

    fn measure(&self, facts: &FileFacts, row: &mut Row<'_>) {
        let mut put = |name: &str, value: Option<f64>| value.into_iter().for_each(|it| row.put(name, it));
        put("file.bytes", facts.bytes.map(|it| it as f64));
        let lossy = |codec: &String| LOSSY.iter().any(|it| codec.starts_with(it));
        let seconds = facts.duration_s.filter(|it| *it > 0.0 && facts.codec.as_ref().is_some_and(lossy));
        put("file.byte_rate", facts.bytes.zip(seconds).map(|(bytes, seconds)| bytes as f64 / seconds));
        for (name, start) in CODECS {
            put(name, facts.codec.as_ref().map(|codec| f64::from(u8::from(codec.starts_with(start)))));
        }
        put("file.sample_rate", facts.sample_rate_hz);
        put("file.channels", facts.channels.map(|it| it as f64));
        put("file.bit_depth", facts.bits.map(f64::from));
        put("file.duration", facts.duration_s);
        match facts.order {
            Some(order) => row.put("file.order", order as f64),
            None => row.missing("file.order", ALONE),
        }
    }
}

const ALONE: &str = "not part of a cohort";

/// Where and when a file was made, in the codes of its cohort.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CaptureFacts {
    /// The code, 0 where too few share the device; `None` where it is not known.
    device: Option<usize>,
    site: Option<usize>,
    /// Days since the cohort's first session, and day of the week from Monday, 1 to 7.
    day: Option<(f64, f64)>,
}

const fn coded(name: &'static str, label: &'static str) -> Definition {
    Definition {
        name,
        label,
        unit: Unit::One,
        range: (0.0, 1.0),
        formula: "1 if it is the one that so many people of the cohort share, counted from the commonest, else 0; shared by \
                  five people or more",
        source: "essay of facts.rs",
        missing: "not recorded, or not part of a cohort",
        reach: Reach::SameDevice,
        fragile: None,
    }
}

static CAPTURE: [Definition; 2 * CODES + 2] = [
    coded("capture.device.1", "the commonest device"),
    coded("capture.device.2", "the second device"),
    coded("capture.device.3", "the third device"),
    coded("capture.device.4", "the fourth device"),
    coded("capture.device.5", "the fifth device"),
    coded("capture.device.6", "the sixth device"),
    coded("capture.device.7", "the seventh device"),
    coded("capture.device.8", "the eighth device"),
    coded("capture.site.1", "the commonest site"),
    coded("capture.site.2", "the second site"),
    coded("capture.site.3", "the third site"),
    coded("capture.site.4", "the fourth site"),
    coded("capture.site.5", "the fifth site"),
    coded("capture.site.6", "the sixth site"),
    coded("capture.site.7", "the seventh site"),
    coded("capture.site.8", "the eighth site"),
    Definition {
        unit: Unit::Count,
        range: (0.0, 40_000.0),
        formula: "days from the cohort's first session to this one",
        ..coded("capture.day", "days since the cohort began")
    },
    Definition {
        unit: Unit::Count,
        range: (1.0, 7.0),
        formula: "1 on Monday to 7 on Sunday (ISO 8601)",
        ..coded("capture.weekday", "day of the week")
    },
];

struct Circumstances;

impl Measure<CaptureFacts> for Circumstances {
    fn definitions(&self) -> &'static [Definition] {
        &CAPTURE
    }

    fn measure(&self, facts: &CaptureFacts, row: &mut Row<'_>) {
        for (first, code) in [(0, facts.device), (CODES, facts.site)] {
            let Some(code) = code else { continue };
            for place in 0..CODES {
                row.put(CAPTURE[first + place].name, f64::from(u8::from(code == place + 1)));
            }
        }
        if let Some((day, weekday)) = facts.day {
            row.put("capture.day", day);
            row.put("capture.weekday", weekday);
        }
    }
}

/// The codes of a cohort's devices and sites, and its first day.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes {
    devices: BTreeMap<String, usize>,
    sites: BTreeMap<String, usize>,
    first: Option<Date>,
}

impl Codes {
    /// The codes of these people and what they handed in.
    pub(crate) fn of(people: &[Participant], submissions: &[CohortSubmission]) -> Self {
        Self {
            devices: codes(people.iter().filter_map(|it| it.device.as_deref())),
            sites: codes(people.iter().filter_map(|it| it.site.as_deref())),
            first: submissions.iter().filter_map(|it| it.date).min(),
        }
    }

    /// Where and when this person handed something in.
    pub(crate) fn facts(&self, person: &Participant, date: Option<Date>) -> CaptureFacts {
        let code = |codes: &BTreeMap<String, usize>, name: &Option<String>| {
            name.as_ref().map(|name| codes.get(name).copied().unwrap_or(0))
        };
        let day = |(first, day): (Date, Date)| {
            (
                f64::from(first.until(day).map_or(0, |it| it.get_days())),
                f64::from(day.weekday().to_monday_one_offset()),
            )
        };
        CaptureFacts {
            device: code(&self.devices, &person.device),
            site: code(&self.sites, &person.site),
            day: self.first.zip(date).map(day),
        }
    }
}

/// From 1, by how many people share a name; of equally common ones the first by name.
fn codes<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    let mut shared: Vec<(&str, usize)> = counts.into_iter().filter(|(_, people)| *people >= FEWEST).collect();
    shared.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    shared
        .into_iter()
        .take(CODES)
        .enumerate()
        .map(|(place, (name, _))| (name.to_owned(), place + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use feature::Usable;
    use study::{ParticipantId, Task};

    use super::*;

    fn person(id: usize, device: Option<&str>) -> Participant {
        let id = ParticipantId::new(&format!("p{id}")).unwrap();
        Participant { device: device.map(str::to_owned), ..Participant::new(id) }
    }

    #[test]
    fn both_sets_keep_the_contract() {
        let pen = ink::synth::Pen::steady();
        let drawing = Usable::new(ink::synth::circle(20.0, 1.0, 2.0, &pen)).unwrap();
        let facts = FileFacts::of(&Medium::Ink(Box::new(drawing)), 900);
        assert_eq!(feature::breaches(&file_set(), [&facts, &FileFacts::default()]), Vec::<String>::new());
        let known = CaptureFacts { device: Some(2), site: None, day: Some((3.0, 1.0)) };
        assert_eq!(
            feature::breaches(&capture_set(), [&known, &CaptureFacts::default()]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_drawing_tells_its_rate_and_a_recording_its_format() {
        let pen = ink::synth::Pen::steady();
        let (rate, drawing) = (pen.rate_hz, ink::synth::circle(20.0, 1.0, 2.0, &pen));
        let values = file_set().measure(&FileFacts::of_drawing(&drawing, 900).at(7));
        assert!((values.number("file.sample_rate").unwrap() - rate).abs() < 0.01 * rate);
        assert_eq!((values.number("file.order"), values.number("file.codec.pcm")), (Some(7.0), None));
        let sound = FileFacts {
            codec: Some("pcm_s16le".into()),
            bytes: Some(64_044),
            duration_s: Some(2.0),
            ..FileFacts::default()
        };
        let values = file_set().measure(&sound);
        assert_eq!(
            (values.number("file.codec.pcm"), values.number("file.codec.mp3")),
            (Some(1.0), Some(0.0))
        );
        assert_eq!(
            values.number("file.byte_rate"),
            None,
            "of plain sound it says nothing that the rate does not"
        );
        let coded = FileFacts { codec: Some("mp3".into()), ..sound };
        assert_eq!(file_set().measure(&coded).number("file.byte_rate"), Some(32_022.0));
        assert_eq!(values.value("file.order").unwrap().reason().unwrap().as_str(), ALONE);
    }

    #[test]
    fn devices_are_coded_by_how_many_share_them_and_rare_ones_are_nobodys_name() {
        let devices = (0..12).map(|it| person(it, Some(if it < 7 { "tablet" } else { "phone" })));
        let people: Vec<Participant> =
            devices.chain([person(12, Some("her own")), person(13, None)]).collect();
        let codes = Codes::of(&people, &[]);
        let values = |it: usize| capture_set().measure(&codes.facts(&people[it], None));
        let of = |it, name: &str| values(it).number(name);
        assert_eq!((of(0, "capture.device.1"), of(0, "capture.device.2")), (Some(1.0), Some(0.0)));
        assert_eq!((of(9, "capture.device.1"), of(9, "capture.device.2")), (Some(0.0), Some(1.0)));
        assert_eq!((of(12, "capture.device.1"), of(12, "capture.device.3")), (Some(0.0), Some(0.0)));
        assert_eq!((of(13, "capture.device.1"), of(0, "capture.site.1")), (None, None));
    }

    #[test]
    fn days_are_counted_from_the_first_session_and_weekdays_from_monday() {
        let of = |day: &str| CohortSubmission {
            participant: ParticipantId::new("p").unwrap(),
            session: String::new(),
            date: Some(day.parse().unwrap()),
            task: Task::new("clock").unwrap(),
            file: "a.json".into(),
        };
        let submissions = [of("2026-11-24"), of("2026-10-30")];
        let codes = Codes::of(&[], &submissions);
        let values = capture_set().measure(&codes.facts(&person(0, None), submissions[0].date));
        assert_eq!((values.number("capture.day"), values.number("capture.weekday")), (Some(25.0), Some(2.0)));
    }
}

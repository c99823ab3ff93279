//! From a checked medium to its values.

use feature::{Declined, Definition, FeatureSet, FeatureVector, Quality, Reason, SetId, Usable};
use serde::{Serialize, ser::SerializeMap};
use voice::Speaker;

use crate::{
    facts::{CaptureFacts, FileFacts, capture_set, file_set},
    intake::{Medium, Received},
};

/// What all measures of a medium read: its contours or tracks, computed once.
#[derive(Debug, Clone)]
pub enum Analysis {
    /// Of a recording.
    Voice(Box<voice::Analysis>),
    /// Of a drawing.
    Ink(Box<ink::Analysis>),
}

impl Analysis {
    /// The values of one set; `None` where the set is of another kind of medium.
    pub fn measure(&self, set: &SetId) -> Option<FeatureVector> {
        match self {
            Self::Voice(analysis) => {
                voice_sets().into_iter().find(|it| it.id() == set).map(|it| it.measure(analysis))
            }
            Self::Ink(analysis) => {
                Some(ink::set()).filter(|it| it.id() == set).map(|it| it.measure(analysis))
            }
        }
    }
}

/// The sets that are measured of a recording, the first by default.
fn voice_sets() -> Vec<FeatureSet<voice::Analysis>> {
    vec![voice::set(), voice::silence_set()]
}

/// Every set with its definitions, in the order of the rooms; last those of files, which are for audits only.
pub fn sets() -> Vec<(SetId, Vec<Definition>)> {
    fn defined<A: ?Sized>(set: &FeatureSet<A>) -> (SetId, Vec<Definition>) {
        (set.id().clone(), set.definitions().copied().collect())
    }
    let of_voice = voice_sets();
    let rest = [defined(&ink::set()), defined(&file_set()), defined(&capture_set())];
    of_voice.iter().map(defined).chain(rest).collect()
}

/// The values of one recording or drawing, and what they were read from.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// What was found by the check.
    pub quality: Quality,
    /// Every value of the medium's own set: `voice@1` or `ink@1`.
    pub values: FeatureVector,
    /// What the values were read from.
    pub analysis: Analysis,
    /// What the file says of itself.
    pub file: FileFacts,
    /// Where and when it was made, in the codes of its cohort; nothing outside one.
    pub capture: CaptureFacts,
    /// Whether a second voice was left out; nothing of a drawing.
    pub voices: Option<Voices>,
}

/// What became of a second voice in a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Voices {
    /// Everybody who speaks was measured, as was asked for.
    Everybody,
    /// There is one voice.
    One,
    /// A second voice was found and left out: its share of the time in speech.
    LeftOut(f64),
    /// Everybody was measured, because voices cannot be told apart, and why.
    Unknown(Reason),
}

impl Measurement {
    /// Every value of the set that belongs to the medium.
    fn of(medium: &Medium, whose: Whose, bytes: u64) -> Result<Self, Declined> {
        let (file, capture) = (FileFacts::of(medium, bytes), CaptureFacts::default());
        match medium {
            Medium::Voice(recording) => {
                let (analysis, voices) = heard(recording, whose)?;
                let (quality, values) = (recording.quality().clone(), voice::set().measure(&analysis));
                let (analysis, voices) = (Analysis::Voice(Box::new(analysis)), Some(voices));
                Ok(Self { quality, values, analysis, file, capture, voices })
            }
            Medium::Ink(drawing) => {
                let analysis = ink::Analysis::new(drawing);
                let (quality, values) = (drawing.quality().clone(), ink::set().measure(&analysis));
                let analysis = Analysis::Ink(Box::new(analysis));
                Ok(Self { quality, values, analysis, file, capture, voices: None })
            }
        }
    }

    /// The values of one set; `None` where the set is of another kind of medium.
    pub fn measure(&self, set: &SetId) -> Option<FeatureVector> {
        let (file, capture) = (file_set(), capture_set());
        match set {
            own if own == self.values.set() => Some(self.values.clone()),
            facts if facts == file.id() => Some(file.measure(&self.file)),
            facts if facts == capture.id() => Some(capture.measure(&self.capture)),
            other => self.analysis.measure(other),
        }
    }
}

/// The analysis of who is wanted of a recording, and what became of a second voice.
fn heard(recording: &Usable<voice::Recording>, whose: Whose) -> Result<(voice::Analysis, Voices), Declined> {
    let everybody = voice::Analysis::new(recording);
    let share = match whose {
        Whose::Everybody => return Ok((everybody, Voices::Everybody)),
        Whose::Participant | Whose::ParticipantIfKnown => everybody.second_share(),
    };
    let alone = share.clone().and_then(|_| voice::Analysis::of(recording, Speaker::Participant));
    match (alone, share) {
        (Ok(alone), Ok(share)) => Ok((alone, if share > 0.0 { Voices::LeftOut(share) } else { Voices::One })),
        (Err(reason), _) | (_, Err(reason)) if whose == Whose::ParticipantIfKnown => {
            Ok((everybody, Voices::Unknown(reason)))
        }
        (Err(reason), _) | (_, Err(reason)) => Err(Declined::unreadable("voice.speaker", reason.as_str())),
    }
}

/// Whose speech in a recording is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    /// Everybody's.
    #[default]
    Everybody,
    /// The participant's alone. Where voices cannot be told apart the recording is declined with the reason: measures of both
    /// would pass for those of one.
    Participant,
    /// The participant's alone where voices can be told apart, else everybody's; [`Measurement::voices`] says which.
    ParticipantIfKnown,
}

/// One recording or drawing of a file, measured or declined.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The file's name; `clock.ndjson#3` where it holds several drawings.
    pub file: String,
    /// The values, or why there are none.
    pub outcome: Result<Measurement, Declined>,
}

impl Measured {
    /// Measures what was received, if it was usable.
    pub fn of(received: Received, whose: Whose) -> Self {
        let measured = |medium: Medium| Measurement::of(&medium, whose, received.bytes);
        let outcome = received.medium.and_then(measured);
        Self { file: received.name, outcome }
    }

    /// What is written of it: one row for each set that was asked for, or for the medium's own where none was. Nothing where
    /// the sets asked for are of another kind of medium.
    pub fn valued(&self, sets: &[SetId]) -> Vec<Valued> {
        let row = |outcome| Valued { file: self.file.clone(), outcome };
        match &self.outcome {
            Err(declined) => vec![row(Err(declined.clone()))],
            Ok(it) if sets.is_empty() => vec![row(Ok((it.quality.clone(), it.values.clone())))],
            Ok(it) => sets
                .iter()
                .filter_map(|set| it.measure(set))
                .map(|values| row(Ok((it.quality.clone(), values))))
                .collect(),
        }
    }
}

/// The values of one set of a recording or drawing without what they were read from: small enough to keep many.
#[derive(Debug, Clone, PartialEq)]
pub struct Valued {
    /// The file's name; `clock.ndjson#3` where it holds several drawings.
    pub file: String,
    /// Quality and values, or why there are none.
    pub outcome: Result<(Quality, FeatureVector), Declined>,
}

/// `{"file", "set", "quality", "values"}`, or `{"file", "declined", "quality"}`.
impl Serialize for Valued {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("file", &self.file)?;
        match &self.outcome {
            Ok((quality, values)) => {
                map.serialize_entry("set", values.set())?;
                map.serialize_entry("quality", quality)?;
                map.serialize_entry("values", values.features())?;
            }
            Err(declined) => {
                map.serialize_entry("declined", &declined.to_string())?;
                map.serialize_entry("quality", &declined.quality)?;
            }
        }
        map.end()
    }
}

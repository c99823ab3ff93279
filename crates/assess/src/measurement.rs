//! From a checked medium to its values.

use feature::{Declined, Definition, FeatureVector, Quality, Reason, SetId, Usable};
use serde::{Serialize, ser::SerializeMap};
use voice::Speaker;

use crate::intake::{Medium, Received};

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
fn voice_sets() -> Vec<feature::FeatureSet<voice::Analysis>> {
    vec![voice::set(), voice::silence_set()]
}

/// Every set with its definitions, in the order of the rooms.
pub fn sets() -> Vec<(SetId, Vec<Definition>)> {
    let ink = ink::set();
    let of_voice =
        voice_sets().into_iter().map(|set| (set.id().clone(), set.definitions().copied().collect()));
    of_voice.chain([(ink.id().clone(), ink.definitions().copied().collect())]).collect()
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
    fn of(medium: &Medium, whose: Whose) -> Result<Self, Declined> {
        match medium {
            Medium::Voice(recording) => {
                let (analysis, voices) = heard(recording, whose)?;
                let (quality, values) = (recording.quality().clone(), voice::set().measure(&analysis));
                Ok(Self {
                    quality,
                    values,
                    analysis: Analysis::Voice(Box::new(analysis)),
                    voices: Some(voices),
                })
            }
            Medium::Ink(drawing) => {
                let analysis = ink::Analysis::new(drawing);
                let (quality, values) = (drawing.quality().clone(), ink::set().measure(&analysis));
                Ok(Self { quality, values, analysis: Analysis::Ink(Box::new(analysis)), voices: None })
            }
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
        let outcome = received.medium.and_then(|medium| Measurement::of(&medium, whose));
        Self { file: received.name, outcome }
    }

    /// What is written of it: one row for each set that was asked for, or for the medium's own where none was. Nothing where
    /// the sets asked for are of another kind of medium.
    pub fn valued(&self, sets: &[SetId]) -> Vec<Valued> {
        let row = |outcome| Valued { file: self.file.clone(), outcome };
        match &self.outcome {
            Err(declined) => vec![row(Err(declined.clone()))],
            Ok(it) if sets.is_empty() => vec![row(Ok((it.quality.clone(), it.values.clone())))],
            Ok(it) => {
                let values = |set: &SetId| {
                    if it.values.set() == set { Some(it.values.clone()) } else { it.analysis.measure(set) }
                };
                sets.iter().filter_map(values).map(|values| row(Ok((it.quality.clone(), values)))).collect()
            }
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

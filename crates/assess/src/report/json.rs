//! The report for programs: `report.json`. Fields are added, never renamed.

use feature::Condition;
use serde_json::{Value, json};

use super::{Wording, wording};
use crate::{
    assessment::{Assessment, Conclusion, Performed},
    measurement::Measurement,
    words,
};

/// The whole report as one JSON object.
pub fn report_json(assessment: &Assessment, how: Wording) -> Value {
    json!({
        "report": "inkling@1",
        "software": format!("inkling {}", env!("CARGO_PKG_VERSION")),
        "what_it_is": wording::WHAT_IT_IS,
        "synthetic": assessment.session.synthetic,
        "session": session(assessment),
        "conclusion": conclusion(assessment, how),
        "performed": assessment.performed.iter().map(performed).collect::<Vec<_>>(),
        "published": assessment.standings,
        "since_last_time": assessment.changes,
        "left_out": wording::not_in_score(assessment),
    })
}

fn performed(performed: &Performed) -> Value {
    let voices = performed.measured.outcome.as_ref().ok().and_then(wording::voices);
    json!({
        "task": performed.task,
        "measured": performed.measured.valued(&[]).first(),
        "voices": voices,
        "unstable": performed.measured.outcome.as_ref().map(unstable).unwrap_or_default(),
    })
}

/// For each condition that the recording is marked for, the features that are unstable under it.
fn unstable(measurement: &Measurement) -> Vec<Value> {
    let of = |condition: Condition| {
        let names = measurement.values.features().iter().map(|it| it.definition);
        let names: Vec<&str> = names.filter(|it| it.breaks_under(condition)).map(|it| it.name).collect();
        json!({ "condition": condition, "features": names })
    };
    words::conditions(&measurement.quality).into_iter().map(of).collect()
}

fn session(assessment: &Assessment) -> Value {
    let session = &assessment.session;
    json!({
        "participant": session.participant.as_ref().map(|id| id.reveal()),
        "age": session.age,
        "sex": session.sex,
        "education": session.education,
        "language": session.language,
        "handedness": session.handedness,
        "device": session.device,
        "date": session.date,
    })
}

fn conclusion(assessment: &Assessment, how: Wording) -> Value {
    let conclusion = &assessment.conclusion;
    let score = conclusion.score();
    let card = assessment.card.as_deref();
    json!({
        "kind": conclusion.word(),
        "headline": wording::headline(conclusion),
        "reasons": wording::why_not(conclusion),
        "score": score,
        "readable": matches!(conclusion, Conclusion::Scored(_)),
        "at_prevalence": score.map(|score| json!({
            "prevalence": how.prevalence,
            "probability": score.probability_at(how.prevalence),
        })),
        "words": score.zip(card).map(|(score, card)| [
            Some(wording::evidence(score, card)),
            Some(wording::probability(score, card, how)),
            Some(wording::people_like_this(score, card, how)),
            wording::arithmetic(score, card, how),
            wording::coverage(score),
        ].into_iter().flatten().collect::<Vec<_>>()),
        "limits": card.map(|card| &card.limits),
    })
}

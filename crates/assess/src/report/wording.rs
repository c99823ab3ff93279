//! The sentences of a report, in one place for text, page and JSON.

use feature::{Declined, Seconds, Value};
use learn::{
    Card, Interval, Score,
    metric::predictive_values,
    screener::{Band, Contribution, Outside},
};
use study::{Session, Task};

use super::Wording;
use crate::{
    assessment::{Assessment, Conclusion, Performed},
    measurement::{Analysis, Measurement, Voices},
    words,
};

/// What every report says of itself.
pub(crate) const WHAT_IT_IS: &str = "Screening aid for research and clinician support. It does not diagnose.";

/// The first line of a report on a participant who is made up.
pub(crate) const SYNTHETIC: &str = "Synthetic participant: every recording and drawing of this session was made by a program. Nothing here is clinical evidence.";

/// The first line of a report whose score comes from made-up people.
pub(crate) const SYNTHETIC_SCREENER: &str = "Synthetic screener: the people it was fitted on were made by a program. Its score says nothing of anybody.";

/// Whether the screener that was asked was fitted on people who are made up.
pub(crate) fn synthetic_screener(assessment: &Assessment) -> bool {
    assessment.conclusion.score().is_some()
        && assessment.card.as_ref().is_some_and(|card| card.cohort.synthetic)
}

/// Who, in what is known: `demo-0001 · 74 y · 9 y of school · English · right hand · 2026-11-24`.
pub(crate) fn who(session: &Session) -> String {
    let parts = [
        session.participant.as_ref().map(|id| id.reveal().to_owned()),
        session.age.map(|age| format!("{age:.0} y")),
        session.sex.map(|sex| sex.to_string()),
        session.education.map(|years| format!("{years:.0} y of school")),
        session.language.as_ref().map(|language| language.name().to_owned()),
        session.handedness.map(|hand| format!("{hand} hand")),
        session.date.map(|date| date.to_string()),
    ];
    let known: Vec<String> = parts.into_iter().flatten().collect();
    if known.is_empty() { "participant not named".to_owned() } else { known.join(" · ") }
}

/// The one clear answer.
pub(crate) fn headline(conclusion: &Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Scored(score) => match score.band {
            Band::High => "A full assessment is worth considering.",
            Band::Indeterminate => "This screening says little either way.",
            Band::Low => "Nothing here speaks for impairment.",
        },
        Conclusion::Inconclusive { .. } => "No conclusion can be drawn.",
        Conclusion::NoScreener { .. } => "Measured, not scored.",
        Conclusion::Declined { .. } => "Nothing here could be measured.",
    }
}

/// Why there is no score to read; empty for a score.
pub(crate) fn why_not(conclusion: &Conclusion) -> Vec<String> {
    match conclusion {
        Conclusion::Scored(_) => vec![],
        Conclusion::Inconclusive { reasons, .. } | Conclusion::Declined { reasons } => reasons.clone(),
        Conclusion::NoScreener { reason } => vec![format!("There is no screener for this: {reason}.")],
    }
}

/// What the likelihood ratio means, exactly.
pub(crate) fn evidence(score: &Score, card: &Card) -> String {
    let Interval { value, low, high } = score.likelihood_ratio;
    let (times, against) = if value >= 1.0 { (value, false) } else { (1.0 / value, true) };
    let condition = condition(card);
    let (these, those) = if against { ("healthy people", condition) } else { (condition, "healthy people") };
    format!(
        "What was {} is {} times as likely in {these} as in {those} of the study: likelihood ratio {} (95 %: {}–{}).",
        done(score),
        words::ratio(times),
        words::ratio(value),
        words::ratio(low),
        words::ratio(high),
    )
}

/// What somebody did for the values that were scored: `drawn`, `spoken and drawn`.
fn done(score: &Score) -> String {
    let of = |room: &str| score.contributions.iter().any(|it| it.feature.split('.').next() == Some(room));
    let words = [("voice", "spoken"), ("language", "said"), ("ink", "drawn")];
    let done: Vec<&str> = words.into_iter().filter(|(room, _)| of(room)).map(|(_, word)| word).collect();
    if done.is_empty() { "measured".to_owned() } else { done.join(" and ") }
}

/// The probability at the stated prevalence, with the study's own beside it.
pub(crate) fn probability(score: &Score, card: &Card, wording: Wording) -> String {
    let at = score.probability_at(wording.prevalence);
    format!(
        "Where {} of those screened have {}, that moves the probability to {} ({}–{}). In the study {} had it.",
        words::stated_percent(wording.prevalence),
        disease(card),
        words::percent(at.value),
        words::percent(at.low).trim_end_matches(" %"),
        words::percent(at.high),
        words::percent(score.study_prevalence),
    )
}

/// What the probability means for people like this one.
pub(crate) fn people_like_this(score: &Score, card: &Card, wording: Wording) -> String {
    let without = match 100.0 * (1.0 - score.probability_at(wording.prevalence).value) {
        it if it > 99.5 => "more than 99".to_owned(),
        it if it < 0.5 => "fewer than 1".to_owned(),
        it => format!("about {it:.0}"),
    };
    format!("Of 100 people with this result, {without} do not have {}.", disease(card))
}

/// How often the bands were wrong or undecided for people whom nothing was fitted on.
pub(crate) fn coverage(score: &Score) -> Option<String> {
    let it = score.operating.as_ref()?.coverage?;
    Some(format!(
        "The bands are set so that at most {} of either class are on the wrong side. Out of fold {} ({}–{}) of the impaired \
         people were in band low and {} ({}–{}) of the healthy people in band high; {} of all were indeterminate.",
        words::percent(it.error_rate),
        words::percent(it.impaired_in_low.value),
        words::percent(it.impaired_in_low.low).trim_end_matches(" %"),
        words::percent(it.impaired_in_low.high),
        words::percent(it.healthy_in_high.value),
        words::percent(it.healthy_in_high.low).trim_end_matches(" %"),
        words::percent(it.healthy_in_high.high),
        words::percent(it.indeterminate.value),
    ))
}

/// The arithmetic of the screener's own sensitivity and specificity at its upper cut.
pub(crate) fn arithmetic(score: &Score, card: &Card, wording: Wording) -> Option<String> {
    let cut = score.operating.as_ref()?.upper;
    let (sensitivity, specificity) = (cut.sensitivity.value, cut.specificity.value);
    let (positive, negative) = predictive_values(sensitivity, specificity, wording.prevalence);
    let disease = disease(card);
    Some(format!(
        "At its upper cut (likelihood ratio {}) this screener's sensitivity is {:.2} and its specificity {:.2}, out of fold. \
         At a prevalence of {} this means: of those it flags {} have {disease} and {} do not; of those it does not flag {} do not.",
        words::ratio(cut.likelihood_ratio),
        sensitivity,
        specificity,
        words::stated_percent(wording.prevalence),
        words::predictive(positive),
        words::predictive(1.0 - positive),
        words::predictive(negative),
    ))
}

fn condition(card: &Card) -> &'static str {
    match (card.cohort.dementia > 0, card.cohort.mci > 0) {
        (true, false) => "people with dementia",
        (false, true) => "people with MCI",
        _ => "impaired people",
    }
}

fn disease(card: &Card) -> &'static str {
    match (card.cohort.dementia > 0, card.cohort.mci > 0) {
        (true, false) => "dementia",
        (false, true) => "MCI",
        _ => "an impairment",
    }
}

/// A feature's plain words, or its name where it is not in the dictionary.
pub(crate) fn label(feature: &str) -> String {
    let found = crate::dictionary().into_iter().find(|(_, definition)| definition.name == feature);
    found.map_or_else(|| feature.to_owned(), |(_, definition)| definition.label.to_owned())
}

/// What the session calls a task of the screener: `clock` for `darwin-24`.
pub(crate) fn own_name(task: &Task, assessment: &Assessment) -> String {
    let ours = assessment.performed.iter().map(|it| &it.task).find(|it| crate::assessor::same_task(it, task));
    ours.unwrap_or(task).to_string()
}

/// One contribution in words: value and what was typical in the study.
pub(crate) fn contribution(it: &Contribution) -> String {
    let typical = words::number(it.training_mean, it.unit);
    let unit = words::unit(it.unit);
    match it.value {
        Some(value) => format!("{} {unit}, study centre {typical} {unit}", words::number(value, it.unit)),
        None => format!("missing; the study's median stood in ({typical} {unit})"),
    }
    .replace("  ", " ")
    .replace(" ,", ",")
    .trim_end()
    .to_owned()
}

/// A value outside what the study's people showed.
pub(crate) fn outside(it: &Outside, assessment: &Assessment) -> String {
    format!(
        "{} ({}): {} {} lies outside the study's {}–{}.",
        label(&it.feature),
        own_name(&it.task, assessment),
        words::number(it.value, it.unit),
        words::unit(it.unit),
        words::number(it.range.0, it.unit),
        words::number(it.range.1, it.unit),
    )
}

/// Title of one submission: `Voice · picture · 60 s`.
pub(crate) fn title(performed: &Performed) -> (String, String) {
    match &performed.measured.outcome {
        Ok(Measurement { quality, analysis, .. }) => {
            let what = match analysis {
                Analysis::Voice(voice) => format!("Voice · {} · {:.0} s", performed.task, voice.duration().0),
                Analysis::Ink(ink) => format!("Drawing · {} · {:.0} s", performed.task, ink.span_s()),
            };
            (what, format!("quality: {}", words::quality(quality)))
        }
        Err(_) => (format!("{} · {}", performed.task, performed.measured.file), "declined".to_owned()),
    }
}

/// Whose voice was measured; nothing of a drawing, and nothing where everybody's was asked for.
pub(crate) fn voices(measurement: &Measurement) -> Option<String> {
    let Analysis::Voice(analysis) = &measurement.analysis else { return None };
    let channel =
        measurement.quality.finding("voice.channel").map(|it| format!("{}. ", capital(&it.message)));
    let voices = match measurement.voices.as_ref()? {
        Voices::Everybody => return None,
        Voices::One => "One voice was found.".to_owned(),
        Voices::LeftOut(share) => {
            let Seconds(left) = analysis.duration();
            format!(
                "A second voice, taken for the examiner's, was found: {} of the time in speech. Its turns were left out; the \
                 measures are of the {left:.0} s that remain.",
                words::percent(*share)
            )
        }
        Voices::Unknown(reason) => format!(
            "Whether a second person speaks cannot be told ({reason}): everything that was heard was measured, an \
             examiner's speech included if there is any."
        ),
    };
    Some(channel.unwrap_or_default() + &voices)
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Every value that is missing, with its reason; values that share a reason are told together.
pub(crate) fn missing(assessment: &Assessment) -> Vec<(String, Vec<&'static str>)> {
    let mut found: Vec<(String, Vec<&'static str>)> = Vec::new();
    for performed in &assessment.performed {
        let Ok(measurement) = &performed.measured.outcome else { continue };
        for feature in measurement.values.features() {
            let Value::Missing(reason) = &feature.value else { continue };
            let reason = format!("{}: {reason}", performed.task);
            match found.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, labels)) => labels.push(feature.definition.label),
                None => found.push((reason, vec![feature.definition.label])),
            }
        }
    }
    found
}

/// Submissions that could not be measured.
pub(crate) fn declined(assessment: &Assessment) -> impl Iterator<Item = (&Performed, &Declined)> {
    assessment.performed.iter().filter_map(|it| Some((it, it.measured.outcome.as_ref().err()?)))
}

/// Submissions that were measured and are not in the score, and why.
pub(crate) fn not_in_score(assessment: &Assessment) -> Vec<String> {
    let Some(score) = assessment.conclusion.score() else { return vec![] };
    let same = |performed: &Performed, task: &Task| crate::assessor::same_task(&performed.task, task);
    let why = |performed: &Performed| {
        let aside = score.aside.iter().find(|it| it.tasks.iter().any(|task| same(performed, task)));
        let reason = aside.map_or("no screener for it is installed", |it| it.reason.as_str());
        format!("{} is measured and not in the score: {reason}.", performed.task)
    };
    let used = |performed: &&Performed| score.tasks.iter().any(|it| same(performed, it));
    assessment.performed.iter().filter(|it| it.measured.outcome.is_ok() && !used(it)).map(why).collect()
}

/// Name and versions, for the last line.
pub(crate) fn colophon(assessment: &Assessment) -> String {
    let mut sets: Vec<String> = Vec::new();
    for measurement in assessment.performed.iter().filter_map(|it| it.measured.outcome.as_ref().ok()) {
        let set = measurement.values.set().to_string();
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    format!("{} · Inkling {}", sets.join(" "), env!("CARGO_PKG_VERSION")).trim_start_matches(" · ").to_owned()
}

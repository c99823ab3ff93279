//! What sensitivity and specificity mean where other shares of people are impaired: a table with a slider.
//!
//! The numbers are in the page at the plan's prevalence. The script moves them; without it, and on paper, they stay as they are.

use learn::{Card, metric::predictive_values};
use maud::{Markup, html};

use super::{condition, percent};
use crate::words;

/// Dementia and MCI among people of 65 and older in Korea (national survey of 2023).
const PLACES: [(&str, f64); 2] = [("Korea 65+, dementia", 0.0925), ("Korea 65+, MCI", 0.2842)];
/// Ends of the slider.
const ENDS: (f64, f64) = (0.005, 0.6);
/// Steps of the slider: even on a logarithmic scale.
const STEPS: f64 = 1000.0;

/// The arithmetic in one sentence, at a prevalence that the slider does not move.
pub(super) fn sentence(sensitivity: f64, specificity: f64, prevalence: f64) -> Markup {
    let (positive, negative) = predictive_values(sensitivity, specificity, prevalence);
    html! {
        p {
            "Sensitivity " (format!("{sensitivity:.2}")) " with specificity " (format!("{specificity:.2}")) " means, where "
            (words::stated_percent(prevalence)) " of the people screened are impaired:"
        }
        ul {
            li { "of those it flags, " b { (percent(positive)) } " are impaired and " (percent(1.0 - positive)) " are not" }
            li { "of those it does not flag, " b { (percent(negative)) } " are not impaired" }
        }
    }
}

/// Every operating point of the card with its predictive values, and a slider for the prevalence.
pub(super) fn slider(card: &Card) -> Markup {
    let prevalence = card.plan.prevalence;
    let study = card.readings.masked.impaired as f64 / card.readings.masked.people.max(1) as f64;
    html! {
        section {
            h2 { "Where would it be used?" small { "predictive values at the prevalence of the place" } }
            div.slider hidden {
                label for="prevalence" { "Of the people screened " output for="prevalence" { (words::stated_percent(prevalence)) } " " (condition(card)) }
                input id="prevalence" type="range" min="0" max=(STEPS) step="1" value=(place(prevalence).round()) data-low=(ENDS.0) data-high=(ENDS.1);
                div {
                    @for (name, share) in PLACES { button type="button" data-prevalence=(share) { (name) ": " (words::stated_percent(share)) } " " }
                    button type="button" data-prevalence=(study) { "this study: " (words::stated_percent(study)) }
                }
            }
            div.table-scroll { table {
                tr {
                    th { "operating point" } th.num { "sensitivity" } th.num { "specificity" }
                    th.num { "flagged: impaired" } th.num { "not flagged: healthy" } th.num { "flagged in 1,000" } th.num { "missed in 1,000" }
                }
                @for (name, sensitivity, specificity) in points(card) { (point(&name, (sensitivity, specificity), prevalence)) }
            } }
            p.meta {
                "At a prevalence of " span data-cell="prevalence" { (words::stated_percent(prevalence)) } ". Sensitivity and specificity are out of fold, of this \
                study's people; where people differ in more than prevalence, they differ too."
            }
        }
    }
}

/// Where a prevalence stands on the slider.
fn place(prevalence: f64) -> f64 {
    STEPS * (prevalence.clamp(ENDS.0, ENDS.1) / ENDS.0).ln() / (ENDS.1 / ENDS.0).ln()
}

/// Operating points by name: sensitivity and specificity of each.
fn points(card: &Card) -> Vec<(String, f64, f64)> {
    let m = &card.readings.masked.metrics;
    let mut points = vec![
        ("probability ½ in the study".to_owned(), m.sensitivity.value, m.specificity.value),
        ("specificity .80".to_owned(), m.sensitivity_at_specificity_80.value, 0.8),
        ("specificity .90".to_owned(), m.sensitivity_at_specificity_90.value, 0.9),
        ("sensitivity .80".to_owned(), 0.8, m.specificity_at_sensitivity_80.value),
        ("sensitivity .90".to_owned(), 0.9, m.specificity_at_sensitivity_90.value),
    ];
    for form in &card.forms {
        let whole = form.sets.iter().max_by_key(|set| set.operating.tasks.len());
        for (cut, words) in
            whole.iter().flat_map(|it| [(it.operating.lower, "lower"), (it.operating.upper, "upper")])
        {
            let all = if whole.is_some_and(|it| !it.operating.modalities.is_empty()) {
                "modalities"
            } else {
                "tasks"
            };
            let name = format!(
                "form {}, all {all}, {words} cut ({})",
                form.form,
                words::ratio(cut.likelihood_ratio)
            );
            points.push((name, cut.sensitivity.value, cut.specificity.value));
        }
    }
    points
}

fn point(name: &str, (sensitivity, specificity): (f64, f64), prevalence: f64) -> Markup {
    let (positive, negative) = predictive_values(sensitivity, specificity, prevalence);
    let flagged = sensitivity * prevalence + (1.0 - specificity) * (1.0 - prevalence);
    let missed = (1.0 - sensitivity) * prevalence;
    html! {
        tr data-sensitivity=(sensitivity) data-specificity=(specificity) {
            td.name { (name) }
            td.num { (format!("{sensitivity:.2}")) } td.num { (format!("{specificity:.2}")) }
            td.num data-cell="positive" { (percent(positive)) } td.num data-cell="negative" { (percent(negative)) }
            td.num data-cell="flagged" { (format!("{:.0}", 1000.0 * flagged)) } td.num data-cell="missed" { (format!("{:.0}", 1000.0 * missed)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_literature_is_printed() {
        // .80 and .80 at 9.25 %: PPV 29 %, NPV 97.5 %.
        let words = sentence(0.8, 0.8, 0.0925).into_string();
        assert!(words.contains("29 %") && words.contains("97.5 %") && words.contains("9.25 %"), "{words}");
    }

    #[test]
    fn the_slider_runs_from_end_to_end() {
        assert!(place(0.005).abs() < 1e-9 && (place(0.6) - STEPS).abs() < 1e-9);
        assert!((place(0.9) - STEPS).abs() < 1e-9, "beyond the end it stands at the end");
    }
}

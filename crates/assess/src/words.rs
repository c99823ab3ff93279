//! How numbers, units and quality are put into words, the same in text and page.

use feature::{Condition, Definition, Finding, Quality, Unit, Value, Verdict};
use learn::Interval;

/// A number as a person reads it: counts whole, the rest with three significant digits and no exponent.
pub(crate) fn number(value: f64, unit: Unit) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if unit == Unit::Count {
        return format!("{value:.0}");
    }
    let whole = value.abs().log10().floor() as i32 + 1;
    let decimals = (3 - whole).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

/// The unit behind a number; nothing for ratios and counts.
pub(crate) fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::One | Unit::Count => "",
        Unit::Degree => "°",
        Unit::SquareMillimetre => "mm²",
        Unit::MillimetrePerSecond2 => "mm/s²",
        Unit::MillimetrePerSecond3 => "mm/s³",
        Unit::Darwin => "tablet units",
        unit => unit.symbol(),
    }
}

/// Number and unit, or `missing`.
pub(crate) fn value(value: &Value, definition: &Definition) -> String {
    match value {
        Value::Measured(it) => {
            format!("{} {}", number(*it, definition.unit), unit(definition.unit)).trim_end().to_owned()
        }
        Value::Missing(_) => "missing".to_owned(),
    }
}

/// `good`, or `marked:` with what was found.
pub(crate) fn quality(quality: &Quality) -> String {
    match quality.verdict() {
        Verdict::Good => "good".to_owned(),
        verdict => {
            let messages: Vec<&str> = quality.marks().map(|finding| finding.message.as_str()).collect();
            format!("{verdict}: {}", messages.join("; "))
        }
    }
}

/// The condition that a mark of a recording points to.
fn condition(mark: &Finding) -> Option<Condition> {
    match mark.check {
        "voice.snr" => Some(Condition::Noise),
        "voice.bandwidth" => Some(Condition::Telephone),
        "voice.level" => Some(Condition::Gain),
        "voice.reverberation" => Some(Condition::Reverberation),
        _ => None,
    }
}

/// The conditions that the marks of a recording point to, in the order of its checks.
pub(crate) fn conditions(quality: &Quality) -> Vec<Condition> {
    quality.marks().filter_map(condition).collect()
}

/// What a reader of a value should know where the recording is marked and the measure is not stable under what the mark points to:
/// `unstable under noise, reverberation`.
pub(crate) fn caution(definition: &Definition, quality: &Quality) -> Option<String> {
    let breaks = |condition: &Condition| definition.breaks_under(*condition);
    let words: Vec<&str> = conditions(quality).into_iter().filter(breaks).map(Condition::word).collect();
    (!words.is_empty()).then(|| format!("unstable under {}", words.join(", ")))
}

/// A metric's name as people write it.
pub(crate) fn of_figure(name: &str) -> &str {
    match name {
        "auc" => "AUC",
        "macro_auc" => "macro AUC",
        "brier" => "Brier score",
        "calibration_slope" => "calibration slope",
        "calibration_error" => "calibration error",
        "log_loss" => "log loss",
        other => other,
    }
}

/// `387.6 KiB`.
pub(crate) fn kib(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

/// `0.952 (0.931–0.970)`.
pub(crate) fn interval(it: &Interval) -> String {
    format!("{:.3} ({:.3}–{:.3})", it.value, it.low, it.high)
}

/// `-0.0012 (-0.0030 to +0.0004)`; none is `0`, what only rounds to it keeps its sign.
pub(crate) fn difference(it: &Interval) -> String {
    let signed = |value: f64| if value.abs() < 1e-9 { "0".to_owned() } else { format!("{value:+.4}") };
    format!("{} ({} to {})", signed(it.value), signed(it.low), signed(it.high))
}

/// A share as a percentage: whole in the middle, one decimal near 0 and 1, where a tenth matters. What is not quite none or all is not
/// rounded to it: `less than 0.1 %`, `more than 99.9 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        it if it == 0.0 || it == 100.0 => format!("{it:.0} %"),
        it if it < 0.05 => "less than 0.1 %".to_owned(),
        it if it >= 99.95 => "more than 99.9 %".to_owned(),
        it if (9.95..90.0).contains(&it) => format!("{it:.0} %"),
        it => format!("{it:.1} %"),
    }
}

/// The same of what follows from a study of some people: never none or all.
pub(crate) fn predictive(share: f64) -> String {
    percent(share.clamp(1e-6, 1.0 - 1e-6))
}

/// A share that somebody stated, with the digits they stated: `9.25 %`.
pub(crate) fn stated_percent(share: f64) -> String {
    let percent = format!("{:.2}", share * 100.0);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// A ratio as `4.2`, or `0.31` below one.
pub(crate) fn ratio(ratio: f64) -> String {
    match ratio {
        it if it >= 9.95 => format!("{it:.0}"),
        it if it >= 0.95 => format!("{it:.1}"),
        it => format!("{it:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits_and_counts_none_after_the_point() {
        let cases = [
            (0.81234, Unit::Second, "0.812"),
            (41.26, Unit::Second, "41.3"),
            (142.4, Unit::Hertz, "142"),
            (12345.6, Unit::One, "12346"),
            (0.00123456, Unit::One, "0.00123"),
            (0.0, Unit::Second, "0"),
            (-0.0, Unit::Second, "0"),
            (-3.21987, Unit::Decibel, "-3.22"),
            (31.0, Unit::Count, "31"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(number(value, unit), expected);
        }
    }

    #[test]
    fn a_mark_cautions_against_the_measures_it_spoils_and_no_others() {
        let mark = |check, verdict| Finding {
            check,
            value: Some(1.0),
            limit: 0.6,
            unit: Unit::Second,
            verdict,
            message: String::new(),
        };
        let quality = Quality::new(vec![
            mark("voice.snr", Verdict::Good),
            mark("voice.clipping", Verdict::Marked),
            mark("voice.reverberation", Verdict::Marked),
        ]);
        let measure = |fragile| Definition { fragile, ..crate::dictionary()[0].1 };
        assert_eq!(conditions(&quality), [Condition::Reverberation]);
        for (fragile, words) in [
            (None, None),
            (Some(&[][..]), None),
            (Some(&[Condition::Noise][..]), None),
            (
                Some(&[Condition::Noise, Condition::Reverberation][..]),
                Some("unstable under reverberation".to_owned()),
            ),
        ] {
            assert_eq!(caution(&measure(fragile), &quality), words, "{fragile:?}");
        }
    }

    #[test]
    fn shares_and_ratios_read_well() {
        assert_eq!(
            (percent(0.295), percent(0.0925), percent(0.025)),
            ("30 %".into(), "9.2 %".into(), "2.5 %".into())
        );
        let near: Vec<String> = [0.0, 0.0003, 0.897, 0.975, 0.9987, 0.9997, 1.0].map(percent).to_vec();
        assert_eq!(near, ["0 %", "less than 0.1 %", "90 %", "97.5 %", "99.9 %", "more than 99.9 %", "100 %"]);
        assert_eq!((predictive(1.0), predictive(0.0)), ("more than 99.9 %".into(), "less than 0.1 %".into()));
        assert_eq!((stated_percent(0.0925), stated_percent(0.1)), ("9.25 %".into(), "10 %".into()));
        assert_eq!((ratio(4.21), ratio(0.31), ratio(12.4)), ("4.2".into(), "0.31".into(), "12".into()));
    }
}

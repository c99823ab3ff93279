//! A figure as it was printed: a number, and how far rounding may have moved it.

use std::str::FromStr;

use serde::Serialize;

use crate::Error;

/// A share as printed: `.725`, `0.725`, `72.5` or `72.5%` are all 0.725, known to half of the last digit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Printed {
    /// The share, 0 to 1.
    pub value: f64,
    /// Half of the last printed digit.
    pub half: f64,
}

impl FromStr for Printed {
    type Err = Error;

    /// Numbers above 1 are per cent.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadSetting {
            what: "figure",
            expected: "a share such as .725 or 72.5%",
            got: text.to_owned(),
        };
        let trimmed = text.trim();
        let digits = trimmed.trim_end_matches('%').trim_end();
        let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        let number: f64 = digits.parse().ok().filter(|_| plain).ok_or_else(bad)?;
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len().min(15)) as i32;
        let percent = trimmed.ends_with('%') || number > 1.0;
        let scale = if percent { 100.0 } else { 1.0 };
        let value = number / scale;
        if value > 1.0 {
            return Err(bad());
        }
        Ok(Self { value, half: 0.5 * 10f64.powi(-decimals) / scale })
    }
}

/// Room for arithmetic in f64.
const ROUNDING: f64 = 1e-9;

impl Printed {
    /// The smallest share that rounds to it.
    pub(crate) fn low(&self) -> f64 {
        (self.value - self.half).max(0.0)
    }

    /// The largest share that rounds to it.
    pub(crate) fn high(&self) -> f64 {
        (self.value + self.half).min(1.0)
    }

    /// Whether a share rounds to it; halves may go either way.
    pub(crate) fn is(&self, share: f64) -> bool {
        (share - self.value).abs() <= self.half + ROUNDING
    }

    /// Whether a share cut off after the printed digits is it.
    pub(crate) fn cut(&self, share: f64) -> bool {
        share >= self.value - ROUNDING && share < self.value + 2.0 * self.half - ROUNDING
    }

    /// Whether some share between `low` and `high` rounds to it.
    pub(crate) fn meets(&self, (low, high): (f64, f64)) -> bool {
        low <= self.high() + ROUNDING && high >= self.low() - ROUNDING
    }

    /// Counts of `n` that round to it.
    pub(crate) fn counts(&self, n: usize) -> impl Iterator<Item = usize> + use<> {
        let whole = n as f64;
        let from = (self.low() * whole - ROUNDING * whole).ceil().max(0.0) as usize;
        let to = (self.high() * whole + ROUNDING * whole).floor() as usize;
        from..=to.min(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_per_cents_are_read_with_their_last_digit() {
        let cases = [
            (".997", 0.997, 0.0005),
            ("72.5", 0.725, 0.0005),
            ("72.5%", 0.725, 0.0005),
            ("9.25 %", 0.0925, 0.000_05),
            ("1", 1.0, 0.5),
            ("100", 1.0, 0.005),
            ("0.5%", 0.005, 0.0005),
        ];
        for (text, value, half) in cases {
            let printed: Printed = text.parse().unwrap();
            assert!((printed.value - value).abs() < 1e-12 && (printed.half - half).abs() < 1e-12, "{text}");
        }
        for bad in ["", "%", "-0.1", "120", "x", "1e-2", "NaN", "0.5.5"] {
            assert!(bad.parse::<Printed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn counts_are_those_that_round_to_the_figure() {
        let counts = |text: &str, n| text.parse::<Printed>().unwrap().counts(n).collect::<Vec<_>>();
        for (text, count) in [("78.87", 56), ("84.51", 60), ("74.65", 53), ("83.10", 59)] {
            assert_eq!(counts(text, 71), [count], "{text}");
        }
        assert!(counts("84.6", 71).is_empty());
        assert_eq!(counts("1.0", 71), [68, 69, 70, 71]);
    }

    #[test]
    fn a_share_that_was_cut_off_is_told_from_one_that_was_rounded() {
        let printed: Printed = "66.6%".parse().unwrap();
        assert!(!printed.is(2.0 / 3.0) && printed.cut(2.0 / 3.0));
        assert!(!printed.cut(0.665_9) && printed.is(0.665_9));
    }
}

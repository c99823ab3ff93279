//! Units of measured values.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident = $symbol:literal,)*) => {
        /// The unit of a value, named by its symbol in tables and reports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Unit { $($(#[$doc])* $name,)* }

        impl Unit {
            /// Every unit there is.
            pub const ALL: &'static [Unit] = &[$(Unit::$name,)*];

            /// The symbol: `Hz`, `mm/s`, `1/min`; `1` for a ratio.
            pub fn symbol(self) -> &'static str {
                match self { $(Unit::$name => $symbol,)* }
            }
        }
    };
}

units! {
    /// A pure number: a ratio, fraction or coefficient.
    One = "1",
    /// A whole number of things.
    Count = "count",
    /// Seconds.
    Second = "s",
    /// Hertz.
    Hertz = "Hz",
    /// Events per minute.
    PerMinute = "1/min",
    /// Events per second.
    PerSecond = "1/s",
    /// Syllables per second.
    SyllablesPerSecond = "syllables/s",
    /// Decibels, with the reference stated by the definition.
    Decibel = "dB",
    /// Decibels per hertz: the slope of a spectrum.
    DecibelPerHertz = "dB/Hz",
    /// Semitones re 27.5 Hz.
    Semitone = "st",
    /// Semitones per second.
    SemitonePerSecond = "st/s",
    /// Natural logarithm of seconds.
    LogSecond = "ln s",
    /// Degrees of angle.
    Degree = "deg",
    /// Millimetres.
    Millimetre = "mm",
    /// Square millimetres.
    SquareMillimetre = "mm2",
    /// Millimetres per second.
    MillimetrePerSecond = "mm/s",
    /// Millimetres per second squared.
    MillimetrePerSecond2 = "mm/s2",
    /// Millimetres per second cubed.
    MillimetrePerSecond3 = "mm/s3",
    /// Tablet units of the DARWIN cohort, whose size is not stated by its authors.
    Darwin = "darwin",
    /// Bytes.
    Byte = "byte",
    /// Bits.
    Bit = "bit",
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.symbol())
    }
}

impl FromStr for Unit {
    type Err = Error;

    fn from_str(symbol: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|unit| unit.symbol() == symbol).ok_or_else(|| Error::UnknownUnit {
            got: symbol.to_owned(),
            known: Self::ALL.iter().map(|unit| unit.symbol()).collect::<Vec<_>>().join(", "),
        })
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.symbol())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let symbol = std::borrow::Cow::<str>::deserialize(deserializer)?;
        symbol.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_reads_back_as_its_unit() {
        for unit in Unit::ALL {
            assert_eq!(unit.symbol().parse::<Unit>().unwrap(), *unit);
        }
    }

    #[test]
    fn an_unknown_symbol_is_refused_with_the_known_ones() {
        let message = "furlong".parse::<Unit>().unwrap_err().to_string();
        assert!(message.contains("furlong") && message.contains("Hz"), "{message}");
    }
}

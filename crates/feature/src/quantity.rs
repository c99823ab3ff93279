//! Numbers whose unit is in the type, for the borders between rooms.

use serde::{Deserialize, Serialize};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)?;
                f.write_str(concat!(" ", $symbol))
            }
        }
    };
}

quantity!(
    /// A frequency or rate in hertz.
    Hertz, "Hz"
);
quantity!(
    /// A time or length of time in seconds.
    Seconds, "s"
);
quantity!(
    /// A length in millimetres.
    Millimetres, "mm"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_prints_with_its_unit_and_the_asked_precision() {
        assert_eq!(format!("{:.1}", Seconds(12.44)), "12.4 s");
        assert_eq!(Hertz(16000.0).to_string(), "16000 Hz");
        assert_eq!(format!("{:.0}", Millimetres(2.0)), "2 mm");
    }
}

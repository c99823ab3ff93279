//! Which measures are unstable under which conditions: measured, not judged, so the list is written by a program.
//!
//! `make robustness` spoils recordings, measures them again, writes the table of `docs/voice.md` and this list of what the table
//! marks; a test compares the two. A definition takes its own conditions from here by name while the program is compiled.

mod measured;

use feature::Condition;

use measured::MEASURED;

/// The conditions under which the feature `name` is unstable; `None` where that was not measured.
pub(crate) const fn of(name: &str) -> Option<&'static [Condition]> {
    let mut place = 0;
    while place < MEASURED.len() {
        if same(MEASURED[place].0, name) {
            return Some(MEASURED[place].1);
        }
        place += 1;
    }
    None
}

/// String equality that the compiler can evaluate. From the end: names of one subject differ there.
const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut left = one.len();
    while left > 0 {
        left -= 1;
        if one[left] != other[left] {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::set;

    #[test]
    fn every_name_of_the_list_is_a_feature_once() {
        let names: Vec<&str> = set().definitions().map(|it| it.name).collect();
        for (place, (name, conditions)) in MEASURED.iter().enumerate() {
            assert!(names.contains(name), "{name} is on the list and not in voice@1");
            assert!(MEASURED[..place].iter().all(|(before, _)| before != name), "{name} twice");
            assert!(conditions.is_sorted(), "{name}: conditions out of order");
        }
    }

    #[test]
    fn a_name_finds_its_own_conditions_and_no_other() {
        assert_eq!(of("voice.no.such"), None);
        assert!(same("voice.f0.mean", "voice.f0.mean") && !same("voice.f0.mean", "voice.f1.mean"));
        for definition in set().definitions() {
            let listed = MEASURED.iter().find(|(name, _)| *name == definition.name).map(|it| it.1);
            assert_eq!(definition.fragile, listed, "{}", definition.name);
        }
    }
}

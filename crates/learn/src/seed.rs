//! Seeds that belong to a place, so that the order in which threads work changes nothing.

/// The seed of one place (repeat, fold, tree …) below `seed`.
///
/// Each part goes through the finaliser of SplitMix64 (Steele, Lea & Flood 2014), whose outputs for neighbouring inputs are
/// unrelated.
pub(crate) fn derive(seed: u64, place: &[u64]) -> u64 {
    place.iter().fold(mix(seed), |seed, part| mix(seed ^ mix(*part)))
}

fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_of_neighbouring_places_differ() {
        let seeds: std::collections::HashSet<u64> =
            (0..100).flat_map(|a| (0..100).map(move |b| derive(1, &[a, b]))).collect();
        assert_eq!(seeds.len(), 10_000);
        assert_ne!(derive(1, &[2, 3]), derive(1, &[3, 2]));
        assert_ne!(derive(1, &[]), derive(2, &[]));
    }
}

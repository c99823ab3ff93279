//! Numbers that look random and are the same every time, for tests.

/// A linear congruential generator (Knuth's MMIX).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// One of `least ..= most`.
    pub(crate) fn integer(&mut self, least: i32, most: i32) -> i32 {
        least + (self.next() % (most - least + 1) as u32) as i32
    }

    /// About normal: mean 0, deviation 1 (Irwin-Hall of twelve).
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next() as f32 / u32::MAX as f32).sum::<f32>() - 6.0
    }

    pub(crate) fn normals(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        (0..count).map(|_| self.normal() * deviation).collect()
    }
}

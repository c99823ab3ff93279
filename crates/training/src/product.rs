//! The two products that all of training is made of, over patches of images: a convolution, and the slopes of its weights.
//!
//! Plain loops over tiles of 4 × 16 sums, compiled for wider registers where the processor has them (`pulp`). Multiplications
//! and additions stay apart and their order is fixed, so that every processor makes the same bits of them.

/// Sums of a tile across: weights are laid out in columns of this many.
pub(crate) const WIDE: usize = 16;

/// Sums of a tile down.
const TALL: usize = 4;

/// Where the patches of a convolution lie in images of pixels, each pixel its channels one after another.
pub(crate) struct Patches {
    /// First value of each patch.
    pub(crate) starts: Vec<usize>,
    /// From there to each pixel of the patch.
    pub(crate) taps: Vec<usize>,
    /// Channels of a pixel; a multiple of 4.
    pub(crate) channels: usize,
}

/// `out[patch][column] = Σ over taps and channels of image · weights[tap][channel][column]`; columns in whole [`WIDE`].
pub(crate) fn convolve(patches: &Patches, image: &[f32], weights: &[f32], out: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || convolved(patches, image, weights, out),
    );
}

#[inline(always)]
fn convolved(patches: &Patches, image: &[f32], weights: &[f32], out: &mut [f32]) {
    let columns = out.len() / patches.starts.len().max(1);
    for column in (0..columns).step_by(WIDE) {
        for (tile, starts) in patches.starts.chunks(TALL).enumerate() {
            // A tile that is not whole computes its last patch several times.
            let start: [usize; TALL] = std::array::from_fn(|it| starts[it.min(starts.len() - 1)]);
            let sums = tile_of(patches, start, image, (weights, column, columns));
            for (row, sums) in sums.iter().enumerate().take(starts.len()) {
                let at = (tile * TALL + row) * columns + column;
                out[at..at + WIDE].copy_from_slice(sums);
            }
        }
    }
}

#[inline(always)]
fn tile_of(
    patches: &Patches,
    start: [usize; TALL],
    image: &[f32],
    (weights, column, columns): (&[f32], usize, usize),
) -> [[f32; WIDE]; TALL] {
    let channels = patches.channels;
    let mut sums = [[0.0f32; WIDE]; TALL];
    for (tap, offset) in patches.taps.iter().enumerate() {
        let pixels: [&[f32]; TALL] = start.map(|it| &image[it + offset..it + offset + channels]);
        let rows = weights[tap * channels * columns..(tap + 1) * channels * columns].chunks_exact(columns);
        for (channel, row) in rows.enumerate() {
            let row = &row[column..column + WIDE];
            for (sums, pixel) in sums.iter_mut().zip(pixels) {
                let value = pixel[channel];
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += value * weight;
                }
            }
        }
    }
    sums
}

/// `slopes of weights[tap][channel][column] += Σ over patches of image · slopes[patch][column]`.
pub(crate) fn weigh(patches: &Patches, image: &[f32], slopes: &[f32], out: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || weighed(patches, image, slopes, out),
    );
}

#[inline(always)]
fn weighed(patches: &Patches, image: &[f32], slopes: &[f32], out: &mut [f32]) {
    let columns = slopes.len() / patches.starts.len().max(1);
    for (tap, offset) in patches.taps.iter().enumerate() {
        for channel in (0..patches.channels).step_by(TALL) {
            for column in (0..columns).step_by(WIDE) {
                let mut sums = [[0.0f32; WIDE]; TALL];
                for (start, row) in patches.starts.iter().zip(slopes.chunks_exact(columns)) {
                    let at = start + offset + channel;
                    let (values, row) = (&image[at..at + TALL], &row[column..column + WIDE]);
                    for (sums, value) in sums.iter_mut().zip(values) {
                        for (sum, slope) in sums.iter_mut().zip(row) {
                            *sum += value * slope;
                        }
                    }
                }
                for (row, sums) in sums.iter().enumerate() {
                    let at = (tap * patches.channels + channel + row) * columns + column;
                    out[at..at + WIDE].iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up(count: usize, by: f32) -> Vec<f32> {
        (0..count).map(|it| (it as f32 * by).sin()).collect()
    }

    /// Five patches of 2 × 2 pixels of 4 channels in an image 4 pixels wide.
    fn patches() -> Patches {
        Patches { starts: vec![0, 4, 16, 20, 24], taps: vec![0, 4, 16, 20], channels: 4 }
    }

    #[test]
    fn wider_registers_make_the_same_bits() {
        let (patches, columns) = (patches(), 32);
        let (image, weights) = (made_up(64, 0.7), made_up(4 * 4 * columns, 0.3));
        let (mut wide, mut plain) = (vec![0.0; 5 * columns], vec![0.0; 5 * columns]);
        convolve(&patches, &image, &weights, &mut wide);
        // Called directly, it is compiled for what every processor of its kind has.
        convolved(&patches, &image, &weights, &mut plain);
        assert_eq!(wide, plain);
        let (mut of_wide, mut of_plain) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
        weigh(&patches, &image, &wide, &mut of_wide);
        weighed(&patches, &image, &plain, &mut of_plain);
        assert_eq!(of_wide, of_plain);
    }

    #[test]
    fn both_products_are_those_of_plain_sums_in_double_precision() {
        let (patches, columns) = (patches(), 32);
        let (image, weights) = (made_up(64, 0.7), made_up(4 * 4 * columns, 0.3));
        let mut out = vec![0.0; 5 * columns];
        convolve(&patches, &image, &weights, &mut out);
        let mut slopes = vec![1.0; weights.len()];
        weigh(&patches, &image, &out, &mut slopes);
        for (patch, start) in patches.starts.iter().enumerate() {
            for column in 0..columns {
                let sum: f64 = (0..16)
                    .map(|it| {
                        let value = image[start + patches.taps[it / 4] + it % 4];
                        f64::from(value) * f64::from(weights[it * columns + column])
                    })
                    .sum();
                assert!((sum - f64::from(out[patch * columns + column])).abs() < 1e-5);
            }
        }
        for (at, slope) in slopes.iter().enumerate() {
            let (row, column) = (at / columns, at % columns);
            let of_patch = |(patch, start): (usize, &usize)| {
                f64::from(image[start + patches.taps[row / 4] + row % 4])
                    * f64::from(out[patch * columns + column])
            };
            let sum: f64 = 1.0 + patches.starts.iter().enumerate().map(of_patch).sum::<f64>();
            assert!((sum - f64::from(*slope)).abs() < 1e-4, "{at}: {sum} {slope}");
        }
    }
}

//! Where the values of an image stand: pixel after pixel, with a border for the patches that reach beyond it.

use crate::kernel::convolution::Patches;

/// A window that moves over an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Steps down and right.
    pub stride: [usize; 2],
    /// Pixels of zeros (of nothing, for a maximum): top, left, bottom, right.
    pub padding: [usize; 4],
}

impl Window {
    /// Height and width of what comes out, or none where the window does not fit.
    pub(super) fn over(&self, [height, width]: [usize; 2]) -> Option<[usize; 2]> {
        let [top, left, bottom, right] = self.padding;
        let fit =
            |length: usize, kernel: usize, stride: usize| Some(length.checked_sub(kernel)? / stride + 1);
        if self.kernel.contains(&0) || self.stride.contains(&0) {
            return None;
        }
        let height = fit(top + height + bottom, self.kernel[0], self.stride[0])?;
        Some([height, fit(left + width + right, self.kernel[1], self.stride[1])?])
    }
}

/// The layout of an image.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) channels: usize,
    pub(super) size: [usize; 2],
    /// Pixels around it: top, left, bottom, right.
    border: [usize; 4],
}

impl Image {
    pub(super) fn new(channels: usize, size: [usize; 2]) -> Image {
        Image { channels, size, border: [0; 4] }
    }

    /// Makes room for patches of this window.
    pub(super) fn surround(&mut self, window: &Window) {
        for (border, padding) in self.border.iter_mut().zip(window.padding) {
            *border = padding.max(*border);
        }
    }

    /// Values of a pixel: whole words but for images of one to three channels, whose runs are padded instead.
    pub(super) fn cell(&self) -> usize {
        if self.channels < 4 { self.channels } else { self.channels.next_multiple_of(4) }
    }

    fn pitch(&self) -> usize {
        (self.border[1] + self.size[1] + self.border[3]) * self.cell()
    }

    /// Values to set aside; a run that ends in a whole word reaches at most three beyond the last pixel.
    pub(super) fn length(&self) -> usize {
        (self.border[0] + self.size[0] + self.border[2]) * self.pitch() + 3
    }

    /// Where the pixel at a row and column of the image, or of its border, starts.
    fn at(&self, row: usize, column: usize) -> usize {
        row * self.pitch() + column * self.cell()
    }

    /// Where every pixel starts.
    pub(super) fn starts(&self) -> Vec<usize> {
        let [height, width] = self.size;
        let pixel = |row| (0..width).map(move |column| (row + self.border[0], column + self.border[1]));
        (0..height).flat_map(pixel).map(|(row, column)| self.at(row, column)).collect()
    }

    /// The patches of a window; runs in whole words.
    pub(super) fn patches(&self, window: &Window, out: [usize; 2]) -> Patches {
        let (top, left) = (self.border[0] - window.padding[0], self.border[1] - window.padding[1]);
        let [down, right] = window.stride;
        let start = |row: usize, column: usize| self.at(top + row * down, left + column * right);
        Patches {
            starts: (0..out[0]).flat_map(|row| (0..out[1]).map(move |column| start(row, column))).collect(),
            runs: window.kernel[0],
            run: (window.kernel[1] * self.cell()).next_multiple_of(if self.channels < 4 { 4 } else { 1 }),
            pitch: self.pitch(),
        }
    }

    /// The pixels under each place of a window, without those beyond the image.
    pub(super) fn windows(&self, window: &Window, out: [usize; 2]) -> Vec<Vec<usize>> {
        let [top, left, ..] = window.padding;
        let inside = |at: usize, k: usize, before: usize, length: usize| {
            (at + k).checked_sub(before).filter(|place| *place < length)
        };
        let under = |row: usize, column: usize| {
            let rows = (0..window.kernel[0])
                .filter_map(move |k| inside(row * window.stride[0], k, top, self.size[0]));
            let columns = move || {
                (0..window.kernel[1])
                    .filter_map(move |k| inside(column * window.stride[1], k, left, self.size[1]))
            };
            rows.flat_map(move |row| columns().map(move |column| (row, column)))
                .map(|(row, column)| self.at(row + self.border[0], column + self.border[1]))
                .collect()
        };
        (0..out[0]).flat_map(|row| (0..out[1]).map(move |column| under(row, column))).collect()
    }
}

//! The loop of every matrix product: tiles of rows times panels of sixteen columns, finished while they are hot.

use super::rows::Activation;
use super::{Kernel, Lanes, WIDTH};

/// What is multiplied: a tile of the product, with bias, as `f32`.
pub(super) trait Factors: Copy {
    /// Panels of sixteen columns.
    fn panels(&self) -> usize;
    /// Most rows of a tile, of those that fit the registers.
    #[inline(always)]
    fn rows<L: Lanes>(&self) -> usize {
        L::TILE.0
    }
    /// `M` rows from `row` on times `N` panels from `panel` on.
    fn tile<L: Lanes, const M: usize, const N: usize>(
        &self,
        lanes: L,
        row: usize,
        panel: usize,
    ) -> [[L::F; N]; M];
}

/// Where tiles go.
pub(super) trait Sink {
    /// Takes the tile at `row` and `panel`.
    fn put<L: Lanes, const M: usize, const N: usize>(
        &mut self,
        lanes: L,
        at: (usize, usize),
        tile: [[L::F; N]; M],
    );
}

/// A product of `rows` rows.
pub(super) struct Product<'a, A, S> {
    /// What is multiplied.
    pub(super) factors: A,
    /// Where it goes.
    pub(super) sink: &'a mut S,
    /// Rows to compute.
    pub(super) rows: usize,
}

/// One tile of a product, a function of its own for each shape.
struct Tile<'a, A, S, const M: usize, const N: usize> {
    factors: A,
    sink: &'a mut S,
    at: (usize, usize),
}

impl<A: Factors, S: Sink, const M: usize, const N: usize> Kernel for Tile<'_, A, S, M, N> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let tile = self.factors.tile::<L, M, N>(lanes, self.at.0, self.at.1);
        self.sink.put(lanes, self.at, tile);
    }
}

/// Rows that a tile can have, greatest first.
const HEIGHTS: [usize; 6] = [12, 8, 6, 4, 2, 1];

impl<A: Factors, S: Sink> Kernel for Product<'_, A, S> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let width = self.width(L::TILE.1);
        let panels = self.factors.panels();
        let mut panel = 0;
        while panel < panels {
            let wide = fitting(&[4, 2, 1], width.min(panels - panel));
            self.column(lanes, panel, wide);
            panel += wide;
        }
    }
}

/// The first of `sizes`, which end with 1, that is at most `most`.
#[inline(always)]
fn fitting(sizes: &[usize], most: usize) -> usize {
    sizes.iter().copied().find(|&size| size <= most).unwrap_or(1)
}

impl<A: Factors, S: Sink> Product<'_, A, S> {
    /// Panels of a tile: with few rows more panels keep the multipliers busy.
    #[inline(always)]
    fn width(&self, usual: usize) -> usize {
        match self.rows {
            1 => 4,
            2..4 => usual.max(2),
            _ => usual,
        }
    }

    /// All rows of `wide` panels, which stay in the first-level cache meanwhile.
    #[inline(always)]
    fn column<L: Lanes>(&mut self, lanes: L, panel: usize, wide: usize) {
        let (most, mut row) = (self.factors.rows::<L>(), 0);
        while row < self.rows {
            let high = fitting(&HEIGHTS, most.min(self.rows - row));
            self.tile(lanes, (high, wide), (row, panel));
            row += high;
        }
    }

    #[inline(always)]
    fn tile<L: Lanes>(&mut self, lanes: L, shape: (usize, usize), at: (usize, usize)) {
        macro_rules! shapes {
            ($(($m:literal, $n:literal))+) => {
                match shape {
                    $(($m, $n) => {
                        lanes.enter(Tile::<_, _, $m, $n> { factors: self.factors, sink: &mut *self.sink, at })
                    })+
                    _ => unreachable!("a tile of {shape:?}"),
                }
            };
        }
        shapes!((12, 2)(12, 1)(8, 2)(8, 1)(6, 2)(6, 1)(4, 2)(4, 1)(2, 4)(2, 2)(2, 1)(1, 4)(1, 2)(1, 1));
    }
}

/// A plane of `f32`, row after row.
pub(crate) struct Plane<'a> {
    /// `rows × stride` values; the stride is a multiple of sixteen.
    pub(crate) values: &'a mut [f32],
    /// Values from one row to the next.
    pub(crate) stride: usize,
    /// Applied to each value.
    pub(crate) activation: Activation,
    /// Whether the product is added to what is there (a residual connection) or replaces it.
    pub(crate) add: bool,
}

impl Sink for Plane<'_> {
    #[inline(always)]
    fn put<L: Lanes, const M: usize, const N: usize>(
        &mut self,
        lanes: L,
        (row, panel): (usize, usize),
        tile: [[L::F; N]; M],
    ) {
        for (m, values) in tile.into_iter().enumerate() {
            for (n, value) in values.into_iter().enumerate() {
                let (add, to) = (self.add, self.at(row + m, panel + n));
                let value = if add { lanes.add(lanes.load(to), value) } else { value };
                lanes.store(to, value);
            }
        }
        if self.activation != Activation::None {
            self.activate(lanes, (row, row + M), (panel, panel + N));
        }
    }
}

impl Plane<'_> {
    /// The sixteen values of a panel in a row.
    #[inline(always)]
    fn at(&mut self, row: usize, panel: usize) -> &mut [f32; WIDTH] {
        self.values[row * self.stride + panel * WIDTH..].first_chunk_mut().expect("rows are whole panels")
    }

    #[inline(always)]
    fn activate<L: Lanes>(&mut self, lanes: L, rows: (usize, usize), panels: (usize, usize)) {
        for row in rows.0..rows.1 {
            for panel in panels.0..panels.1 {
                let (activation, to) = (self.activation, self.at(row, panel));
                let value = activation.apply(lanes, lanes.load(to));
                lanes.store(to, value);
            }
        }
    }
}

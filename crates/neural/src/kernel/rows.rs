//! What is done to each value or row between the products: activations, normalisation, softmax, quantisation.

use super::lanes::Isa;
use super::{Kernel, Lanes, WIDTH};

/// A function of each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize, serde::Deserialize)]
pub enum Activation {
    /// The value itself.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x · Φ(x)` with the normal distribution function by `erf` (Hendrycks & Gimpel 2016).
    Gelu,
    /// `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, the same paper's approximation.
    GeluTanh,
    /// `x · clamp(x / 6 + 0.5, 0, 1)` (Howard et al. 2019, MobileNetV3).
    HardSwish,
    /// `clamp(x / 6 + 0.5, 0, 1)`.
    HardSigmoid,
}

impl Activation {
    #[inline(always)]
    pub(super) fn apply<L: Lanes>(self, lanes: L, x: L::F) -> L::F {
        match self {
            Activation::None => x,
            Activation::Relu => lanes.max(x, lanes.splat(0.0)),
            Activation::Gelu => {
                let half = lanes.mul(x, lanes.splat(0.5));
                lanes.fma(half, erf(lanes, lanes.mul(x, lanes.splat(std::f32::consts::FRAC_1_SQRT_2))), half)
            }
            Activation::GeluTanh => {
                let half = lanes.mul(x, lanes.splat(0.5));
                let cubic = lanes.fma(lanes.mul(x, x), lanes.splat(0.044_715), lanes.splat(1.0));
                let inner = lanes.mul(lanes.mul(x, lanes.splat(0.797_884_6)), cubic);
                lanes.fma(half, tanh(lanes, inner), half)
            }
            Activation::HardSwish => lanes.mul(x, hard_sigmoid(lanes, x)),
            Activation::HardSigmoid => hard_sigmoid(lanes, x),
        }
    }
}

#[inline(always)]
fn hard_sigmoid<L: Lanes>(lanes: L, x: L::F) -> L::F {
    clamp(lanes, lanes.fma(x, lanes.splat(1.0 / 6.0), lanes.splat(0.5)), 0.0, 1.0)
}

#[inline(always)]
fn clamp<L: Lanes>(lanes: L, x: L::F, least: f32, most: f32) -> L::F {
    lanes.min(lanes.max(x, lanes.splat(least)), lanes.splat(most))
}

/// The polynomial with these coefficients, highest power first (Horner).
#[inline(always)]
fn polynomial<L: Lanes>(lanes: L, x: L::F, coefficients: &[f32]) -> L::F {
    let mut sum = lanes.splat(coefficients[0]);
    for &next in &coefficients[1..] {
        sum = lanes.fma(sum, x, lanes.splat(next));
    }
    sum
}

/// A minimax rational function in odd powers, as in the library Eigen (MPL 2.0), clamped where it reaches ±1.
#[inline(always)]
fn rational<L: Lanes>(lanes: L, x: L::F, over: &[f32], under: &[f32]) -> L::F {
    let square = lanes.mul(x, x);
    let over = lanes.mul(x, polynomial(lanes, square, over));
    lanes.div(over, polynomial(lanes, square, under))
}

/// The error function; absolute error at most 3e-7.
#[inline(always)]
fn erf<L: Lanes>(lanes: L, x: L::F) -> L::F {
    const OVER: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_5e-8,
        -2.101_024e-6,
        -5.692_506_5e-5,
        -7.349_906_4e-4,
        -2.954_600_1e-3,
        -1.609_603_4e-2,
    ];
    const UNDER: [f32; 5] =
        [-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329_4e-3, -1.426_473_9e-2];
    rational(lanes, clamp(lanes, x, -4.0, 4.0), &OVER, &UNDER)
}

/// The hyperbolic tangent; absolute error at most 3e-7.
#[inline(always)]
fn tanh<L: Lanes>(lanes: L, x: L::F) -> L::F {
    const OVER: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297_2e-8,
        1.485_722_4e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const UNDER: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    rational(lanes, clamp(lanes, x, -7.905_311, 7.905_311), &OVER, &UNDER)
}

/// eˣ for x ≤ 0; relative error at most 2e-7 (Cephes `expf`). Exactly 0 below −87.7, where the result would be subnormal.
#[inline(always)]
pub(crate) fn exp<L: Lanes>(lanes: L, x: L::F) -> L::F {
    const SERIES: [f32; 7] =
        [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0];
    let x = lanes.max(x, lanes.splat(-127.0 * std::f32::consts::LN_2));
    let whole = lanes.round(lanes.mul(x, lanes.splat(std::f32::consts::LOG2_E)));
    let power = lanes.float(whole);
    let rest = lanes.fma(power, lanes.splat(-0.693_359_4), x);
    let rest = lanes.fma(power, lanes.splat(2.121_944_4e-4), rest);
    let value = lanes.fma(polynomial(lanes, rest, &SERIES), rest, lanes.splat(1.0));
    lanes.mul(value, lanes.exp2(whole))
}

/// Sixteen lanes to one, always in the same tree.
#[inline(always)]
fn across<L: Lanes>(lanes: L, value: L::F, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut all = [0.0; WIDTH];
    lanes.store(&mut all, value);
    let mut width = WIDTH / 2;
    while width > 0 {
        for lane in 0..width {
            all[lane] = join(all[lane], all[lane + width]);
        }
        width /= 2;
    }
    all[0]
}

#[inline(always)]
fn plus(a: f32, b: f32) -> f32 {
    a + b
}

#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The sixteen values at `index`, the last ones filled up with `fill`.
#[inline(always)]
fn part<L: Lanes>(lanes: L, values: &[f32], index: usize, fill: f32) -> L::F {
    match values[index * WIDTH..].first_chunk() {
        Some(whole) => lanes.load(whole),
        None => {
            let (rest, mut chunk) = (&values[index * WIDTH..], [fill; WIDTH]);
            chunk[..rest.len()].copy_from_slice(rest);
            lanes.load(&chunk)
        }
    }
}

/// Replaces the sixteen values at `index`, or what there is of them.
#[inline(always)]
fn put<L: Lanes>(lanes: L, values: &mut [f32], index: usize, value: L::F) {
    match values[index * WIDTH..].first_chunk_mut() {
        Some(whole) => lanes.store(whole, value),
        None => {
            let (rest, mut chunk) = (&mut values[index * WIDTH..], [0.0; WIDTH]);
            lanes.store(&mut chunk, value);
            rest.copy_from_slice(&chunk[..rest.len()]);
        }
    }
}

/// Quantises a row to 0..=255 and gives its scale and zero point: `value ≈ (quantised − zero) · scale`. Zero is exact.
/// What lies beyond the row in `bytes`, whole sixteens, becomes the zero point.
#[inline(always)]
pub(super) fn quantise_row<L: Lanes>(lanes: L, values: &[f32], bytes: &mut [u8]) -> (f32, i32) {
    let (mut low, mut high) = (lanes.splat(0.0), lanes.splat(0.0));
    for index in 0..values.len().div_ceil(WIDTH) {
        let value = part(lanes, values, index, 0.0);
        low = lanes.min(value, low);
        high = lanes.max(value, high);
    }
    let (low, high) = (across(lanes, low, lesser), across(lanes, high, greater));
    let (scale, zero) = affine(low, high);
    let to = Affine::new(lanes, scale, zero);
    for (index, bytes) in bytes.as_chunks_mut().0.iter_mut().enumerate() {
        lanes.store_bytes(bytes, to.quantise(lanes, part(lanes, values, index, 0.0)));
    }
    (scale, zero)
}

/// Quantises a row to −`most` ..= `most` and gives its scale: `value ≈ quantised · scale`. What lies beyond the row in
/// `integers`, whole sixteens, becomes 0.
#[inline(always)]
pub(super) fn quantise_signed<L: Lanes>(lanes: L, values: &[f32], integers: &mut [i16], most: f32) -> f32 {
    let mut reach = lanes.splat(0.0);
    for index in 0..values.len().div_ceil(WIDTH) {
        let value = part(lanes, values, index, 0.0);
        reach = lanes.max(lanes.max(value, lanes.sub(lanes.splat(0.0), value)), reach);
    }
    let scale = across(lanes, reach, greater) / most;
    let scale = if scale > f32::MIN_POSITIVE && scale.is_finite() { scale } else { 1.0 };
    let inverse = lanes.splat(1.0 / scale);
    for (index, integers) in integers.as_chunks_mut().0.iter_mut().enumerate() {
        let value = lanes.mul(part(lanes, values, index, 0.0), inverse);
        lanes.store_halves(integers, lanes.round(clamp(lanes, value, -most, most)));
    }
    scale
}

/// A scale and zero point, ready to quantise sixteen values.
#[derive(Clone, Copy)]
pub(super) struct Affine<L: Lanes> {
    inverse: L::F,
    zero: L::F,
}

impl<L: Lanes> Affine<L> {
    #[inline(always)]
    pub(super) fn new(lanes: L, scale: f32, zero: i32) -> Affine<L> {
        Affine { inverse: lanes.splat(1.0 / scale), zero: lanes.splat(zero as f32) }
    }

    /// `value / scale + zero`, rounded and held to 0..=255.
    #[inline(always)]
    pub(super) fn quantise(self, lanes: L, value: L::F) -> L::I {
        lanes.round(clamp(lanes, lanes.fma(value, self.inverse, self.zero), 0.0, 255.0))
    }
}

/// Scale and zero point that spread `low ..= high`, which hold 0, over 0..=255.
#[inline(always)]
pub(crate) fn affine(low: f32, high: f32) -> (f32, i32) {
    let span = (high - low) / 255.0;
    // A row of zeros, of subnormal values or of what is no number quantises to its zero point.
    let scale = if span > f32::MIN_POSITIVE && span.is_finite() { span } else { 1.0 };
    (scale, (-low / scale).round_ties_even().clamp(0.0, 255.0) as i32)
}

/// Scale, shift and ε of a layer normalisation (Ba, Kiros & Hinton 2016).
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// γ, one a column.
    pub scale: Vec<f32>,
    /// β, one a column.
    pub shift: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl Norm {
    /// Normalises rows of `from` into `to`; both have rows `stride` apart.
    pub(crate) fn apply(&self, isa: Isa, from: &[f32], to: &mut [f32], stride: usize) {
        isa.run(Normalise { norm: self, from, to, stride });
    }

    /// Normalises rows in place.
    pub(crate) fn apply_in_place(&self, isa: Isa, rows: &mut [f32], stride: usize) {
        isa.run(NormaliseInPlace { norm: self, rows, stride });
    }
}

struct Normalise<'a> {
    norm: &'a Norm,
    from: &'a [f32],
    to: &'a mut [f32],
    stride: usize,
}

impl Kernel for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let width = self.norm.scale.len();
        for (from, to) in self.from.chunks_exact(self.stride).zip(self.to.chunks_exact_mut(self.stride)) {
            to[..width].copy_from_slice(&from[..width]);
            normalise(lanes, self.norm, &mut to[..width]);
        }
    }
}

struct NormaliseInPlace<'a> {
    norm: &'a Norm,
    rows: &'a mut [f32],
    stride: usize,
}

impl Kernel for NormaliseInPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        for row in self.rows.chunks_exact_mut(self.stride) {
            normalise(lanes, self.norm, &mut row[..self.norm.scale.len()]);
        }
    }
}

/// `(x − mean) / √(variance + ε) · scale + shift`.
#[inline(always)]
fn normalise<L: Lanes>(lanes: L, norm: &Norm, row: &mut [f32]) {
    let count = row.len() as f32;
    let chunks = row.len().div_ceil(WIDTH);
    let mut sum = lanes.splat(0.0);
    for index in 0..chunks {
        sum = lanes.add(sum, part(lanes, row, index, 0.0));
    }
    let mean = across(lanes, sum, plus) / count;
    let (center, mut squares) = (lanes.splat(mean), lanes.splat(0.0));
    for index in 0..chunks {
        let apart = lanes.sub(part(lanes, row, index, mean), center);
        squares = lanes.fma(apart, apart, squares);
    }
    let variance = across(lanes, squares, plus) / count;
    let inverse = lanes.splat(1.0 / (variance + norm.epsilon).sqrt());
    for index in 0..chunks {
        let scale = lanes.mul(inverse, part(lanes, &norm.scale, index, 0.0));
        let apart = lanes.sub(part(lanes, row, index, 0.0), center);
        put(lanes, row, index, lanes.fma(apart, scale, part(lanes, &norm.shift, index, 0.0)));
    }
}

/// Turns a row of scores, whole sixteens, into e^(scale · (score − greatest)) and gives their sum. A score of −∞ becomes
/// exactly 0.
#[inline(always)]
pub(crate) fn exponentials<L: Lanes>(lanes: L, row: &mut [f32], scale: f32) -> f32 {
    let row = row.as_chunks_mut().0;
    let (scale, shift) = softmax_shift(lanes, row, scale);
    let mut sum = lanes.splat(0.0);
    for chunk in row {
        let value = exp(lanes, lanes.fma(lanes.load(chunk), scale, shift));
        sum = lanes.add(sum, value);
        lanes.store(chunk, value);
    }
    across(lanes, sum, plus)
}

/// 2ˣ for x ≤ 0; relative error at most 4e-6 (minimax polynomial of degree 4, the constant held at 1). 2⁻¹²⁶ below −126.
#[inline(always)]
fn power<L: Lanes>(lanes: L, x: L::F) -> L::F {
    const SERIES: [f32; 5] = [9.570_105e-3, 5.591_787e-2, 0.240_247_44, 0.693_121_8, 1.0];
    let x = lanes.max(x, lanes.splat(-126.0));
    let whole = lanes.round(x);
    let rest = lanes.sub(x, lanes.float(whole));
    lanes.mul(polynomial(lanes, rest, &SERIES), lanes.exp2(whole))
}

/// Softmax of a row of scores, whole sixteens, as far as 15 bits tell: gives the sum of e^(scale · (score − greatest)) and
/// leaves in `to` the nearest integer to each of them times its factor, 0 to 32767.
#[inline(always)]
pub(crate) fn shares<L: Lanes>(lanes: L, row: &[f32], scale: f32, factors: &[f32], to: &mut [i16]) -> f32 {
    let row = row.as_chunks().0;
    let (scale, shift) = softmax_shift(lanes, row, scale * std::f32::consts::LOG2_E);
    let mut sum = lanes.splat(0.0);
    for ((chunk, factor), to) in row.iter().zip(factors.as_chunks().0).zip(to.as_chunks_mut().0) {
        let value = power(lanes, lanes.fma(lanes.load(chunk), scale, shift));
        sum = lanes.add(sum, value);
        // The greatest may come out a little over 1.
        let share = lanes.min(lanes.mul(value, lanes.load(factor)), lanes.splat(32767.0));
        lanes.store_halves(to, lanes.round(share));
    }
    across(lanes, sum, plus)
}

/// Factor and summand that bring scores to their distance from the greatest.
#[inline(always)]
fn softmax_shift<L: Lanes>(lanes: L, row: &[[f32; WIDTH]], scale: f32) -> (L::F, L::F) {
    let mut most = lanes.splat(f32::NEG_INFINITY);
    for chunk in row {
        most = lanes.max(lanes.load(chunk), most);
    }
    let most = across(lanes, most, greater);
    let shift = if most == f32::NEG_INFINITY { 0.0 } else { -most * scale };
    (lanes.splat(scale), lanes.splat(shift))
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    /// A kernel of one function of sixteen values.
    struct Apply(Activation, [f32; WIDTH]);

    impl Kernel for Apply {
        type Output = [f32; WIDTH];

        #[inline(always)]
        fn run<L: Lanes>(self, lanes: L) -> [f32; WIDTH] {
            let mut out = [0.0; WIDTH];
            lanes.store(&mut out, self.0.apply(lanes, lanes.load(&self.1)));
            out
        }
    }

    struct Softmax<'a>(&'a mut [f32], f32);

    impl Kernel for Softmax<'_> {
        type Output = f32;

        #[inline(always)]
        fn run<L: Lanes>(self, lanes: L) -> f32 {
            exponentials(lanes, self.0, self.1)
        }
    }

    /// The error function by its series (Abramowitz & Stegun 7.1.5), exact for the arguments used here.
    fn erf_series(x: f64) -> f64 {
        let term = |n: i32, before: f64| before * -x * x / f64::from(n);
        let (mut sum, mut power) = (0.0, x);
        for n in 0..120 {
            sum += power / f64::from(2 * n + 1);
            power = term(n + 1, power);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    fn exact(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::None => x,
            Activation::Relu => x.max(0.0),
            Activation::Gelu => 0.5 * x * (1.0 + erf_series(x / std::f64::consts::SQRT_2)),
            Activation::GeluTanh => {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x)).tanh())
            }
            Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Activation::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
        }
    }

    #[test]
    fn activations_are_near_their_formulas_and_equal_on_every_isa() {
        use Activation::*;
        for activation in [None, Relu, Gelu, GeluTanh, HardSwish, HardSigmoid] {
            for block in 0..40 {
                let values = std::array::from_fn(|lane| ((block * 16 + lane) as f32 - 320.0) / 64.0);
                let judge = Isa::Scalar.run(Apply(activation, values));
                for (x, y) in values.into_iter().zip(judge) {
                    let error = (f64::from(y) - exact(activation, f64::from(x))).abs();
                    assert!(error < 2e-6, "{activation:?}({x}) = {y}: {error}");
                }
                for isa in Isa::all_available() {
                    assert_eq!(isa.run(Apply(activation, values)), judge, "{isa:?} {activation:?}");
                }
            }
            for isa in Isa::all_available() {
                let far = isa.run(Apply(activation, [-1e4; WIDTH]))[0];
                assert!(
                    far.is_finite() && (far <= 0.0 && far > -1e-2 || activation == None),
                    "{activation:?} {far}"
                );
            }
        }
    }

    #[test]
    fn exponentials_are_near_theirs_and_a_hidden_score_is_nothing() {
        let mut noise = Noise(6);
        let mut row = noise.normals(64, 20.0);
        row[7] = f32::NEG_INFINITY;
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut judge: Option<Vec<f32>> = None;
        for isa in Isa::ALL.into_iter().rev().filter(|isa| isa.is_available()) {
            let mut got = row.clone();
            let sum = isa.run(Softmax(&mut got, 0.5));
            assert!((got.iter().sum::<f32>() - sum).abs() < 1e-5);
            assert_eq!(got[7], 0.0);
            for (score, value) in row.iter().zip(&got) {
                let expected = ((f64::from(*score) - f64::from(most)) * 0.5).exp();
                assert!((f64::from(*value) - expected).abs() < 1e-6 * expected + 1e-9, "{score} {value}");
            }
            assert_eq!(*judge.get_or_insert_with(|| got.clone()), got, "{isa:?}");
        }
        let mut hidden = [f32::NEG_INFINITY; 32];
        assert_eq!((Isa::best().run(Softmax(&mut hidden, 1.0)), hidden), (0.0, [0.0; 32]));
    }

    #[test]
    fn a_norm_is_near_its_formula_and_equal_on_every_isa() {
        let mut noise = Noise(7);
        for width in [1, 16, 37, 384] {
            let norm =
                Norm { scale: noise.normals(width, 1.0), shift: noise.normals(width, 1.0), epsilon: 1e-5 };
            let stride = width + 3;
            let rows: Vec<f32> = noise.normals(2 * stride, 3.0).iter().map(|value| value + 5.0).collect();
            let mut judge = rows.clone();
            norm.apply_in_place(Isa::Scalar, &mut judge, stride);
            for (from, to) in rows.chunks(stride).zip(judge.chunks(stride)) {
                let from: Vec<f64> = from[..width].iter().copied().map(f64::from).collect();
                let mean = from.iter().sum::<f64>() / width as f64;
                let variance = from.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
                for (at, x) in from.iter().enumerate() {
                    let expected = (x - mean) / (variance + 1e-5).sqrt() * f64::from(norm.scale[at])
                        + f64::from(norm.shift[at]);
                    assert!((f64::from(to[at]) - expected).abs() < 1e-5, "{expected} {}", to[at]);
                }
            }
            for isa in Isa::all_available() {
                let mut got = vec![0.0; rows.len()];
                norm.apply(isa, &rows, &mut got, stride);
                for (got, judge) in got.chunks(stride).zip(judge.chunks(stride)) {
                    assert_eq!(got[..width], judge[..width], "{isa:?}");
                }
            }
        }
    }
}

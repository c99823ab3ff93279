//! Weights of four bits, as `MatMulNBits` of ONNX Runtime holds them, as floats again.

use crate::{Graph, Node, Tensor, Values};

/// The weights `[K, N]` of a product with 4-bit weights: (code − zero point) · scale, a scale and a zero point each block of each
/// output. None where the node is another, its weights are no constants, or their lengths do not fit.
pub(crate) fn weights(graph: &Graph, node: &Node) -> Option<Tensor> {
    if node.op != "MatMulNBits" || node.int("bits", 0) != 4 || node.inputs.len() > 4 {
        return None;
    }
    let length = |name: &str| usize::try_from(node.int(name, 0)).ok().filter(|it| *it > 0);
    let (inputs, outputs, block) = (length("K")?, length("N")?, length("block_size")?);
    let blocks = inputs.div_ceil(block);
    let constant = |place: usize| graph.initialisers.get(node.input(place)?).map(Tensor::values);
    let (Some(Values::U8(codes)), Some(Values::F32(scales))) = (constant(1), constant(2)) else {
        return None;
    };
    let zeros = match node.input(3).map(|_| constant(3)) {
        Some(Some(Values::U8(it))) => Some(it),
        Some(_) => return None,
        None => None,
    };
    let rows = blocks.div_ceil(2);
    let fits = codes.len() == outputs.checked_mul(blocks)?.checked_mul(block.div_ceil(2))?
        && scales.len() == outputs * blocks
        && zeros.is_none_or(|it| it.len() == outputs * rows);
    let half = |bytes: &[u8], at: usize| f32::from(bytes[at / 2] >> (at % 2 * 4) & 15);
    let weight = |input: usize, output: usize| {
        let (place, at) = (output * blocks + input / block, input % block);
        let zero = zeros.map_or(8.0, |it| half(&it[output * rows..], input / block));
        (half(&codes[place * block.div_ceil(2)..], at) - zero) * scales[place]
    };
    let places = || (0..inputs).flat_map(|input| (0..outputs).map(move |output| (input, output)));
    let weights = fits.then(|| places().map(|(input, output)| weight(input, output)).collect())?;
    Tensor::f32([inputs, outputs], weights).ok()
}

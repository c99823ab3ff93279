//! From fitted weights to an ONNX graph that any executor runs: the layers as they were fitted, nothing folded, nothing dropped.

use anyhow::Result;
use neural::{Attribute, Dim, Dtype, Graph, Node, Port, Tensor};
use perceive::{INPUT, OUTPUT};

use crate::network::{Architecture, Layer, Stage};

/// Operator set of the files: the oldest that has every operator used, so that most programs read them.
const OPSET: i64 = 17;

/// `picture` `[batch, channels, height, width]` to `score` `[batch, classes]`.
pub(crate) fn graph(name: &str, network: &Architecture, theta: &[f32]) -> Result<Graph> {
    let input = network.input();
    let named = || Dim::Named("batch".to_owned());
    let picture = [input.channels, input.size[0], input.size[1]].map(Dim::Fixed);
    let port = |name: &str, shape| Port { name: name.to_owned(), dtype: Dtype::F32, shape: Some(shape) };
    let mut graph = Graph {
        name: name.to_owned(),
        inputs: vec![port(INPUT, [vec![named()], picture.to_vec()].concat())],
        outputs: vec![port(OUTPUT, vec![named(), Dim::Fixed(network.classes)])],
        opsets: [(String::new(), OPSET)].into(),
        ..Graph::default()
    };
    let mut value = INPUT.to_owned();
    for (at, stage) in network.stages.iter().enumerate() {
        value = add(&mut graph, stage, theta, (at, value, at + 1 == network.stages.len()))?;
    }
    graph.check()?;
    Ok(graph)
}

/// Adds the nodes of one layer and gives the name of what comes out.
fn add(
    graph: &mut Graph,
    stage: &Stage,
    theta: &[f32],
    (at, from, last): (usize, String, bool),
) -> Result<String> {
    let name = |what: &str| format!("layer{at}.{what}");
    let pair = |of: usize| Attribute::Ints(vec![of as i64; 2]);
    match stage.layer {
        Layer::Dropout(_) => Ok(from),
        Layer::Pool => {
            let node = Node::new("MaxPool", [from], [name("pool")]);
            graph.nodes.push(node.with("kernel_shape", pair(2)).with("strides", pair(2)));
            Ok(name("pool"))
        }
        Layer::Mean => {
            graph.nodes.push(Node::new("GlobalAveragePool", [from], [name("mean")]));
            graph.nodes.push(Node::new("Flatten", [name("mean")], [name("vector")]));
            Ok(name("vector"))
        }
        Layer::Convolution { outputs, kernel, pad, rectified } => {
            let bias = theta[stage.bias.clone()][..outputs].to_vec();
            graph.initialisers.insert(name("bias"), Tensor::f32([outputs], bias)?);
            graph.initialisers.insert(name("weight"), weights(stage, theta, (outputs, kernel, last))?);
            let inputs = [from, name("weight"), name("bias")];
            let out = if last { OUTPUT.to_owned() } else { name("sum") };
            let node = match last {
                true => Node::new("Gemm", inputs, [out.clone()]).with("transB", Attribute::Int(1)),
                false => Node::new("Conv", inputs, [out.clone()])
                    .with("kernel_shape", pair(kernel))
                    .with("pads", Attribute::Ints(vec![pad as i64; 4]))
                    .with("strides", pair(1)),
            };
            graph.nodes.push(node);
            if rectified {
                graph.nodes.push(Node::new("Relu", [out], [name("out")]));
                return Ok(name("out"));
            }
            Ok(out)
        }
    }
}

/// `[outputs, channels, kernel, kernel]`; of the last layer, which sees one pixel, `[outputs, channels]`.
fn weights(stage: &Stage, theta: &[f32], (outputs, kernel, last): (usize, usize, bool)) -> Result<Tensor> {
    let (channels, columns) = (stage.from.channels, stage.to.channels);
    let theta = &theta[stage.weights.clone()];
    let taps = kernel * kernel;
    let at = |it: usize| {
        let (output, channel, tap) = (it / (taps * channels), it / taps % channels, it % taps);
        theta[(tap * channels + channel) * columns + output]
    };
    let values = (0..outputs * channels * taps).map(at).collect();
    Ok(match last {
        true => Tensor::f32([outputs, channels], values)?,
        false => Tensor::f32([outputs, channels, kernel, kernel], values)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Image;
    use neural::{Network, Tensors};

    #[test]
    fn the_graph_computes_what_the_fitted_layers_do() {
        let convolution = |outputs, pad, rectified| Layer::Convolution { outputs, kernel: 3, pad, rectified };
        let head = Layer::Convolution { outputs: 5, kernel: 1, pad: 0, rectified: false };
        let layers = [
            convolution(16, 1, true),
            Layer::Pool,
            convolution(32, 0, true),
            Layer::Dropout(0.3),
            Layer::Mean,
            head,
        ];
        let network = Architecture::new(Image { size: [9, 10], channels: 4 }, &layers);
        let theta = network.start(3);
        let images: Vec<f32> = (0..2 * 360).map(|it| (it as f32 * 0.7).sin()).collect();
        let planes: Vec<f32> =
            (0..720).map(|it| images[it / 360 * 360 + it % 90 * 4 + it / 90 % 4]).collect();
        let tensor = Tensor::f32([2, 4, 9, 10], planes).unwrap();
        let ran = Network::of(&graph("test", &network, &theta).unwrap(), 1).unwrap();
        let out = ran.run(&[(INPUT.to_owned(), tensor)].into_iter().collect::<Tensors>()).unwrap();
        let (got, ours) =
            (out.get(OUTPUT).unwrap().as_f32().unwrap().to_vec(), network.scores(&theta, &images));
        assert_eq!(got.len(), 10);
        let apart = got.iter().zip(&ours).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-5, "{apart}");
    }
}

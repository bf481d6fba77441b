//! Seeded numbers: the same on every platform, and of no meaning.

use zkml_dsl::weights::{FloatTensor, FloatWeights};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, Port, WeightDecl};

/// Steele, Lea and Flood's SplitMix64: any seed gives a stream, and a stream needs no warm-up.
pub struct Stream(u64);

impl Stream {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// About normal, by four uniform numbers: bell-shaped is all that calibration needs, and it needs no `ln`.
    pub fn normal(&mut self, deviation: f32) -> f32 {
        let w = self.word();
        let sum: u64 = (0..4).map(|i| (w >> (16 * i)) & 0xffff).sum();
        // Four uniform numbers on [0, 1) add up to 2 with a variance of 1/3.
        (sum as f32 / 65536.0 - 2.0) * 3f32.sqrt() * deviation
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.word() % n
    }
}

/// Tensor i's own stream.
fn stream_of(seed: u64, i: usize) -> Stream {
    Stream::new(Stream::new(seed).word() ^ i as u64)
}

/// Deviation of a weight, as transformers are initialised.
const WEIGHT: f32 = 0.02;

/// A value for every weight of the graph, under its name.
pub fn weights(graph: &Graph, seed: u64) -> FloatWeights {
    let tensor = |(i, w): (usize, &WeightDecl)| {
        let shape = graph.ty(w.node).shape.clone();
        let mut stream = stream_of(seed, i);
        let data = (0..shape.len()).map(|_| stream.normal(WEIGHT)).collect();
        (w.name.clone(), FloatTensor::new(shape, data))
    };
    FloatWeights::from_tensors(graph.weights.iter().enumerate().map(tensor))
        .expect("as many values as the shape says")
}

/// A real value for every entry of every input: unsigned ones as pixels from 0 to 1, others as a layer norm leaves them,
/// and numbers of a table's rows where the model reads such.
pub fn inputs(graph: &Graph, seed: u64) -> Vec<FloatTensor> {
    let tensor = |(i, p): (usize, &Port)| {
        let ty = graph.ty(p.node);
        let mut stream = stream_of(seed, i);
        let mut value = || match ty.elem {
            Elem::U8 => stream.below(256) as f32 / 255.0,
            // An embedding makes its tokens' interval that of its table.
            Elem::I24 if ty.interval.lo == 0 => stream.below(ty.interval.hi as u64 + 1) as f32,
            _ => stream.normal(1.0),
        };
        FloatTensor::new(ty.shape.clone(), (0..ty.shape.len()).map(|_| value()).collect())
    };
    graph.inputs.iter().enumerate().map(tensor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_their_deviation() {
        let mut stream = Stream::new(1);
        let values: Vec<f64> = (0..10_000).map(|_| f64::from(stream.normal(0.5))).collect();
        let mean = values.iter().sum::<f64>() / 1e4;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance.sqrt() - 0.5).abs() < 0.02, "{variance}");
    }
}

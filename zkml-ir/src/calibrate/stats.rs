//! What the float model's tensors hold on the samples.

use crate::float::{walk, FloatError, FloatTensor};
use crate::graph::{Graph, NodeId, Op};

/// Values kept of each tensor, over all samples.
const KEPT: usize = 1 << 16;
/// A prime far from the extents of tensors: indices `i * STRIDE mod len` spread evenly and repeat late.
const STRIDE: usize = 1_000_003;

/// The range of a tensor and a spread of its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pub min: f32,
    pub max: f32,
    pub values: Vec<f32>,
    /// Values seen, of which `values` are some.
    pub seen: usize,
}

impl Stats {
    pub fn max_abs(&self) -> f32 {
        self.max.max(-self.min)
    }

    fn add(&mut self, data: &[f32], keep: usize) {
        self.seen += data.len();
        for &v in data {
            self.min = self.min.min(v);
            self.max = self.max.max(v);
        }
        if keep >= data.len() {
            self.values.extend_from_slice(data);
        } else {
            let stride = STRIDE % data.len();
            self.values.extend((0..keep).map(|i| data[(i * stride) % data.len()]));
        }
    }
}

/// Whether a node owns a free step: an input, a weight or a quantisation.
pub(super) fn owns_step(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(id).op, Op::Input(_) | Op::Weight(_) | Op::Quantize { .. })
}

/// By node; empty for nodes that own no step.
pub(super) fn collect(
    graph: &Graph,
    weights: &[FloatTensor],
    samples: &[Vec<FloatTensor>],
) -> Result<Vec<Stats>, FloatError> {
    let mut stats = vec![Stats::default(); graph.nodes.len()];
    let per_sample = (KEPT / samples.len()).max(256);
    for (i, sample) in samples.iter().enumerate() {
        walk(graph, weights, sample, |id, value| {
            let is_weight = matches!(graph.node(id).op, Op::Weight(_));
            if owns_step(graph, id) && !(is_weight && i > 0) {
                stats[id].add(&value.data, if is_weight { KEPT } else { per_sample });
            }
        })?;
    }
    Ok(stats)
}

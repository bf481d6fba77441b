//! What the float model's tensors hold on the samples.

use crate::float::{check_inputs, check_weights, first_not_finite, walk_checked, FloatError, FloatTensor};
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
        let (min, max) = ends(data);
        (self.min, self.max) = (self.min.min(min), self.max.max(max));
        if keep >= data.len() {
            self.values.extend_from_slice(data);
        } else {
            let stride = STRIDE % data.len();
            self.values.extend((0..keep).map(|i| data[(i * stride) % data.len()]));
        }
    }
}

/// The least and the largest value, or zero, in lanes that do not wait for each other.
fn ends(data: &[f32]) -> (f32, f32) {
    let (mut min, mut max) = ([0f32; 16], [0f32; 16]);
    for part in data.chunks(16) {
        for ((min, max), &v) in min.iter_mut().zip(&mut max).zip(part) {
            *min = if v < *min { v } else { *min };
            *max = if v > *max { v } else { *max };
        }
    }
    (min.into_iter().fold(0.0, f32::min), max.into_iter().fold(0.0, f32::max))
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
    check_weights(graph, weights)?;
    let mut stats = vec![Stats::default(); graph.nodes.len()];
    let per_sample = (KEPT / samples.len()).max(256);
    for (i, sample) in samples.iter().enumerate() {
        let _span = tracing::info_span!("sample", step = i, of = samples.len()).entered();
        check_inputs(graph, sample)?;
        let mut not_finite = None;
        walk_checked(graph, weights, sample, |id, value| {
            let is_weight = matches!(graph.node(id).op, Op::Weight(_));
            if owns_step(graph, id) && !(is_weight && i > 0) {
                stats[id].add(&value.data, if is_weight { KEPT } else { per_sample });
                if let (None, false, Some(index)) = (&not_finite, is_weight, first_not_finite(&value.data)) {
                    not_finite = Some((id, index));
                }
            }
        })?;
        if let Some((id, index)) = not_finite {
            return Err(FloatError::NotFinite { name: graph.node(id).name.clone(), index });
        }
    }
    Ok(stats)
}

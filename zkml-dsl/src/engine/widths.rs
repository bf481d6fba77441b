//! How many bits each activation needs, by measurement.

use super::Error;
use crate::weights::{resolve, FloatTensor, FloatWeights};
use zkml_ir::calibrate::{self, Widths};
use zkml_ir::graph::Graph;

/// The width, 8, 12 or 16 bits, that each quantised activation of the graph needs for its outputs' sake, beside the one that
/// the source has. It changes nothing: printed, it says what to write. `budget` is noise power over signal power in an
/// output; `None` takes what the present widths leave.
///
/// Cost: three runs of the float model for each name and sample.
pub fn recommend_widths(
    graph: &Graph,
    weights: &FloatWeights,
    samples: &[Vec<FloatTensor>],
    budget: Option<f64>,
) -> Result<Widths, Error> {
    let floats = resolve(graph, weights)?;
    Ok(calibrate::recommend_widths(graph, &floats, samples, budget)?)
}

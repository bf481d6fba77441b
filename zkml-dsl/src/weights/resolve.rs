//! A model's declared weights in a file of float tensors.

use super::error::WeightsError;
use super::fit::{check_fit, Present, Wanted};
use super::float::FloatWeights;
use super::fold::swap_last_axes;
use super::tensor::FloatTensor;
use zkml_ir::graph::{Graph, Layout, WeightDecl};

/// The float tensor of every declared weight, in order and in the declared \[in, out\] layout.
///
/// The file must hold exactly the declared names with the shapes that their layouts say; missing, misshapen and unused
/// tensors are reported together ([`super::Misfit`]). [`FloatWeights::retain`] selects from a larger file first.
pub fn resolve(graph: &Graph, weights: &FloatWeights) -> Result<Vec<FloatTensor>, WeightsError> {
    let wanted: Vec<_> = graph.weights.iter().map(|w| wanted(graph, w)).collect();
    let present = weights
        .names()
        .map(|n| Present { name: n.to_owned(), dims: weights.dims(n).unwrap_or_default().to_vec() })
        .collect();
    check_fit(&graph.name, &wanted, present)?;
    graph
        .weights
        .iter()
        .map(|decl| {
            let tensor = weights.get(&decl.name)?;
            Ok(match decl.layout {
                Layout::InOut => tensor.into_owned(),
                Layout::OutIn => swap_last_axes(&tensor),
            })
        })
        .collect()
}

/// What the file must hold for a declared weight: its shape, the last two axes swapped for [`Layout::OutIn`].
fn wanted<'a>(graph: &Graph, decl: &'a WeightDecl) -> Wanted<'a> {
    let mut dims = graph.ty(decl.node).shape.dims().to_vec();
    if let (Layout::OutIn, [.., a, b]) = (decl.layout, &mut dims[..]) {
        std::mem::swap(a, b);
    }
    Wanted { name: &decl.name, dims, layout: Some(decl.layout) }
}

//! What a tensor can hold for *any* input, given the actual weights: tighter than the declared intervals, which know only
//! the weights' element types.
//!
//! A bound is an interval for each column (index of the last axis). A product with a weight sums `w * interval` over each
//! column of the weight, which for symmetric intervals is the L1 norm; behind a layer normalisation the Euclidean norm of
//! the column times that of a normalised row is tighter.

use super::sums;
use super::weight_view::WeightView;
use crate::elem::Interval;
use crate::graph::{Graph, Node, NodeId, Rescale};
use crate::ops::norm::rule::norm_bound;
use crate::tensor::IntTensor;

/// One interval for each column; a single one stands for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bound(Vec<Interval>);

impl Bound {
    /// One interval for all columns.
    pub fn of(i: Interval) -> Self {
        Self(vec![i])
    }

    /// Of some columns only.
    pub fn columns(&self, range: std::ops::Range<usize>) -> Self {
        Self(if self.0.len() == 1 { self.0.clone() } else { self.0[range].to_vec() })
    }

    fn column(&self, j: usize) -> Interval {
        self.0[if self.0.len() == 1 { 0 } else { j }]
    }

    pub fn whole(&self) -> Interval {
        self.0.iter().copied().reduce(Interval::union).expect("a bound has a column")
    }

    pub fn map(&self, f: impl Fn(Interval) -> Interval) -> Self {
        Self(self.0.iter().map(|&i| f(i)).collect())
    }

    /// Columns of a broadcast result.
    pub fn zip(&self, other: &Self, f: impl Fn(Interval, Interval) -> Interval) -> Self {
        let n = self.0.len().max(other.0.len());
        Self((0..n).map(|j| f(self.column(j), other.column(j))).collect())
    }
}

/// The weights and rescales that bounds depend on.
pub(crate) struct Known<'a> {
    pub graph: &'a Graph,
    pub weight: &'a dyn Fn(usize) -> &'a IntTensor,
    pub rescale: &'a dyn Fn(usize) -> Rescale,
}

/// The weights whose integers a node's bound may read, beside the bounds of its arguments: itself, and arguments that are
/// views of weights.
pub(super) fn reads(graph: &Graph, id: NodeId) -> Vec<usize> {
    let of = |id: &NodeId| WeightView::of(graph, *id).map(|v| v.weight);
    graph.node(id).args.iter().chain([&id]).filter_map(of).collect()
}

/// The bound of a node from those of its arguments, which [`crate::ops::primitive`] gives op by op.
pub(crate) fn bound(known: &Known, id: NodeId, of: &[Bound]) -> Bound {
    let node = known.graph.node(id);
    node.op.primitive().bound(known, id, of).map(|i| saturate(i, node.ty.interval))
}

/// A weight's.
pub(crate) fn of_weight(known: &Known, id: NodeId) -> Bound {
    columns(known, &WeightView::of(known.graph, id).expect("a weight is a view of itself"))
}

/// Both ends brought into `to`: what saturation gives, and no change for what lies inside.
pub(crate) fn saturate(i: Interval, to: Interval) -> Interval {
    Interval::new(i.lo.clamp(to.lo, to.hi), i.hi.clamp(to.lo, to.hi))
}

pub(crate) fn same_last(graph: &Graph, node: &Node) -> bool {
    graph.ty(node.args[0]).shape.dims().last() == node.ty.shape.dims().last()
}

/// The range of each column of a weight.
fn columns(known: &Known, view: &WeightView) -> Bound {
    Bound(sums::ranges((known.weight)(view.weight), view))
}

pub(crate) fn product(known: &Known, node: &Node, of: &[Bound]) -> Bound {
    let [x, w] = [node.args[0], node.args[1]];
    let k = *known.graph.ty(x).shape.dims().last().expect("a matrix");
    if let Some(view) = WeightView::of(known.graph, w).filter(|v| v.dims.len() == 2) {
        return by_columns(known, &view, &of[x], norm_bound(known.graph, x));
    }
    if let Some(view) = WeightView::of(known.graph, x) {
        return Bound(vec![sums::widest_row((known.weight)(view.weight), &view, of[w].whole())]);
    }
    let wide = of[x].whole();
    of[w].map(|i| (wide * i).scale(k as i64))
}

/// x convolved with a weight: the widest of its output channels. Padding is zero, so every tap meets what x can be or 0.
pub(crate) fn convolution(known: &Known, node: &Node, of: &[Bound]) -> Option<Interval> {
    let view = WeightView::of(known.graph, node.args[1]).filter(|v| v.dims.len() == 4)?;
    let x = of[node.args[0]].whole().union(Interval::point(0));
    let (n, stride) = view.last();
    let (w, rows) = ((known.weight)(view.weight), view.rows());
    let channel = |rows: &[usize]| {
        let taps = rows.iter().flat_map(|&o| (0..n).map(move |j| o + j * stride));
        taps.fold(Interval::point(0), |sum, at| sum + x.scale(w.get(at) as i64))
    };
    rows.chunks(rows.len() / view.dims[0]).map(channel).reduce(Interval::union)
}

/// x times a weight: for each column of the weight the sum of its entries times what they meet.
fn by_columns(known: &Known, view: &WeightView, x: &Bound, norm: Option<f64>) -> Bound {
    let w = (known.weight)(view.weight);
    let mut products = sums::products(w, view, &|i| x.column(i));
    if let Some(norm) = norm {
        for (sum, square) in products.iter_mut().zip(sums::squares(w, view)) {
            // Cauchy-Schwarz; one more for the rounding of the square roots.
            let most = (norm * (square as f64).sqrt()) as i64 + 1;
            *sum = saturate(*sum, Interval::new(-most, most));
        }
    }
    Bound(products)
}

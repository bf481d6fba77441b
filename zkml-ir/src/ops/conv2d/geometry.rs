//! The extents of a convolution.

use crate::graph::{Graph, Node, Op};
use crate::ops::window::Window;
use crate::shape::Shape;

#[derive(Clone, Debug)]
pub(super) struct Geometry {
    /// N, where there is one.
    pub lead: Vec<usize>,
    pub groups: usize,
    /// Input and output channels of a group.
    pub channels: usize,
    pub outputs: usize,
    pub rows: Window,
    pub columns: Window,
}

impl Geometry {
    /// Of a node that the rules have accepted; `None` of another.
    pub fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let &[x, w] = &node.args[..] else { return None };
        Self::new(&graph.ty(x).shape, &graph.ty(w).shape, &node.op)
            .filter(|g| node.ty.shape.dims() == g.out_dims())
    }

    pub fn new(x: &Shape, w: &Shape, op: &Op) -> Option<Self> {
        let Op::Conv2d { stride, padding, dilation, groups } = *op else { return None };
        let (x, &[out, channels, kh, kw]) = (x.dims(), w.dims()) else { return None };
        let (lead, &[all, h, width]) = x.split_at(x.len().checked_sub(3)?) else { return None };
        let window = |extent, kernel, i: usize| Window {
            extent,
            kernel,
            stride: stride[i],
            padding: padding[i],
            dilation: dilation[i],
        };
        let (rows, columns) = (window(h, kh, 0), window(width, kw, 1));
        let fits = rows.stride > 0 && columns.stride > 0 && rows.fits().is_some() && columns.fits().is_some();
        let divides = groups > 0 && groups.checked_mul(channels)? == all && out % groups == 0;
        let lead = lead.to_vec();
        (lead.len() < 2 && fits && divides).then(|| Self {
            lead,
            groups,
            channels,
            outputs: out / groups,
            rows,
            columns,
        })
    }

    /// Products of one output.
    pub fn taps(&self) -> usize {
        self.channels * self.rows.kernel * self.columns.kernel
    }

    pub fn out_dims(&self) -> Vec<usize> {
        [&self.lead[..], &[self.groups * self.outputs, self.rows.out(), self.columns.out()]].concat()
    }

    /// N and, if there are several, the groups.
    pub fn outer(&self) -> Vec<usize> {
        let groups = (self.groups > 1).then_some(self.groups);
        self.lead.iter().copied().chain(groups).collect()
    }

    /// The output channels as an axis of their own: not where the groups are all of them.
    pub fn own_outputs(&self) -> Option<usize> {
        (self.groups == 1 || self.outputs > 1).then_some(self.outputs)
    }

    /// Output channels are two axes.
    pub fn is_split(&self) -> bool {
        self.groups > 1 && self.outputs > 1
    }

    /// x with its groups apart: `[N?, G?, C, H, W]`.
    pub fn x_dims(&self) -> Vec<usize> {
        [&self.outer()[..], &[self.channels, self.rows.extent, self.columns.extent]].concat()
    }

    /// w with its groups apart: `[G?, M?, C, KH, KW]`.
    pub fn w_dims(&self) -> Vec<usize> {
        let groups = (self.groups > 1).then_some(self.groups);
        let kernel = [self.channels, self.rows.kernel, self.columns.kernel];
        groups.into_iter().chain(self.own_outputs()).chain(kernel).collect()
    }

    /// The result with its groups apart: `[N?, G?, M?, OH, OW]`.
    pub fn y_dims(&self) -> Vec<usize> {
        let maps = [self.rows.out(), self.columns.out()];
        self.outer().into_iter().chain(self.own_outputs()).chain(maps).collect()
    }

    /// Are windows copied whole, or sums of a column of each? What commits fewer cells.
    pub fn copies_windows(&self) -> bool {
        self.channels * self.rows.kernel * self.columns.out() <= self.outputs * self.columns.extent
    }

    /// Cells that the products read: both of the copies, and the weights.
    pub fn read_cells(&self) -> usize {
        let outer: usize = self.outer().iter().product();
        let rows = self.channels * self.rows.extent * self.columns.extent;
        let (kh, kw) = (self.rows.kernel, self.columns.kernel);
        let strips = self.channels * kh * self.rows.out() * self.columns.extent;
        let windows = strips / self.columns.extent * kw * self.columns.out();
        let sums = self.outputs * kw * self.rows.out() * self.columns.extent;
        let second = if self.copies_windows() { windows } else { sums };
        outer * (rows + strips + second) + self.groups * self.outputs * self.taps()
    }
}

//! Convolution of integers and of real numbers: windows unfolded to columns, then the matrix product of each group.

use super::geometry::Geometry;
use super::lower::{CHANNELS, KERNELS, MERGED, PARTIAL, ROWS, SUMS, WINDOWS};
use crate::exec::{kernel, layout};
use crate::float::{self, FloatTensor};
use crate::graph::NodeId;
use crate::ops::primitive::{Computed, FloatArgs, FloatError, Machine, RunError};
use crate::shape::Shape;

pub(super) fn eval(m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
    let Some(g) = Geometry::of(m.graph, m.graph.node(id)) else {
        return Err(m.malformed(id, "is no convolution"));
    };
    let (x, w) = (m.arg(id, 0), m.arg(id, 1));
    // Both have at most 16 bits: the rules take no others.
    let narrow: Vec<i16> = w.iter().map(|&v| v as i16).collect();
    let (taps, maps) = (g.taps(), g.rows.out() * g.columns.out());
    let mut value = Vec::with_capacity(m.graph.ty(id).shape.len());
    for (i, maps_in) in x.chunks_exact(g.channels * g.rows.extent * g.columns.extent).enumerate() {
        let w = &narrow[i % g.groups * g.outputs * taps..][..g.outputs * taps];
        let columns = unfold(&g, maps_in, |v| v as i16);
        value.extend(kernel::narrow(w, &columns, 1, g.outputs, taps, maps));
    }
    let cells = if commits { cells(m, &g, &x, &w, &narrow, &value) } else { vec![] };
    Ok(Computed { value, cells })
}

/// The committed cells in the order of [`super::lower`].
fn cells(m: &Machine, g: &Geometry, x: &[i32], w: &[i32], narrow: &[i16], y: &[i32]) -> Vec<Vec<i32>> {
    let copies = |role, of: &[i32]| (0..m.commits(role)).map(|_| of.to_vec()).collect::<Vec<_>>();
    let mut cells = copies(CHANNELS, x);
    cells.extend(copies(KERNELS, w));
    let [rows, windows, partial] = [ROWS, WINDOWS, PARTIAL].map(|role| m.commits(role) > 0);
    if rows || windows || partial {
        let outer: usize = g.outer().iter().product();
        let dims = [outer * g.channels, g.rows.extent, g.columns.extent];
        let r = layout::gather(x, &dims, 1, &g.rows.index(), 0);
        let strips = g.rows.kernel * g.rows.out();
        if windows {
            let dims = [outer * g.channels * strips, g.columns.extent];
            cells.push(layout::gather(&r, &dims, 1, &g.columns.index(), 0));
        }
        if partial {
            cells.push(sums_of_columns(g, &r, narrow));
        }
        if rows {
            let at = cells.len() - (windows || partial) as usize;
            cells.insert(at, r);
        }
    }
    cells.extend(copies(SUMS, y));
    cells.extend(copies(MERGED, y));
    cells
}

/// `z[m, kx, oh, w] = sum_{c, ky} r[c, ky, oh, w] w[m, c, ky, kx]`
fn sums_of_columns(g: &Geometry, r: &[i32], w: &[i16]) -> Vec<i32> {
    let (taps, kw) = (g.channels * g.rows.kernel, g.columns.kernel);
    let area = g.rows.out() * g.columns.extent;
    let mut z = vec![];
    for (i, r) in r.chunks_exact(taps * area).enumerate() {
        let w = &w[i % g.groups * g.outputs * taps * kw..][..g.outputs * taps * kw];
        let by_column: Vec<i16> = (0..g.outputs * kw * taps)
            .map(|j| {
                let (m, kx, tap) = (j / (kw * taps), j / taps % kw, j % taps);
                w[(m * taps + tap) * kw + kx]
            })
            .collect();
        z.extend(kernel::narrow(&by_column, r, 1, g.outputs * kw, taps, area));
    }
    z
}

/// `[C, KH, KW, OH, OW]`: what each entry of the kernel meets at each output.
fn unfold<T: Copy, U: Copy + Default>(g: &Geometry, x: &[T], f: impl Fn(T) -> U) -> Vec<U> {
    let (h, w) = (g.rows.index(), g.columns.index());
    let (oh, ow) = (g.rows.out(), g.columns.out());
    let mut out = Vec::with_capacity(g.taps() * oh * ow);
    for channel in x.chunks_exact(g.rows.extent * g.columns.extent) {
        for h in h.chunks_exact(oh) {
            for w in w.chunks_exact(ow) {
                for &row in h {
                    match channel.chunks_exact(g.columns.extent).nth(row as usize) {
                        Some(row) => {
                            out.extend(
                                w.iter().map(|&i| row.get(i as usize).map_or(U::default(), |&v| f(v))),
                            );
                        }
                        None => out.extend(std::iter::repeat_n(U::default(), ow)),
                    }
                }
            }
        }
    }
    out
}

pub(super) fn float(call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
    let (x, w) = (call.args[0], call.args[1]);
    let g = Geometry::new(&x.shape, &w.shape, &call.node.op).ok_or_else(|| call.missing())?;
    let (taps, maps) = (g.taps(), g.rows.out() * g.columns.out());
    let mut y = Vec::with_capacity(call.node.ty.shape.len());
    for (i, maps_in) in x.data.chunks_exact(g.channels * g.rows.extent * g.columns.extent).enumerate() {
        let w = w.data[i % g.groups * g.outputs * taps..][..g.outputs * taps].to_vec();
        let w = FloatTensor::new(Shape::new([g.outputs, taps]), w);
        let columns = FloatTensor::new(Shape::new([taps, maps]), unfold(&g, maps_in, |v| v));
        y.extend(float::matmul::matmul(&w, &columns, &Shape::new([g.outputs, maps])));
    }
    Ok(y)
}

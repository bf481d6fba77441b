//! `max_pool(x, kernel = 2, stride = 2, padding = 0)`: the largest value of each window; the stride is the kernel's extents
//! unless given. Numbers are one for both sides or `[height, width]`.
//!
//! - Shape: `[C, H, W]` or `[N, C, H, W]`, with [`super::window`]'s extents. The padding is at most half the kernel; it never
//!   wins.
//! - Elements: I8, I12 or U8. Element, interval and step: the argument's. Integers and real numbers alike, so no rounding.
//! - Lowering: maxima of pairs, along the width and then along the height, see [`lower`]. For each output of a window of
//!   k x k about `(k - 1) * stride + k - 1` cells and lookups, and one lookup more; windows that overlap, or whose digits do
//!   not split, are copied first (`k` cells for each of the positions of the other axis).

mod exec;
mod lower;

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::window::{feature_map, pair, windows, Window};
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::Elem;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::shape::Shape;

pub struct MaxPool;

/// Differences of two values are keys of a table.
const TABLED: &[Elem] = &[Elem::I8, Elem::I12, Elem::U8];

impl OpDef for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn signature(&self) -> Signature {
        Signature { named: POOL, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        rules::takes(b, "max_pool", TABLED, id, At::Tensor(0), || "`max_pool(quantize_int8(h), ..)`".into())?;
        let pool = pool("max_pool", call, &b.ty(id).shape)?;
        let t = b.ty(id).clone();
        let op = Op::MaxPool { kernel: pool.kernel, stride: pool.stride, padding: pool.padding };
        Ok(vec![b.push(op, vec![id], TensorType { shape: pool.shape, ..t }, &call.name)])
    }
}

/// What pools take.
pub(super) const POOL: &[(&str, ArgKind, bool)] = &[
    ("kernel", ArgKind::Int, true),
    ("kernel", ArgKind::Ints, false),
    ("stride", ArgKind::Int, false),
    ("stride", ArgKind::Ints, false),
    ("padding", ArgKind::Int, false),
    ("padding", ArgKind::Ints, false),
];

/// The numbers of a pool, and its result's shape.
pub(super) struct Pool {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub shape: Shape,
}

pub(super) fn pool(op: &str, call: &Call, shape: &Shape) -> Result<Pool, OpError> {
    feature_map(op, shape)?;
    let kernel = pair(call, "kernel", [1, 1], 1)?;
    let stride = pair(call, "stride", kernel, 1)?;
    let padding = pair(call, "padding", [0, 0], 0)?;
    if let Some(i) = (0..2).find(|&i| 2 * padding[i] > kernel[i]) {
        let message = format!(
            "`padding` is at most half the kernel: expected at most {}, got {}",
            kernel[i] / 2,
            padding[i]
        );
        return Err(OpError::new(At::Named("padding".into()), message));
    }
    let [rows, columns] = windows(op, shape, kernel, stride, padding, [1, 1])?;
    let mut dims = shape.dims().to_vec();
    let rank = dims.len();
    (dims[rank - 2], dims[rank - 1]) = (rows.out(), columns.out());
    Ok(Pool { kernel, stride, padding, shape: Shape::new(dims) })
}

/// Extents of a pool: of its planes, and its windows.
pub(super) fn geometry(
    shape: &Shape,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Option<(usize, [Window; 2])> {
    let dims = shape.dims();
    let (planes, &[h, w]) = dims.split_at(dims.len().checked_sub(2)?) else { return None };
    let window = |extent, i: usize| Window {
        extent,
        kernel: kernel[i],
        stride: stride[i],
        padding: padding[i],
        dilation: 1,
    };
    let both = [window(h, 0), window(w, 1)];
    let fits = both.iter().all(|w| w.stride > 0 && w.kernel > 0 && w.fits().is_some());
    fits.then(|| (planes.iter().product(), both))
}

/// Of a node that the rules have accepted; `None` of another.
fn of(graph: &Graph, node: &Node) -> Option<(usize, [Window; 2])> {
    let Op::MaxPool { kernel, stride, padding } = node.op else { return None };
    geometry(&graph.ty(*node.args.first()?).shape, kernel, stride, padding)
}

impl Primitive for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let Some((_, windows)) = of(m.graph, m.graph.node(id)) else {
            return Err(m.malformed(id, "is no max_pool"));
        };
        Ok(exec::eval(&m.arg(id, 0), windows, |role| commits && m.commits(role) > 0))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        lower::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::MaxPool { kernel, stride, padding } = call.node.op else { return Err(call.missing()) };
        let x = call.args[0];
        let (_, windows) = geometry(&x.shape, kernel, stride, padding).ok_or_else(|| call.missing())?;
        Ok(exec::maxima(&x.data, windows, f32::max))
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        Bound::of(of[known.graph.node(id).args[0]].whole())
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        let Some((planes, [rows, columns])) = of(graph, node) else { return Work::NONE };
        let pairs = (columns.kernel - 1) * rows.extent * columns.out()
            + (rows.kernel - 1) * rows.out() * columns.out();
        Work::elementwise(planes * pairs.max(1))
    }
}

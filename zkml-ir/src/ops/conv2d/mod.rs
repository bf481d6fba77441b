//! `conv2d(x, w, b, stride = [1, 1], padding = 0, dilation = 1, groups = 1)`; b is optional, numbers are one for both sides
//! or `[height, width]`.
//!
//! - Shape: x `[C, H, W]` or `[N, C, H, W]`, w `[CO, C / groups, KH, KW]` (as PyTorch stores it), b `[CO]` give `[CO, OH, OW]`
//!   or `[N, CO, OH, OW]`, with [`super::window`]'s extents.
//! - Elements: I8, I12, I16 or U8 on both sides; gives `Acc`. Interval: `C / groups * KH * KW` times the product of the
//!   arguments' intervals and 0 (the padding). b is any type; it is added.
//! - Real numbers: the cross-correlation that PyTorch calls convolution. Step: the product of the arguments' steps.
//! - Lowering: a virtual sum of products over copies of x, see [`lower`]. Shifts of a stored axis are no views, so what
//!   windows share is committed again: for each input channel `KH * OH * W` cells and then the cheaper of
//!   `KH * KW * OH * OW` for each input channel and `KW * OH * W` for each output channel. An axis with a window of 1 and a
//!   stride of 1 takes none, nor does one whose windows lie side by side where digits allow it. No lookups.
//! - Groups of several output channels need one more cell for each output.
//! - Source: Thaler, "Time-optimal interactive proofs for circuit evaluation", 2013, for the sumcheck; the unfolded
//!   convolution is Chellapilla, Puri, Simard, "High performance convolutional neural networks", 2006.

mod exec;
mod geometry;
mod lower;

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::window::{feature_map, pair, windows};
use super::{add, reshape, rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::calibrate::bounds;
use crate::elem::Interval;
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::ops::matmul::FACTORS;
use crate::ops::views::with_zero;
use crate::shape::Shape;
use geometry::Geometry;

pub struct Conv2d;

impl OpDef for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn signature(&self) -> Signature {
        Signature {
            tensors: &["x", "w", "b"],
            min_tensors: 2,
            max_tensors: 3,
            named: &[
                ("stride", ArgKind::Int, false),
                ("stride", ArgKind::Ints, false),
                ("padding", ArgKind::Int, false),
                ("padding", ArgKind::Ints, false),
                ("dilation", ArgKind::Int, false),
                ("dilation", ArgKind::Ints, false),
                ("groups", ArgKind::Int, false),
            ],
            turbofish: false,
        }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (x, w) = (call.tensors[0], call.tensors[1]);
        let help_x = || format!("`conv2d(quantize_int8(h), {})`", b.label(w, "w"));
        rules::takes(b, "conv2d", FACTORS, x, At::Tensor(0), help_x)?;
        let help_w = || format!("`conv2d({}, quantize_int8(h))`", b.label(x, "x"));
        rules::takes(b, "conv2d", FACTORS, w, At::Tensor(1), help_w)?;
        feature_map("conv2d", &b.ty(x).shape)?;
        let stride = pair(call, "stride", [1, 1], 1)?;
        let padding = pair(call, "padding", [0, 0], 0)?;
        let dilation = pair(call, "dilation", [1, 1], 1)?;
        let groups = groups(call, &b.ty(x).shape, &b.ty(w).shape)?;
        let kernel = &b.ty(w).shape.dims()[2..];
        windows("conv2d", &b.ty(x).shape, [kernel[0], kernel[1]], stride, padding, dilation)?;
        let op = Op::Conv2d { stride, padding, dilation, groups };
        let y = conv2d(b, x, w, op, &call.name)?;
        let Some(&bias) = call.tensors.get(2) else { return Ok(vec![y]) };
        Ok(vec![per_channel_bias(b, y, bias, &call.name)?])
    }
}

/// `y + b`, b `[C]` for the channels of a feature map.
fn per_channel_bias(b: &mut GraphBuilder, y: NodeId, bias: NodeId, name: &str) -> Result<NodeId, OpError> {
    let channels = b.ty(y).shape.dims()[b.ty(y).shape.rank() - 3];
    if b.ty(bias).shape.dims() != [channels] {
        let message = format!(
            "`b` has one value for each output channel: expected [{channels}], got {}",
            b.ty(bias).shape
        );
        return Err(OpError::new(At::Tensor(2), message));
    }
    rules::sized(b, "conv2d", bias, At::Tensor(2))?;
    let bias = reshape::reshape(b, bias, Shape::new([channels, 1, 1]), &format!("{name}.b"));
    add::add(b, y, bias, &format!("{name}.bias"))
}

/// `groups`, for which the shapes are right.
fn groups(call: &Call, x: &Shape, w: &Shape) -> Result<usize, OpError> {
    if w.rank() != 4 {
        let message = format!("`w` of `conv2d` is [CO, CI / groups, KH, KW], got {w}");
        return Err(OpError::new(At::Tensor(1), message));
    }
    let (channels, out) = (x.dims()[x.rank() - 3], w.dims()[0]);
    let groups = call.int("groups").unwrap_or(1);
    let divides = |n: usize| groups >= 1 && (n as i64) % groups == 0;
    if !(divides(channels) && divides(out)) {
        let message =
            format!("`groups` must divide {channels} input and {out} output channels, got {groups}");
        return Err(OpError::new(At::Named("groups".into()), message));
    }
    let expected = channels / groups as usize;
    if w.dims()[1] != expected {
        let message =
            format!("`conv2d` needs equal channels: expected a weight with {expected}, got {}", w.dims()[1]);
        return Err(OpError::new(At::Tensor(1), message).note(format!("{x}, {w}, groups = {groups}")));
    }
    Ok(groups as usize)
}

/// Adds the convolution; shapes are valid.
fn conv2d(b: &mut GraphBuilder, x: NodeId, w: NodeId, op: Op, name: &str) -> Result<NodeId, OpError> {
    let (tx, tw) = (b.ty(x), b.ty(w));
    let g =
        Geometry::new(&tx.shape, &tw.shape, &op).ok_or_else(|| OpError::new(At::Call, "no convolution"))?;
    let k = g.taps();
    let interval = interval(tx.interval, tw.interval, k);
    let interval = rules::bounded(interval, || {
        let (mx, mw) = (tx.interval.max_abs() as f64, tw.interval.max_abs() as f64);
        OpError::new(At::Call, "sum can leave (-2^30, 2^30)")
            .note(format!(
                "x: {}, w: {}, {} * {} * {} taps: {k} * {} * {} = {}",
                tx.elem,
                tw.elem,
                g.channels,
                g.rows.kernel,
                g.columns.kernel,
                rules::power(mx),
                rules::power(mw),
                rules::power(k as f64 * mx * mw)
            ))
            .help("narrow one side, or split the channels: quantize partial sums and add them")
    })?;
    let (shape, step) = (Shape::new(g.out_dims()), tx.step.times(&tw.step));
    let ty = TensorType { elem: crate::elem::Elem::Acc, shape, interval, step };
    Ok(b.push(op, vec![x, w], ty, name))
}

/// Of k products, some of which may be with padding.
fn interval(x: Interval, w: Interval, k: usize) -> Interval {
    (with_zero(x) * with_zero(w)).scale(k as i64)
}

impl Primitive for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        exec::eval(m, id, commits)
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        lower::lower(ctx, id).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        exec::float(call)
    }

    /// One interval for all channels: bounds have columns on the last axis only, which here is a spatial one.
    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        let node = known.graph.node(id);
        match bounds::convolution(known, node, of) {
            Some(i) => Bound::of(i),
            None => Bound::of(node.ty.interval),
        }
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        let Some(g) = Geometry::of(graph, node) else { return Work::NONE };
        let multiply_adds = (node.ty.shape.len() * g.taps()) as u64;
        Work::products(multiply_adds, g.read_cells() as u64)
    }
}

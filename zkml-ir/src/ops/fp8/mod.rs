//! `quantize_fp8_e4m3(x)`, `quantize_fp8_e5m2(x)`: 8-bit floating point; `dequantize_e4m3(c)`, `dequantize_e5m2(c)`:
//! back.
//!
//! - Quantize: x is I8, I12, I16 or U8; gives the code byte, U8, of the fp8 number nearest to `x * scale`, ties to the
//!   even code, saturating at +-448 (E4M3) or +-57344 (E5M2). No infinity and no NaN is ever made; a negative x that is
//!   too small becomes -0, code 0x80. `scale = ..` is a positive real number, used exactly; without it the largest
//!   power of two, at most 1, at which no value of x's interval saturates.
//! - The step of a code is the real value of the fp8 number 1: `step(x) / scale`. So nothing is calibrated: a floating
//!   point number needs no finer choice. Real numbers: the identity. Error: half a unit of the mantissa, 2^-4 (E4M3) or
//!   2^-3 (E5M2) of the value at most, and half of 2^-9 or 2^-16 units of the code below the normal numbers.
//! - Dequantize: c is U8; gives integers in fixed point. E4M3: I24 in units of 2^-9 of the code's step, exact, in
//!   [-229376, 229376]. E5M2: `Acc` in units of 2^-14, in [-939524096, 939524096]; exact from 2^-12 on, below it
//!   rounded to the nearest unit, ties to even. A code that is no number (0x7f, 0xff; in E5M2 0x7c to 0x7f and 0xfc to
//!   0xff) has no row: running such an input is an error, and no proof of it exists.
//! - Lowering: one cell and one lookup each, (FP8, x, code) or (FP8-VALUE, code, value). Both tables are functions of
//!   types and constants of the source, by integer arithmetic; `crate::tables::Fp8` has the format.
//! - Source: Open Compute Project, "OCP 8-bit Floating Point Specification (OFP8)", 2023.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::relu::TABLED;
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::plan::Space;
use crate::tables::{Fp8, Fp8Decode, Fp8Encode, StepBits, Table};

/// `quantize_fp8_e4m3(x)`
pub struct QuantizeFp8(Fp8);
/// `dequantize_e4m3(c)`
pub struct DequantizeFp8(Fp8);

pub(super) const QUANTIZE_E4M3: QuantizeFp8 = QuantizeFp8(Fp8::E4M3);
pub(super) const QUANTIZE_E5M2: QuantizeFp8 = QuantizeFp8(Fp8::E5M2);
pub(super) const DEQUANTIZE_E4M3: DequantizeFp8 = DequantizeFp8(Fp8::E4M3);
pub(super) const DEQUANTIZE_E5M2: DequantizeFp8 = DequantizeFp8(Fp8::E5M2);

impl OpDef for QuantizeFp8 {
    fn name(&self) -> &'static str {
        match self.0 {
            Fp8::E4M3 => "quantize_fp8_e4m3",
            Fp8::E5M2 => "quantize_fp8_e5m2",
        }
    }

    fn signature(&self) -> Signature {
        Signature { named: &[("scale", ArgKind::Real, false)], ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (id, name) = (call.tensors[0], OpDef::name(self));
        rules::takes(b, name, TABLED, id, At::Tensor(0), || format!("`{name}(quantize::<I16>(h))`"))?;
        let x = b.ty(id).clone();
        let scale = call.real("scale").unwrap_or_else(|| default_scale(self.0, x.interval));
        if StepBits::new(scale).is_none() {
            return Err(OpError::new(
                At::Named("scale".into()),
                format!("`scale` must be positive, got {scale}"),
            )
            .note("the fp8 number is that nearest to x * scale, x in its integers"));
        }
        let ty = TensorType {
            elem: Elem::U8,
            shape: x.shape,
            interval: Elem::U8.interval(),
            step: x.step.scaled(1.0 / scale),
        };
        Ok(vec![b.push(Op::QuantizeFp8 { format: self.0, scale }, vec![id], ty, &call.name)])
    }
}

/// The largest power of two, at most 1, that keeps the interval inside the format.
fn default_scale(format: Fp8, x: Interval) -> f64 {
    (0..).map(|k| 0.5f64.powi(k)).find(|s| x.max_abs() as f64 * s <= format.most() as f64).unwrap_or(1.0)
}

impl OpDef for DequantizeFp8 {
    fn name(&self) -> &'static str {
        match self.0 {
            Fp8::E4M3 => "dequantize_e4m3",
            Fp8::E5M2 => "dequantize_e5m2",
        }
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["c"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let id = call.tensors[0];
        let help = || format!("codes are made by `quantize_fp8_{}(x)`", self.0.name());
        rules::takes(b, OpDef::name(self), &[Elem::U8], id, At::Tensor(0), help)?;
        let c = b.ty(id).clone();
        let elem = if self.0 == Fp8::E4M3 { Elem::I24 } else { Elem::Acc };
        let interval = Fp8Decode { format: self.0 }.entry_range(1);
        let step = c.step.scaled(2f64.powi(self.0.unit()));
        let ty = TensorType { elem, shape: c.shape, interval, step };
        Ok(vec![b.push(Op::DequantizeFp8 { format: self.0 }, vec![id], ty, &call.name)])
    }
}

fn encoder(graph: &Graph, node: &Node) -> Option<Fp8Encode> {
    let (Op::QuantizeFp8 { format, scale }, x) = (&node.op, graph.ty(node.args[0]).interval) else {
        return None;
    };
    let scale = StepBits::new(*scale).filter(|_| x.width() < 1 << 16)?;
    Some(Fp8Encode { format: *format, lo: x.lo as i32, hi: x.hi as i32, scale })
}

/// One cell, the table's second entry for the argument.
fn look_up(ctx: &mut Ctx, id: NodeId, table: Table) -> Result<Option<Value>, LowerError> {
    let x = ctx.affine(ctx.graph.nodes[id].args[0])?.lin.clone();
    let space = Space::from(&ctx.ty(id).shape);
    let y = ctx.cell("", &space, table.entry_range(1), 1);
    let shared = ctx.shared_table(table);
    ctx.lookup(table.name(), shared, &space, vec![x, ctx.cells(y)]);
    Ok(Some(Value::stored(y, space)))
}

impl Primitive for QuantizeFp8 {
    fn name(&self) -> &'static str {
        "fp8"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let t = encoder(m.graph, m.graph.node(id)).ok_or_else(|| m.malformed(id, "is no fp8 of a table"))?;
        let codes = t.columns().swap_remove(1);
        let y = m.arg(id, 0).iter().map(|x| codes[(x - t.lo) as usize]).collect();
        Ok(Computed::stored(y, true))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let t =
            encoder(ctx.graph, ctx.graph.node(id)).ok_or_else(|| ctx.unsupported("is no fp8 of a table"))?;
        look_up(ctx, id, Table::Fp8Encode(t))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.args[0].data.clone())
    }

    fn bound(&self, known: &Known, id: NodeId, _: &[Bound]) -> Bound {
        Bound::of(known.graph.ty(id).interval)
    }

    fn work(&self, _: &Graph, node: &Node) -> Work {
        Work::elementwise(node.ty.shape.len())
    }

    /// The code's step is the argument's, but which integers a code can tell apart depends on it.
    fn reads_steps(&self) -> bool {
        true
    }
}

impl Primitive for DequantizeFp8 {
    fn name(&self) -> &'static str {
        "fp8"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let node = m.graph.node(id);
        let Op::DequantizeFp8 { format } = node.op else { return Err(m.malformed(id, "is no fp8")) };
        let c = m.arg(id, 0);
        let value = |(i, &c): (usize, &i32)| {
            format.decode(c).ok_or_else(|| RunError::Unprovable {
                name: node.name.clone(),
                what: format!("code {c:#04x} at index {i} is no number of {}", format.name()),
            })
        };
        let y = c.iter().enumerate().map(value).collect::<Result<Vec<i32>, _>>()?;
        Ok(Computed::stored(y, true))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let Op::DequantizeFp8 { format } = ctx.graph.nodes[id].op else {
            return Err(ctx.unsupported("is no fp8"));
        };
        look_up(ctx, id, Table::Fp8Decode(Fp8Decode { format }))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Ok(call.args[0].data.clone())
    }
}

//! Inputs and weights.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, NodeId, Op,
    Primitive, RunError, Value, Work,
};
use crate::calibrate::bounds;
use crate::lower::io;

pub(super) struct Input;
pub(super) struct Weight;

impl Primitive for Input {
    fn name(&self) -> &'static str {
        "input"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let node = m.graph.node(id);
        let Op::Input(i) = node.op else { return Err(m.malformed(id, "is no input")) };
        let cells = match commits && m.graph.inputs[i].private {
            true => io::bounded_cells(node.ty.interval, &m.input(i).to_vec()),
            false => vec![],
        };
        Ok(Computed { value: vec![], cells })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let Op::Input(i) = ctx.graph.node(id).op else { return Err(ctx.unsupported("is no input")) };
        io::input(ctx, id, i).map(Some)
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        // The walk borrows the caller's values and asks for none.
        Err(call.missing())
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}

impl Primitive for Weight {
    fn name(&self) -> &'static str {
        "weight"
    }

    fn eval(&self, _: &Machine, _: NodeId, _: bool) -> Result<Computed, RunError> {
        Ok(Computed { value: vec![], cells: vec![] })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let Op::Weight(i) = ctx.graph.node(id).op else { return Err(ctx.unsupported("is no weight")) };
        Ok(Some(io::weight(ctx, id, i)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        Err(call.missing())
    }

    fn bound(&self, known: &Known, id: NodeId, _: &[Bound]) -> Bound {
        bounds::of_weight(known, id)
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}

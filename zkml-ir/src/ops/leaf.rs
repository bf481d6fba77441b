//! Inputs, weights and constants.

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, NodeId, Op,
    Primitive, RunError, Value, Work,
};
use crate::calibrate::bounds;
use crate::lower::io;
use crate::plan::{self, Space};

pub(super) struct Input;
pub(super) struct Weight;
/// Integers of the model's text: public, part of the plan, and shared where they are equal.
pub(super) struct Constant;

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

impl Primitive for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let Op::Constant(values) = &m.graph.node(id).op else {
            return Err(m.malformed(id, "is no constant"));
        };
        Ok(Computed::virtual_(values.clone()))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let Op::Constant(values) = &node.op else { return Err(ctx.unsupported("is no constant")) };
        if values.len() != node.ty.shape.len() {
            return Err(LowerError::Malformed {
                node: node.name.clone(),
                what: "has not the values of its shape",
            });
        }
        let space = Space::from(&node.ty.shape);
        let dense = plan::Constant::Dense(values.clone());
        let t = ctx.shared_constant("", &space, node.ty.interval, dense);
        Ok(Some(Value::stored(t, space)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Constant(values) = &call.node.op else { return Err(call.missing()) };
        // A constant's step is one.
        Ok(values.iter().map(|&v| (v as f64 * call.node.ty.step.coef) as f32).collect())
    }

    fn work(&self, _: &Graph, _: &Node) -> Work {
        Work::NONE
    }
}

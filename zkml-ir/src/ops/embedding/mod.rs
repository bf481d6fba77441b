//! `embedding(tokens, table)`: row `tokens[i]` of the table for every i.
//!
//! - Shape: tokens `[..]`, table `[v, d]`; gives `[.., d]`. Element, interval and step: the table's.
//! - Tokens: any integer element. They are numbers of rows: an input's interval becomes [0, v - 1] and its step 1, so that
//!   the check of a statement checks them; anything computed must lie in there by its type.
//! - Real numbers: the same selection.
//! - Lowering: `e[.., d] = sum_v h[.., v] table[v, d]`, one exact cell for each element of the result, where h holds a row with
//!   a single 1 for each token. Of a public input h is public: the verifier evaluates it in time linear in the tokens, the
//!   prover folds it. Of a private input or a computed tensor it is committed, `v` cells and lookups for each token, with
//!   `sum_v h = 1` and `sum_v v h = token` ([`one_hot`]): flags that add up to one are one 1, and its place is the token.
//!   So e is a row of the table, and lies in its interval: the product's proven bound.
//! - Cost: the multiply-adds of a gather; the sumcheck reads the flags and the table once.
//!
//! The number of rows should have a power of two in it: an axis is stored in slabs by its odd part, and a vocabulary of
//! 50257 would be as many slabs. Pad it to 50304 = 393 * 2^7 (DESIGN 5.1).

pub(crate) mod one_hot;

use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Graph, Known, LowerError, Machine, Node, Primitive,
    RunError, Value, Work,
};
use super::{rules, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::lower::value::factor;
use crate::plan::{Axis, Product, Space};
use crate::shape::{Shape, MAX_RANK};

pub struct Embedding;

impl OpDef for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["tokens", "table"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let [tokens, table] = [call.tensors[0], call.tensors[1]];
        rules::sized(b, "embedding", table, At::Tensor(1))?;
        let (rows, dims) = (b.ty(tokens).shape.clone(), b.ty(table).shape.clone());
        let [v, d] = *dims.dims() else {
            return Err(OpError::new(
                At::Tensor(1),
                format!("`embedding` takes a table [v, d], got shape {dims}"),
            ));
        };
        if rows.rank() >= MAX_RANK {
            let message =
                format!("`embedding` takes tokens of at most {} axes, got shape {rows}", MAX_RANK - 1);
            return Err(OpError::new(At::Tensor(0), message));
        }
        let range = Interval::new(0, v as i64 - 1);
        if b.ty(tokens).elem != Elem::Acc && b.ty(tokens).elem.interval().hi < 1 {
            return Err(OpError::new(At::Tensor(0), "`embedding` takes numbers of rows"));
        }
        b.flags(tokens, range).map_err(|why| {
            OpError::new(
                At::Tensor(0),
                format!("tokens name one of {v} rows: {}", why.replace("flags", "they")),
            )
        })?;
        let t = b.ty(table).clone();
        let shape = Shape::new([rows.dims(), &[d]].concat());
        Ok(vec![b.push(Op::Embedding, vec![tokens, table], TensorType { shape, ..t }, &call.name)])
    }
}

/// Rows and width of the table.
fn table(graph: &Graph, node: &Node) -> (usize, usize) {
    let d = graph.ty(node.args[1]).shape.dims();
    (d[0], d[1])
}

impl Primitive for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn eval(&self, m: &Machine, id: NodeId, commits: bool) -> Result<Computed, RunError> {
        let node = m.graph.node(id);
        let (v, d) = table(m.graph, node);
        let tokens = m.arg(id, 0);
        let Some(rows) = m.val(id, 1) else { return Err(m.malformed(id, "has no table")) };
        let mut e = Vec::with_capacity(tokens.len() * d);
        for (index, &t) in tokens.iter().enumerate() {
            let Some(row) = usize::try_from(t).ok().filter(|&t| t < v) else {
                let (name, range) = (m.graph.node(node.args[0]).name.clone(), Interval::new(0, v as i64 - 1));
                return Err(RunError::Range { name, index, value: t as i64, range });
            };
            e.extend(rows.part(row * d..(row + 1) * d));
        }
        let mut cells = vec![];
        if commits && public_input(m.graph, node.args[0]).is_none() {
            cells.push(one_hot::flags(&tokens, v));
        }
        if commits {
            cells.push(e.clone());
        }
        Ok(Computed { value: e, cells })
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let node = &ctx.graph.nodes[id];
        let (v, _) = table(ctx.graph, node);
        let (columns, rows) = (Axis::new(v), Space::from(&ctx.ty(node.args[0]).shape));
        let h = match public_input(ctx.graph, node.args[0]) {
            Some(input) => ctx.one_hot_of(input, &rows.and(&[columns])),
            None => {
                let tokens = ctx.affine(node.args[0])?.lin.clone();
                one_hot::commit(ctx, &rows, columns, tokens)
            }
        };
        let rank = rows.axes().len();
        let space = Space::from(&node.ty.shape);
        // Output axes: those of the tokens, then d; the contracted one is v.
        let h_axes: Vec<usize> = (0..rank).chain([rank + 1]).collect();
        let product = Product {
            coef: 1,
            contracted: vec![columns],
            a: factor(&ctx.cells(h), &h_axes, rank + 1),
            b: factor(&ctx.affine(node.args[1])?.lin, &[rank + 1, rank], rank + 1),
            proven: Some(ctx.ty(node.args[1]).interval),
        };
        let e = ctx.exact_cell("row", &space, node.ty.interval);
        ctx.constraint("row", &space, ctx.cells(e).scaled(-1), vec![product]);
        Ok(Some(Value::stored(e, space)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let (tokens, rows) = (call.args[0], call.args[1]);
        let (v, d) = (rows.shape.dims()[0], rows.shape.dims()[1]);
        let mut e = Vec::with_capacity(tokens.data.len() * d);
        for (index, &t) in tokens.data.iter().enumerate() {
            if !(t >= 0.0 && t.fract() == 0.0 && (t as usize) < v) {
                return Err(FloatError::Token { name: call.node.name.clone(), index, value: t, rows: v });
            }
            e.extend_from_slice(&rows.data[t as usize * d..][..d]);
        }
        Ok(e)
    }

    fn bound(&self, known: &Known, id: NodeId, of: &[Bound]) -> Bound {
        of[known.graph.node(id).args[1]].clone()
    }

    fn work(&self, graph: &Graph, node: &Node) -> Work {
        let (v, d) = table(graph, node);
        let tokens = graph.ty(node.args[0]).shape.len();
        let (v, d, t) = (v as u64, d as u64, tokens as u64);
        Work { multiply_adds: t * d, naive_rows: t * v * d, sumcheck_rows: t * v + v * d + t * d }
    }
}

/// The index of a public input.
fn public_input(graph: &Graph, node: NodeId) -> Option<usize> {
    match graph.node(node).op {
        Op::Input(i) if !graph.inputs[i].private => Some(i),
        _ => None,
    }
}

//! The model certificate: every committed weight lies in its declared range (DESIGN 5.2).
//!
//! Proven once by `setup` and checked once for each key, it is what lets every proof take the ranges of weights for
//! granted. A weight is bounded as a private input is: see [`super::io`].

use super::ctx::Ctx;
use super::{io, LowerError, Lowered};
use crate::graph::{Graph, Op, Params};
use crate::plan::{check, Source, Space};

/// The plan of the certificate; its witness is [`crate::exec::certificate_trace`]'s.
pub fn certificate(graph: &Graph) -> Result<Lowered, LowerError> {
    let params = Params::default();
    let mut ctx = Ctx::new(graph, &params);
    for (id, node) in graph.nodes.iter().enumerate() {
        if let Op::Weight(index) = node.op {
            ctx.begin(id, node.name.clone());
            let space = Space::from(&node.ty.shape);
            io::bounded(&mut ctx, Source::Weight(index), node.ty.interval, &space)?;
        }
    }
    ctx.end();
    check(&ctx.plan)?;
    Ok(Lowered { plan: ctx.plan, parts: ctx.parts })
}

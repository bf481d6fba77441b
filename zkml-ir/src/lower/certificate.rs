//! The model certificate: every committed weight lies in its declared range (DESIGN 5.2).
//!
//! Proven once by `setup` and checked once for each key, it is what lets every proof take the ranges of weights for
//! granted. A weight is bounded as a private input is: see [`super::io`].
//!
//! A lookup takes 32 bytes while it is proven, and an argument holds fewer than 2^30, so a model of very many weights is
//! certified in parts, each an argument of its own over the same tree. Every part declares all weights, so that it lays
//! them out as the model does, and looks up its own: it takes nothing for granted of the others, since it reads none.

use super::ctx::Ctx;
use super::{io, LowerError, Lowered};
use crate::graph::{GraphBuilder, Params};
use crate::plan::{check, BoundBy, Plan, Source, TensorDecl};

/// Lookups that one part holds, unless a single weight needs more.
pub const CERTIFICATE_PART: u64 = 1 << 25;

/// The plans of the certificate of `model`'s weights; their witnesses are [`crate::exec::certificate_trace`]'s. They follow
/// from the model's plan alone, so that no weight which that plan takes for granted can be missing here.
pub fn certificate(model: &Plan) -> Result<Vec<Lowered>, LowerError> {
    certificate_in_parts(model, CERTIFICATE_PART)
}

/// The same in parts of another size. Verifiers know [`CERTIFICATE_PART`] alone.
pub fn certificate_in_parts(model: &Plan, most: u64) -> Result<Vec<Lowered>, LowerError> {
    let parts = certificate_size(model, most)?;
    parts.iter().try_for_each(|part| check(&part.plan))?;
    Ok(parts)
}

/// The same plans unchecked, for what they cost: a weight of very many cells is beyond what one argument holds.
pub fn certificate_size(model: &Plan, most: u64) -> Result<Vec<Lowered>, LowerError> {
    let weights = || model.tensors.iter().enumerate().filter(|(_, t)| matches!(t.source, Source::Weight(_)));
    // Which part bounds each weight: as many as fit, in their order.
    let (mut part, mut filled, mut of) = (0, 0, vec![]);
    for (_, decl) in weights() {
        let lookups = io::lookups_of(decl.range) * decl.axes.len() as u64;
        if filled > 0 && filled + lookups > most {
            (part, filled) = (part + 1, 0);
        }
        filled += lookups;
        of.push(part);
    }
    let Some(&last) = of.last() else { return Ok(vec![]) };
    let graph = GraphBuilder::new("").finish();
    let params = Params::default();
    let lower = |part: usize| {
        let mut ctx = Ctx::new(&graph, &params);
        for ((id, decl), &own) in weights().zip(&of) {
            let TensorDecl { source, range, axes, name, .. } = decl;
            ctx.begin(id, name.clone());
            match own == part {
                true => io::bounded(&mut ctx, source.clone(), *range, axes)?,
                false => ctx.tensor("", source.clone(), axes, *range, BoundBy::Certificate),
            };
        }
        ctx.end();
        Ok(Lowered { plan: ctx.plan, parts: ctx.parts })
    };
    (0..=last).map(lower).collect()
}

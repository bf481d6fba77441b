//! The model certificate: every committed weight lies in its declared range (DESIGN 5.2).
//!
//! Proven once by `setup` and checked once for each key, it is what lets every proof take the ranges of weights for
//! granted. A weight is bounded as a private input is: see [`super::io`].

use super::ctx::Ctx;
use super::{io, LowerError, Lowered};
use crate::graph::{GraphBuilder, Params};
use crate::plan::{check, Plan, Source};

/// The plan of the certificate of `model`'s weights; its witness is [`crate::exec::certificate_trace`]'s. It follows from
/// the model's plan alone, so that no weight which that plan takes for granted can be missing here.
pub fn certificate(model: &Plan) -> Result<Lowered, LowerError> {
    let lowered = certificate_size(model)?;
    check(&lowered.plan)?;
    Ok(lowered)
}

/// The same plan unchecked, for what it costs: that of very many weights is beyond what one argument holds.
pub fn certificate_size(model: &Plan) -> Result<Lowered, LowerError> {
    let (graph, params) = (GraphBuilder::new("").finish(), Params::default());
    let mut ctx = Ctx::new(&graph, &params);
    for (id, decl) in model.tensors.iter().enumerate() {
        if let Source::Weight(_) = decl.source {
            ctx.begin(id, decl.name.clone());
            io::bounded(&mut ctx, decl.source.clone(), decl.range, &decl.axes)?;
        }
    }
    ctx.end();
    Ok(Lowered { plan: ctx.plan, parts: ctx.parts })
}

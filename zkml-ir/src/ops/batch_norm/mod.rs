//! `batch_norm(x, scale, shift)`: the inference form, `x * scale[c] + shift[c]` for each channel.
//!
//! - Shape: x `[C, H, W]` or `[N, C, H, W]`, scale and shift `[C]`. `scale = gamma / sqrt(var + eps)` and
//!   `shift = beta - mean * scale` are folded beforehand.
//! - Elements: I8, I12, I16 or U8 for x and scale, any for shift; gives `Acc`. Interval: of the product, plus the shift's.
//! - Step: x's times scale's, which an I24 shift takes.
//! - Lowering: a product with a broadcast weight, virtual; no cells.

use super::window::feature_map;
use super::{add, mul, reshape, rules, At, Call, OpDef, OpError, Signature};
use crate::graph::{GraphBuilder, NodeId};
use crate::shape::Shape;

pub struct BatchNorm;

impl OpDef for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn signature(&self) -> Signature {
        Signature::tensors(&["x", "scale", "shift"])
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let x = call.tensors[0];
        feature_map("batch_norm", &b.ty(x).shape)?;
        let channels = b.ty(x).shape.dims()[b.ty(x).shape.rank() - 3];
        let mut broadcast = vec![];
        for (i, name) in [(1, "scale"), (2, "shift")] {
            let id = call.tensors[i];
            rules::sized(b, "batch_norm", id, At::Tensor(i))?;
            if b.ty(id).shape.dims() != [channels] {
                let message = format!(
                    "`{name}` has one value for each channel: expected [{channels}], got {}",
                    b.ty(id).shape
                );
                return Err(OpError::new(At::Tensor(i), message));
            }
            let to = Shape::new([channels, 1, 1]);
            broadcast.push(reshape::reshape(b, id, to, &format!("{}.{name}", call.name)));
        }
        let y = mul::by_tensor(b, x, broadcast[0], &format!("{}.scaled", call.name))?;
        Ok(vec![add::add(b, y, broadcast[1], &call.name)?])
    }
}

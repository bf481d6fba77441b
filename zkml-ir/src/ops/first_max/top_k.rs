//! `top_k(x, k = 5)`: k first maxima, each among what the earlier ones left.

use super::{choose, Row};
use crate::graph::{GraphBuilder, NodeId, Op, TensorType};
use crate::ops::reshape::reshape;
use crate::ops::{reduce, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::shape::Shape;

pub struct TopK;

/// More would be a sort, for which k rounds are the wrong way.
const MAX_K: usize = 64;

impl OpDef for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn signature(&self) -> Signature {
        let named =
            &[("k", ArgKind::Int, true), ("axis", ArgKind::Int, false), ("valid", ArgKind::Int, false)];
        Signature { named, ..Signature::tensors(&["x"]) }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let row = Row::new(b, "top_k", call)?;
        let (k, most) = (call.int("k").unwrap_or(0), row.valid.min(MAX_K));
        if !(1..=most as i64).contains(&k) {
            let message = format!("`k` must be from 1 to {most}, got {k}");
            return Err(OpError::new(At::Named("k".into()), message));
        }
        let (mut rounds, mut values, mut indices) = (vec![], vec![], vec![]);
        for _ in 0..k {
            let h = row.round(b, &rounds, &call.name)?;
            let value = choose::entry(b, h, row.x, &call.name);
            values.push(column(b, value, &call.name));
            let index = choose::index(b, h, &call.name);
            indices.push(column(b, index, &call.name));
            rounds.push(h);
        }
        let stacked = [values, indices].map(|c| {
            let all = columns(b, c, &call.name);
            reduce::from_last(b, all, row.axis, &call.name)
        });
        Ok(stacked.to_vec())
    }
}

/// A last axis of extent 1.
fn column(b: &mut GraphBuilder, y: NodeId, name: &str) -> NodeId {
    let dims = [b.ty(y).shape.dims(), &[1]].concat();
    reshape(b, y, Shape::new(dims), name)
}

/// Columns side by side: a view.
fn columns(b: &mut GraphBuilder, columns: Vec<NodeId>, name: &str) -> NodeId {
    let t = b.ty(columns[0]).clone();
    let axis = t.shape.rank() - 1;
    let mut dims = t.shape.dims().to_vec();
    dims[axis] = columns.len();
    if columns.len() == 1 {
        return columns[0];
    }
    let ty = TensorType { shape: Shape::new(dims), ..t };
    b.push(Op::Concat { axis }, columns, ty, name)
}

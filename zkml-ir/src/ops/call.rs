//! Calls against signatures: arity, names and kinds, the same for every op.

use super::{Arg, ArgKind, At, Call, OpError, Signature};
use crate::graph::NodeId;

/// Whether the call has the tensors and named arguments that the op takes.
pub(super) fn check(op: &str, sig: &Signature, call: &Call) -> Result<(), OpError> {
    let (got, min, max) = (call.tensors.len(), sig.min_tensors, sig.max_tensors);
    if got < min || got > max {
        let takes = if min == max { format!("{min}") } else { format!("{min} to {max}") };
        let message = format!("`{op}` takes {takes} tensors ({}), got {got}", sig.tensors.join(", "));
        return Err(OpError::new(if got > max { At::Tensor(max) } else { At::Call }, message));
    }
    if let (false, Some(elem)) = (sig.turbofish, call.elem) {
        return Err(OpError::new(At::Turbofish, format!("`{op}` takes no element type, got `{elem}`")));
    }
    for (name, arg) in &call.named {
        let kinds: Vec<ArgKind> = sig.named.iter().filter(|n| n.0 == name).map(|n| n.1).collect();
        let at = At::Named(name.clone());
        if kinds.is_empty() {
            return Err(unknown(op, sig, name, at));
        }
        if !kinds.iter().any(|k| accepts(*k, arg)) {
            let wants: Vec<_> = kinds.iter().map(|k| kind_text(*k)).collect();
            return Err(OpError::new(at, format!("`{name}` of `{op}` is {}", wants.join(" or "))));
        }
    }
    match sig.named.iter().find(|(n, _, required)| *required && !call.named.contains_key(*n)) {
        Some((n, kind, _)) => {
            Err(OpError::new(At::Op, format!("`{op}` needs `{n} = ..`, {}", kind_text(*kind))))
        }
        None => Ok(()),
    }
}

fn unknown(op: &str, sig: &Signature, name: &str, at: At) -> OpError {
    let mut known: Vec<_> = sig.named.iter().map(|n| format!("`{}`", n.0)).collect();
    known.dedup();
    let error = OpError::new(at, format!("`{op}` has no argument `{name}`"));
    match known.is_empty() {
        true => error,
        false => error.help(format!("it takes {}", known.join(", "))),
    }
}

fn accepts(kind: ArgKind, arg: &Arg) -> bool {
    matches!(
        (kind, arg),
        (ArgKind::Tensor, Arg::Tensor(_))
            | (ArgKind::Int, Arg::Int(_))
            | (ArgKind::Real, Arg::Real(_) | Arg::Int(_))
            | (ArgKind::Bool, Arg::Bool(_))
            | (ArgKind::Range, Arg::Range(..))
            | (ArgKind::Ints, Arg::Ints(_))
    )
}

fn kind_text(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::Tensor => "a tensor",
        ArgKind::Int => "an integer",
        ArgKind::Real => "a number",
        ArgKind::Bool => "`true` or `false`",
        ArgKind::Range => "a range like `0..64`",
        ArgKind::Ints => "a list like `[64, 12, 64]`",
    }
}

impl Call {
    pub fn tensor(&self, name: &str) -> Option<NodeId> {
        match self.named.get(name) {
            Some(Arg::Tensor(id)) => Some(*id),
            _ => None,
        }
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        match self.named.get(name) {
            Some(Arg::Int(v)) => Some(*v),
            _ => None,
        }
    }

    /// A real number; an integer is one.
    pub fn real(&self, name: &str) -> Option<f64> {
        match self.named.get(name) {
            Some(Arg::Real(v)) => Some(*v),
            Some(Arg::Int(v)) => Some(*v as f64),
            _ => None,
        }
    }

    /// False where it is not given.
    pub fn flag(&self, name: &str) -> bool {
        self.named.get(name) == Some(&Arg::Bool(true))
    }

    pub fn range(&self, name: &str) -> Option<(i64, i64)> {
        match self.named.get(name) {
            Some(Arg::Range(a, b)) => Some((*a, *b)),
            _ => None,
        }
    }

    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.named.get(name) {
            Some(Arg::Ints(v)) => Some(v),
            _ => None,
        }
    }
}

//! Source text from the IR, for places that have no span: callees of other crates, and run time.

use super::ast::{CalleeRef, Expr, ExprKind, Module};
use super::value::Spec;
use crate::ops::find;
use std::fmt;

/// An expression of `module`, as source text.
pub(super) struct Show<'a>(pub &'a Module, pub &'a Expr);

impl Show<'_> {
    fn list(&self, f: &mut fmt::Formatter<'_>, items: &[Expr]) -> fmt::Result {
        for (i, e) in items.iter().enumerate() {
            write!(f, "{}{}", if i > 0 { ", " } else { "" }, Show(self.0, e))?;
        }
        Ok(())
    }

    /// An operand of an operator: in parentheses if it is one itself.
    fn operand(&self, f: &mut fmt::Formatter<'_>, e: &Expr) -> fmt::Result {
        match e.kind {
            ExprKind::Binary { .. } => write!(f, "({})", Show(self.0, e)),
            _ => write!(f, "{}", Show(self.0, e)),
        }
    }
}

impl fmt::Display for Show<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sub = |e| Show(self.0, e);
        match &self.1.kind {
            ExprKind::Int(v) => write!(f, "{v}"),
            ExprKind::Real(v) => write!(f, "{v}"),
            ExprKind::Bool(v) => write!(f, "{v}"),
            ExprKind::Name(n) => f.write_str(n),
            ExprKind::Neg(e) => {
                f.write_str("-")?;
                self.operand(f, e)
            }
            ExprKind::Binary { op, left, right, .. } => {
                self.operand(f, left)?;
                write!(f, " {} ", op.symbol())?;
                self.operand(f, right)
            }
            ExprKind::Call(c) => {
                match &c.callee {
                    CalleeRef::Op(name) => f.write_str(name)?,
                    CalleeRef::Model(i) => f.write_str(&self.0.callees[*i].path)?,
                }
                c.turbofish.iter().try_for_each(|(e, _)| write!(f, "::<{e}>"))?;
                f.write_str("(")?;
                self.list(f, &c.args)?;
                for (i, n) in c.named.iter().enumerate() {
                    let comma = if i + c.args.len() > 0 { ", " } else { "" };
                    write!(f, "{comma}{} = {}", n.name.text, sub(&n.value))?;
                }
                f.write_str(")")
            }
            ExprKind::Index { base, index } => write!(f, "{}[{}]", sub(base), sub(index)),
            ExprKind::Range { start, end } => write!(f, "{}..{}", sub(start), sub(end)),
            ExprKind::Reversed(range) => write!(f, "({}).rev()", sub(range)),
            ExprKind::List(items) => {
                f.write_str("[")?;
                self.list(f, items)?;
                f.write_str("]")
            }
            ExprKind::Tuple(items) => {
                f.write_str("(")?;
                self.list(f, items)?;
                f.write_str(")")
            }
            ExprKind::Poison => f.write_str("?"),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.elem, self.shape)
    }
}

/// `matmul(x, w)`, from an op's signature.
pub(super) fn usage(op: &str) -> String {
    let Some(op) = find(op) else { return op.to_string() };
    let sig = op.signature();
    let tensors = sig.tensors.iter().take(sig.min_tensors.max(1)).map(|t| t.to_string());
    let named = sig.named.iter().filter(|(_, _, required)| *required).map(|(n, ..)| format!("{n} = .."));
    let fish = if sig.turbofish { "::<I8>" } else { "" };
    format!("{}{fish}({})", op.name(), tensors.chain(named).collect::<Vec<_>>().join(", "))
}

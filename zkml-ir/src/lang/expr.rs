//! Expressions: scalars are folded, tensors become nodes.

use super::ast::{BinOp, Expr, ExprKind, Origin};
use super::elaborate::{Elaborator, Problem};
use super::scope::Frame;
use super::suggest::nearest;
use super::value::Value;
use crate::ops::Arg;

impl<'m> Elaborator<'m> {
    pub fn eval(&mut self, frame: &mut Frame<'m>, e: &'m Expr) -> Value<'m> {
        match &e.kind {
            ExprKind::Int(v) => Value::Int(*v),
            ExprKind::Real(v) => Value::Real(*v),
            ExprKind::Bool(v) => Value::Bool(*v),
            ExprKind::Name(name) => self.eval_name(frame, e, name),
            ExprKind::Neg(inner) => match self.eval(frame, inner) {
                Value::Int(v) => Value::Int(-v),
                Value::Real(v) => Value::Real(-v),
                Value::Tensor(x) => self.operator(frame, e, e.origin, "neg", &[(x, inner.origin)], None),
                Value::Poison => Value::Poison,
                other => {
                    let message = format!("`-` takes a tensor or a number, got {}", other.kind());
                    self.fail(frame, Problem::new(inner.origin, message))
                }
            },
            ExprKind::Binary { op, at, left, right } => {
                let l = self.eval(frame, left);
                let r = self.eval(frame, right);
                self.binary(frame, e, *op, *at, (l, left.origin), (r, right.origin))
            }
            ExprKind::Call(call) => self.eval_call(frame, e, call),
            ExprKind::Index { base, index } => {
                let b = self.eval(frame, base);
                let i = self.eval(frame, index);
                self.index(frame, base, index, b, i)
            }
            ExprKind::Range { start, end } => match (self.eval(frame, start), self.eval(frame, end)) {
                (Value::Int(a), Value::Int(b)) => Value::Range(a, b),
                (Value::Poison, _) | (_, Value::Poison) => Value::Poison,
                _ => self.fail(frame, Problem::new(e.origin, "the ends of a range are integers")),
            },
            ExprKind::Reversed(range) => match self.eval(frame, range) {
                Value::Range(a, b) => match self.listed(frame, e, a, b) {
                    Some(items) => Value::List(items.rev().collect()),
                    None => Value::Poison,
                },
                Value::Poison => Value::Poison,
                other => {
                    let message = format!("only a range is reversed, got {}", other.kind());
                    self.fail(frame, Problem::new(e.origin, message))
                }
            },
            ExprKind::List(items) => self.list(frame, items),
            ExprKind::Tuple(items) => Value::Tuple(items.iter().map(|i| self.eval(frame, i)).collect()),
            ExprKind::Poison => Value::Poison,
        }
    }

    fn eval_name(&mut self, frame: &Frame<'m>, e: &Expr, name: &str) -> Value<'m> {
        if let Some(b) = frame.get(name) {
            return b.value.clone();
        }
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            self.unknown_dim(frame, e, name);
            return Value::Poison;
        }
        let help = nearest(name, frame.names(), 2).map(|n| format!("did you mean `{n}`?"));
        self.fail(frame, Problem::new(e.origin, format!("`{name}` is not defined")).help(help))
    }

    fn list(&mut self, frame: &mut Frame<'m>, items: &'m [Expr]) -> Value<'m> {
        let mut out = vec![];
        for e in items {
            match self.eval(frame, e) {
                Value::Int(v) => out.push(v),
                Value::Range(a, b) => match self.listed(frame, e, a, b) {
                    Some(items) => out.extend(items),
                    None => return Value::Poison,
                },
                Value::List(v) if matches!(e.kind, ExprKind::Reversed(_)) => out.extend(v),
                Value::Poison => return Value::Poison,
                other => {
                    let message = format!("a list holds integers, got {}", other.kind());
                    return self.fail(frame, Problem::new(e.origin, message));
                }
            }
        }
        Value::List(out)
    }

    /// The integers of a range in a list.
    fn listed(&mut self, frame: &Frame<'m>, e: &Expr, a: i64, b: i64) -> Option<std::ops::Range<i64>> {
        const MOST: i64 = 1 << 24;
        match b.checked_sub(a) {
            Some(0..=MOST) => Some(a..b),
            _ => {
                let message = format!("a range in a list has from 0 to 2^24 entries, got `{a}..{b}`");
                let problem = Problem::new(e.origin, message);
                let down = (b < a).then(|| format!("`({}..{}).rev()` counts down", b + 1, a + 1));
                self.fail(frame, problem.help(down));
                None
            }
        }
    }

    fn index(
        &mut self,
        frame: &Frame<'m>,
        base: &Expr,
        index: &Expr,
        b: Value<'m>,
        i: Value<'m>,
    ) -> Value<'m> {
        match (b, i) {
            (Value::Poison, _) | (_, Value::Poison) => Value::Poison,
            (Value::Array(items), Value::Int(i)) => {
                match usize::try_from(i).ok().and_then(|i| items.get(i)) {
                    Some(v) => v.clone(),
                    None => {
                        let message = format!("index {i} is out of range: there are {} weights", items.len());
                        self.fail(frame, Problem::new(index.origin, message))
                    }
                }
            }
            (Value::Array(_), other) => {
                let message = format!("an index is an integer, got {}", other.kind());
                self.fail(frame, Problem::new(index.origin, message))
            }
            (Value::Tensor(_), _) => {
                let p = Problem::new(base.origin, "a tensor is not indexed");
                self.fail(frame, p.help("use `slice(x, axis = 0, range = 3..4)`".to_string()))
            }
            (other, _) => {
                let message = format!("only arrays of weights are indexed, got {}", other.kind());
                self.fail(frame, Problem::new(base.origin, message))
            }
        }
    }

    fn binary(
        &mut self,
        frame: &Frame<'m>,
        e: &'m Expr,
        op: BinOp,
        at: Origin,
        (l, l_at): (Value<'m>, Origin),
        (r, r_at): (Value<'m>, Origin),
    ) -> Value<'m> {
        use Value::{Int, Poison, Real, Tensor};
        match (l, r) {
            (Poison, _) | (_, Poison) => Poison,
            (Int(a), Int(b)) => self.int_op(frame, e, op, a, b),
            (Int(a), Real(b)) => real_op(op, a as f64, b),
            (Real(a), Int(b)) => real_op(op, a, b as f64),
            (Real(a), Real(b)) => real_op(op, a, b),
            (Tensor(a), Tensor(b)) => match op {
                BinOp::Add => self.operator(frame, e, at, "add", &[(a, l_at), (b, r_at)], None),
                BinOp::Sub => self.operator(frame, e, at, "sub", &[(a, l_at), (b, r_at)], None),
                BinOp::Mul => self.operator(frame, e, at, "mul", &[(a, l_at), (b, r_at)], None),
                BinOp::Div => self.fail(frame, no_division(at)),
            },
            (Tensor(x), Int(c)) if op == BinOp::Mul => {
                self.operator(frame, e, at, "mul", &[(x, l_at)], Some((Arg::Int(c), r_at)))
            }
            (Int(c), Tensor(x)) if op == BinOp::Mul => {
                self.operator(frame, e, at, "mul", &[(x, r_at)], Some((Arg::Int(c), l_at)))
            }
            (Tensor(x), Real(c)) if op == BinOp::Mul => {
                self.operator(frame, e, at, "mul", &[(x, l_at)], Some((Arg::Real(c), r_at)))
            }
            (Real(c), Tensor(x)) if op == BinOp::Mul => {
                self.operator(frame, e, at, "mul", &[(x, r_at)], Some((Arg::Real(c), l_at)))
            }
            (Tensor(x), Int(c)) if op == BinOp::Div => {
                self.operator(frame, e, at, "div", &[(x, l_at)], Some((Arg::Int(c), r_at)))
            }
            (Tensor(_), Real(_)) if op == BinOp::Div => self.fail(frame, no_division(at)),
            (l, r) => {
                let s = op.symbol();
                let message = format!("`{s}` takes two tensors, got {} and {}", l.kind(), r.kind());
                self.fail(frame, Problem::new(at, message))
            }
        }
    }

    fn int_op(&mut self, frame: &Frame<'m>, e: &Expr, op: BinOp, a: i64, b: i64) -> Value<'m> {
        let v = match op {
            BinOp::Add => a.checked_add(b),
            BinOp::Sub => a.checked_sub(b),
            BinOp::Mul => a.checked_mul(b),
            BinOp::Div if b == 0 => return self.fail(frame, Problem::new(e.origin, "division by zero")),
            BinOp::Div if a % b != 0 => {
                return self.fail(frame, Problem::new(e.origin, format!("{a} / {b} is not whole")))
            }
            BinOp::Div => a.checked_div(b),
        };
        match v {
            Some(v) => Value::Int(v),
            None => self.fail(frame, Problem::new(e.origin, "this integer overflows")),
        }
    }
}

fn real_op<'m>(op: BinOp, a: f64, b: f64) -> Value<'m> {
    Value::Real(match op {
        BinOp::Add => a + b,
        BinOp::Sub => a - b,
        BinOp::Mul => a * b,
        BinOp::Div => a / b,
    })
}

fn no_division(at: Origin) -> Problem {
    Problem::new(at, "a tensor is divided by an integer only: `x / 7` rounds down")
        .help("multiply by a constant, `x * 0.125`: it only changes the step".to_string())
}

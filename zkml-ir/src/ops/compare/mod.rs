//! `greater(x, y)`, `greater_equal`, `less`, `less_equal`, `equal`; or against a number: `greater(x, than = 0.5)`,
//! `equal(x, to = 3)`.
//!
//! - Shape: broadcast, or the argument's. Elements: any whose value needs no product. Result: flags, U8, interval [0,
//!   1], step 1, for `select`, sums, products and masks.
//! - Two tensors: one step for both sides, as for `+` ([`crate::graph::Steps`]). The difference spans less than 2^17
//!   integers: two I16 just do.
//! - A number is a real number: x * step is compared with it exactly, to the last bit of both doubles. So `equal` makes
//!   sense for integers of a known step, such as indices and flags, and for 0.
//! - Real numbers: the comparison. Near ties the rounding of x itself decides, of course.
//! - Lowering: one cell and one lookup for each result, (ORDER, x - y, y) with y = [v > 0], [v > -1] or [v = 0], or
//!   (ORDER, x, y) with a threshold in units of x. `less` is `greater` of the negated arguments. The table gives each v
//!   one flag; the entry and the table differ by far less than p.

use super::add::broadcast;
use super::primitive::{
    Bound, Computed, Ctx, FloatArgs, FloatError, Known, LowerError, Machine, Primitive, RunError, Value,
};
use super::{rules, ArgKind, At, Call, OpDef, OpError, Signature};
use crate::elem::{Elem, Interval};
use crate::graph::{Comparison, Graph, GraphBuilder, NodeId, Op, Params, Step, TensorType};
use crate::lower::steps;
use crate::plan::Space;
use crate::tables::{against, Order, Shows, StepBits, Table};
use std::cmp::Ordering;

/// `greater(x, y)` and the like.
pub struct Compare(Comparison);

pub(super) const GREATER: Compare = Compare(Comparison::Greater);
pub(super) const GREATER_EQUAL: Compare = Compare(Comparison::GreaterEqual);
pub(super) const LESS: Compare = Compare(Comparison::Less);
pub(super) const LESS_EQUAL: Compare = Compare(Comparison::LessEqual);
pub(super) const EQUAL: Compare = Compare(Comparison::Equal);

/// The integers that a table of order can tell apart.
const MAX_SPAN: i64 = 1 << 17;

impl Comparison {
    fn name(self) -> &'static str {
        match self {
            Comparison::Greater => "greater",
            Comparison::GreaterEqual => "greater_equal",
            Comparison::Less => "less",
            Comparison::LessEqual => "less_equal",
            Comparison::Equal => "equal",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterEqual => order.is_ge(),
            Comparison::Less => order.is_lt(),
            Comparison::LessEqual => order.is_le(),
            Comparison::Equal => order.is_eq(),
        }
    }

    /// `a < b` is `-a > -b`: what the sides are multiplied with.
    fn sign(self) -> i64 {
        match self {
            Comparison::Less | Comparison::LessEqual => -1,
            _ => 1,
        }
    }

    /// The name of the number's argument: greater *than* it, equal *to* it.
    fn with(self) -> &'static str {
        match self {
            Comparison::Equal => "to",
            _ => "than",
        }
    }
}

impl OpDef for Compare {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn signature(&self) -> Signature {
        const THAN: &[(&str, ArgKind, bool)] = &[("than", ArgKind::Real, false)];
        const TO: &[(&str, ArgKind, bool)] = &[("to", ArgKind::Real, false)];
        let named = if self.0.with() == "to" { TO } else { THAN };
        Signature { tensors: &["x", "y"], min_tensors: 1, max_tensors: 2, named, turbofish: false }
    }

    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        let (op, with) = (self.0.name(), self.0.with());
        let number = call.real(with);
        let (shape, interval) = match (call.tensors[..].as_ref(), number) {
            (&[x, y], None) => {
                let shape = broadcast(b, op, x, y)?;
                rules::same_step(b, op, x, y)?;
                (shape, b.ty(x).interval - b.ty(y).interval)
            }
            (&[x], Some(c)) if c.is_finite() => (b.ty(x).shape.clone(), b.ty(x).interval),
            (&[_], Some(c)) => {
                return Err(OpError::new(At::Named(with.into()), format!("`{with}` must be finite, got {c}")))
            }
            (&[_], None) => {
                let message = format!("`{op}` needs two tensors, or one and `{with} = ..`");
                return Err(OpError::new(At::Call, message));
            }
            _ => {
                let message = format!("`{op}` takes two tensors or `{with}`, not both");
                return Err(OpError::new(At::Named(with.into()), message));
            }
        };
        if interval.width() >= MAX_SPAN {
            return Err(OpError::new(At::Call, format!("`{op}` cannot tell apart values in {interval}"))
                .note("its table holds 2^17 integers")
                .help(format!("quantize first: `{op}(quantize::<I16>(h), ..)`")));
        }
        let ty = flags(shape);
        Ok(vec![b.push(Op::Compare { test: self.0, number }, call.tensors.clone(), ty, &call.name)])
    }
}

/// The type of flags.
pub(super) fn flags(shape: crate::shape::Shape) -> TensorType {
    TensorType { elem: Elem::U8, shape, interval: Interval::new(0, 1), step: Step::constant(1.0) }
}

/// The table of a comparison; its first entry is `sign * x` or `sign * (x - y)`.
fn table(graph: &Graph, params: &Params, id: NodeId) -> Result<(Comparison, Order), LowerError> {
    let node = graph.node(id);
    let Op::Compare { test, number } = node.op else {
        return Err(LowerError::Malformed { node: node.name.clone(), what: "is no comparison" });
    };
    let x = graph.ty(node.args[0]).interval;
    let range = match (number, &node.args[..]) {
        (Some(_), _) => x,
        (None, &[_, y]) => x - graph.ty(y).interval,
        _ => return Err(LowerError::Malformed { node: node.name.clone(), what: "compares with nothing" }),
    };
    if range.width() >= MAX_SPAN {
        let what = format!("has to tell apart values in {range}, more than a table of 2^17 rows holds");
        return Err(LowerError::Unsupported { node: node.name.clone(), what });
    }
    let range = range.scale(test.sign());
    let unit = || {
        steps::value(graph, params, node.args[0])
            .ok_or_else(|| LowerError::Step { node: graph.node(node.args[0]).name.clone() })
    };
    let order = |at: i64, shows| Order { lo: range.lo as i32, hi: range.hi as i32, at: at as i32, shows };
    let order = match (number, test) {
        (None, Comparison::Equal) => order(0, Shows::Equal),
        (None, Comparison::Greater | Comparison::Less) => order(0, Shows::Greater),
        (None, _) => order(-1, Shows::Greater),
        (Some(c), Comparison::Equal) => order(equal_to(range, unit()?, c), Shows::Equal),
        (Some(c), _) => order(threshold(test, range, unit()?, c), Shows::Greater),
    };
    Ok((test, order))
}

/// The first integer of the range that satisfies `f`, which holds from some integer on; one beyond it if none does.
fn first(range: Interval, f: impl Fn(i64) -> bool) -> i64 {
    let (mut lo, mut hi) = (range.lo, range.hi + 1);
    while lo < hi {
        let mid = (lo + hi).div_euclid(2);
        (lo, hi) = if f(mid) { (lo, mid) } else { (mid + 1, hi) };
    }
    lo
}

/// The largest v that does not satisfy the comparison, where v is x, or -x for the lesser ones.
fn threshold(test: Comparison, range: Interval, step: StepBits, c: f64) -> i64 {
    let sign = test.sign();
    first(range, |v| test.holds(against(sign * v, step, c))) - 1
}

/// The v that is the number; one below the range if none is.
fn equal_to(range: Interval, step: StepBits, c: f64) -> i64 {
    let v = first(range, |v| against(v, step, c).is_ge());
    match v <= range.hi && against(v, step, c).is_eq() {
        true => v,
        false => range.lo - 1,
    }
}

impl Primitive for Compare {
    fn name(&self) -> &'static str {
        "compare"
    }

    fn eval(&self, m: &Machine, id: NodeId, _: bool) -> Result<Computed, RunError> {
        let (test, t) = table(m.graph, m.params, id)?;
        let flag = |v: i64| {
            let v = test.sign() * v;
            match t.shows {
                Shows::Equal => (v == t.at as i64) as i32,
                _ => (v > t.at as i64) as i32,
            }
        };
        let Computed { value, .. } = match m.graph.node(id).args.len() {
            1 => m.map(id, |x| flag(x as i64)),
            _ => m.zip(id, |x, y| flag(x as i64 - y as i64)),
        };
        Ok(Computed::stored(value, true))
    }

    fn lower(&self, ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
        let (test, order) = table(ctx.graph, ctx.params, id)?;
        let args = &ctx.graph.nodes[id].args;
        let space = Space::from(&ctx.ty(id).shape);
        let x = ctx.affine(args[0])?.broadcast(&space);
        let v = match args.get(1) {
            Some(&y) => x.plus(ctx.affine(y)?.broadcast(&space).scaled(-1)),
            None => x,
        };
        // The threshold of a number depends on a step, so its table is this op's own.
        let table = match args.len() {
            1 => ctx.own_table(Table::Order(order)),
            _ => ctx.shared_table(Table::Order(order)),
        };
        let y = ctx.cell("", &space, Interval::new(0, 1), 1);
        ctx.lookup("order", table, &space, vec![v.scaled(test.sign()).lin, ctx.cells(y)]);
        Ok(Some(Value::stored(y, space)))
    }

    fn float(&self, call: &FloatArgs) -> Result<Vec<f32>, FloatError> {
        let Op::Compare { test, number } = call.node.op else { return Err(call.missing()) };
        let flag = |o: Option<Ordering>| o.is_some_and(|o| test.holds(o)) as u8 as f32;
        if let Some(c) = number {
            return Ok(call.map(|x| flag((x as f64).partial_cmp(&c))));
        }
        // Differences keep the order of finite values.
        Ok(call.zip(|x, y| x - y).into_iter().map(|d| flag(d.partial_cmp(&0.0))).collect())
    }

    fn bound(&self, _: &Known, _: NodeId, _: &[Bound]) -> Bound {
        Bound::of(Interval::new(0, 1))
    }

    fn reads_steps(&self) -> bool {
        true
    }
}

/// Any comparison node: what it tests stands in the node.
pub(super) const ANY: Compare = GREATER;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_real_numbers() {
        let range = Interval::new(-40, 50);
        for step in [0.1, 0.25, 1.0, 1.0 / 3.0] {
            let bits = StepBits::new(step).unwrap();
            for c in [0.0, 0.3, -0.3, 1.0, -7.25, 12.4, 1e9, -1e9, 3.0 * step, -5.0 * step] {
                for test in
                    [Comparison::Greater, Comparison::GreaterEqual, Comparison::Less, Comparison::LessEqual]
                {
                    let signed = range.scale(test.sign());
                    let at = threshold(test, signed, bits, c);
                    for x in range.lo..=range.hi {
                        // Neither 0.1 nor 1/3 is what it seems: the doubles' exact product decides.
                        let want = test.holds(against(x, bits, c));
                        assert_eq!(test.sign() * x > at, want, "{test:?} {x} * {step} {c}");
                        let off = x as f64 * step - c;
                        assert!(off.abs() < 1e-9 || test.holds(off.total_cmp(&0.0)) == want);
                    }
                }
                let at = equal_to(range, bits, c);
                for x in range.lo..=range.hi {
                    assert_eq!(x == at, against(x, bits, c).is_eq());
                }
            }
        }
    }
}

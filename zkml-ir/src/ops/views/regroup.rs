//! The same cells, row-major, under other extents: free where digits only regroup, else exact copies.
//!
//! A few entries are copied at once, `u[j..] = sum_i x[i..] [i = j]`. For more of them that matrix would be too large for
//! the prover. What stands in the way of a free view is an odd digit below bits: `16 * 25` written as 16 then 25 is not
//! 400 written as 25 then 16. So the axes are merged to one and split again, and each step moves some bits past one odd
//! digit o, with a matrix of `(2^bits * o)^2` entries: the rest of the digits is copied as it is. Cost: the cells, once for
//! each step.

use super::pick::exact_copy;
use crate::elem::Interval;
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, Value};
use crate::lower::LowerError;
use crate::plan::{Axis, LinExpr, Product, Space};
use crate::shape::MAX_RANK;

/// Entries that are copied at once.
const AT_ONCE: usize = 512;
/// Entries of a step's digits, where fewer bits at a time allow it.
const STEP: u64 = 1024;
/// And at most.
const MAX_STEP: u64 = 4096;

/// The value over the space `to`; `range` holds every value of x. Copies have the role `role`.
pub(in crate::ops) fn regroup(
    ctx: &mut Ctx,
    role: &str,
    x: &Value,
    to: &Space,
    range: Interval,
) -> Result<Value, LowerError> {
    if let Some(v) = free(x, to) {
        return Ok(v);
    }
    let before = (ctx.plan.tensors.len(), ctx.plan.constraints.len());
    if let Ok(v) = copied(ctx, role, x, to, range) {
        return Ok(v);
    }
    // The digits of a view (a transposition, a part) may split nowhere: those of stored cells do.
    ctx.plan.tensors.truncate(before.0);
    ctx.plan.constraints.truncate(before.1);
    let axes = x.space.axes();
    let at = (0..axes.len()).min_by_key(|&i| axes[i].extent()).unwrap_or(0);
    let around = Moved { role, range, before: axes[..at].to_vec(), after: axes[at + 1..].to_vec() };
    let stored = around.identity(ctx, x, &axes[at..at + 1], &axes[at..at + 1]);
    match free(&stored, to) {
        Some(v) => Ok(v),
        None => copied(ctx, role, &stored, to, range),
    }
}

fn copied(ctx: &mut Ctx, role: &str, x: &Value, to: &Space, range: Interval) -> Result<Value, LowerError> {
    let (a, b) = (x.space.axes().to_vec(), to.axes());
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - prefix;
    let suffix = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (old, new) = (&a[prefix..a.len() - suffix], &b[prefix..b.len() - suffix]);
    let mut moved =
        Moved { role, range, before: a[..prefix].to_vec(), after: a[a.len() - suffix..].to_vec() };
    let n: usize = old.iter().map(|a| a.extent()).product();
    if n <= AT_ONCE && old.len() + new.len() <= MAX_RANK {
        return Ok(moved.identity(ctx, x, old, new));
    }
    let one = Axis::new(1);
    let mut x = x.clone();
    // Merge: `done` are the axes so far as one.
    let mut done = one;
    for (i, &next) in old.iter().enumerate() {
        let later = &old[i + 1..];
        let after = [later, &a[a.len() - suffix..]].concat();
        moved.after = after;
        x = moved.merge(ctx, &x, done, next)?;
        done = Axis { odd: done.odd * next.odd, bits: done.bits + next.bits };
    }
    // Split: `done` are the axes that are still one.
    for (i, &next) in new.iter().enumerate().rev() {
        done = Axis { odd: done.odd / next.odd, bits: done.bits - next.bits };
        moved.after = b[prefix + i + 1..].to_vec();
        x = moved.split(ctx, &x, done, next)?;
    }
    free(&x, to).ok_or_else(|| ctx.unsupported(format!("does not regroup into {}", to.shape())))
}

fn free(x: &Value, to: &Space) -> Option<Value> {
    x.map_views(to, |v| v.reshape(&x.space, to)).ok()
}

/// The axes around those that change.
struct Moved<'a> {
    role: &'a str,
    range: Interval,
    before: Vec<Axis>,
    after: Vec<Axis>,
}

fn bits(n: u32) -> Axis {
    Axis { odd: 1, bits: n }
}

fn odd(n: u32) -> Axis {
    Axis { odd: n, bits: 0 }
}

impl Moved<'_> {
    fn around(&self, middle: &[Axis]) -> Space {
        Space([&self.before, middle, &self.after].concat())
    }

    fn view(&self, ctx: &Ctx, x: &Value, middle: &[Axis]) -> Result<Value, LowerError> {
        let to = self.around(middle);
        free(x, &to).ok_or_else(|| ctx.unsupported(format!("does not regroup into {}", to.shape())))
    }

    /// Two axes to one.
    fn merge(&mut self, ctx: &mut Ctx, x: &Value, a: Axis, b: Axis) -> Result<Value, LowerError> {
        let merged = Axis { odd: a.odd * b.odd, bits: a.bits + b.bits };
        let mut x = x.clone();
        let (mut left, mut low) = (a.bits, b.bits);
        while left > 0 && b.odd > 1 {
            // [o1] [2^left] [o2] [2^low] to [o1] [2^(left - n)] [o2] [2^(n + low)]
            let n = chunk(ctx, left, b.odd)?;
            let joint = Axis { odd: b.odd, bits: n };
            x = self.view(ctx, &x, &[odd(a.odd), bits(left - n), bits(n), odd(b.odd), bits(low)])?;
            x = self.step(ctx, &x, 2, &[bits(n), odd(b.odd)], &[joint]);
            (left, low) = (left - n, low + n);
        }
        self.view(ctx, &x, &[merged])
    }

    /// One axis, the product of two, to these.
    fn split(&mut self, ctx: &mut Ctx, x: &Value, a: Axis, b: Axis) -> Result<Value, LowerError> {
        let mut x = x.clone();
        let (mut high, mut left) = (0, a.bits);
        while left > 0 && b.odd > 1 {
            // [o1] [2^high] [o2] [2^(left + low)] to [o1] [2^(high + n)] [o2] [2^(left - n + low)]
            let n = chunk(ctx, left, b.odd)?;
            let joint = Axis { odd: b.odd, bits: n };
            x = self.view(ctx, &x, &[odd(a.odd), bits(high), joint, bits(left - n + b.bits)])?;
            x = self.step(ctx, &x, 2, &[joint], &[bits(n), odd(b.odd)]);
            (high, left) = (high + n, left - n);
        }
        self.view(ctx, &x, &[a, b])
    }

    /// Axes `old`, from the `at`-th after those before on, become the axes `new`.
    fn step(&self, ctx: &mut Ctx, x: &Value, at: usize, old: &[Axis], new: &[Axis]) -> Value {
        let at = self.before.len() + at;
        let all = x.space.axes();
        let inner = Moved {
            role: self.role,
            range: self.range,
            before: all[..at].to_vec(),
            after: all[at + old.len()..].to_vec(),
        };
        inner.identity(ctx, x, old, new)
    }

    /// `u[.., j.., ..] = sum_i x[.., i.., ..] [i = j]`, both row-major.
    fn identity(&self, ctx: &mut Ctx, x: &Value, old: &[Axis], new: &[Axis]) -> Value {
        let to = self.around(new);
        let n: usize = old.iter().map(|a| a.extent()).product();
        let s = super::one_hot(ctx, &Space(new.to_vec()).and(old), n, (0..n as u32).collect());
        let (rank, first) = (to.axes().len(), self.before.len());
        let contracted = rank..rank + old.len();
        let last = rank - self.after.len()..rank;
        let x_axes: Vec<usize> = (0..first).chain(contracted.clone()).chain(last).collect();
        let s_axes: Vec<usize> = (first..first + new.len()).chain(contracted).collect();
        let product = Product {
            coef: 1,
            contracted: old.to_vec(),
            a: factor(&x.lin, &x_axes, rank),
            b: factor(&LinExpr::view(s), &s_axes, rank),
            proven: Some(self.range),
        };
        exact_copy(ctx, self.role, &to, self.range, product)
    }
}

/// How many of `left` bits to move past an odd digit at a time.
fn chunk(ctx: &Ctx, left: u32, odd: u32) -> Result<u32, LowerError> {
    let n = (1..=left).rev().find(|&n| (odd as u64) << n <= STEP).unwrap_or(1);
    match (odd as u64) << n <= MAX_STEP {
        true => Ok(n),
        false => {
            let what = format!("regroups bits against the odd factor {odd}; at most {} can be", MAX_STEP / 2);
            Err(ctx.unsupported(what))
        }
    }
}

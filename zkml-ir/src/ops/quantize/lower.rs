//! Rescale and saturate (DESIGN 5.9a): `q = floor((m acc + 2^(s-1)) / 2^s)`, `y = clamp(q, lo, hi)`.
//!
//! acc is never committed. With A = m acc + 2^(s-1), the constraint `A - 2^s q - r = 0` with r in RANGE(s) leaves one q
//! and one r: they are quotient and remainder. It holds over the integers because the interval of its left side stays
//! inside (-p, p) (`plan::check`).
//!
//! * Window w <= 16: cells q, r, y. Lookup (CLAMP, q, y) bounds q and fixes y. Where the window *is* `[lo, hi]`, y is q
//!   and q is looked up as a range. Where an activation follows, it looks up (ACT, q, y) itself and there is no y here.
//! * w > 16: `q = 2^b h + l` with b = w - 16. Cells h, l, r, t, base, low. Lookup (CLAMP-HIGH, h, t, base) bounds h and
//!   says whether block h lies below, inside or above `[lo, hi]`; (CLAMP-LOW, t, l, low) bounds l and fixes low; `y = base
//!   + low` is virtual. As q is the quotient, h and l are one pair, and the rest follows by lookup.
//! * r has a second limb only where the accumulator's type needs shifts beyond 16: `r = r0 + 2^11 r1`, r0 in
//!   RANGE(min(s, 11)), r1 in RANGE(max(s - 11, 0)), of which the latter is {0} for s <= 11.

use crate::elem::{Interval, P};
use crate::exec::{by_rows, RescaleCells, Rescaling};
use crate::graph::{Graph, NodeId, Op, Params, Rescale};
use crate::lower::ctx::Ctx;
use crate::lower::value::Value;
use crate::lower::LowerError;
use crate::ops::quantize::scale::remainder_limbs;
use crate::plan::{LinExpr, Space};
use crate::tables::{window, Clamp, ClampHigh, ClampLow, Table};
use std::ops::Range;

/// The widest window that one table takes.
pub(crate) const ONE_TABLE: u32 = 16;
const WIDEST: u32 = 24;
/// Bits of the low limb of a two-limb remainder.
const LOW_LIMB: u32 = 11;
/// The largest shift with a two-limb remainder, and with one limb.
const MAX_SHIFT: [u32; 2] = [16, 2 * LOW_LIMB];

/// The numbers of one quantisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantize {
    pub m: i64,
    pub s: u32,
    pub window: u32,
    /// The result's bounds.
    pub to: Interval,
    two_limbs: bool,
    /// The next op looks q up.
    fused: bool,
}

/// The cells, in order of declaration, and y.
pub(crate) struct Cells {
    pub cells: Vec<Vec<i32>>,
    pub y: Vec<i32>,
}

impl Quantize {
    pub fn new(graph: &Graph, params: &Params, id: NodeId, fused: bool) -> Result<Self, LowerError> {
        let node = &graph.nodes[id];
        let Op::Quantize { to, param, window } = node.op else {
            return Err(LowerError::Malformed { node: node.name.clone(), what: "is no quantisation" });
        };
        let Some(&Rescale { m, s }) = params.rescales.get(param) else {
            return Err(LowerError::Malformed { node: node.name.clone(), what: "has no rescale" });
        };
        let acc = graph.ty(node.args[0]).interval;
        let bounds = node.ty.interval;
        let refuse = |what: String| LowerError::Rescale { node: node.name.clone(), m, s, what };
        if !(1..=WIDEST).contains(&window) {
            return Err(refuse(format!("has a window of {window} bits, not 1 to {WIDEST}")));
        }
        let this = Self {
            m: m as i64,
            s,
            window,
            to: bounds,
            two_limbs: remainder_limbs(acc, to, window) == 2,
            fused,
        };
        if m == 0 || s == 0 || s > this.max_shift() {
            return Err(refuse(format!("is outside 1 <= m, 1 <= s <= {}", this.max_shift())));
        }
        if window > ONE_TABLE && !this.high().is_aligned() {
            return Err(refuse(format!("has a window of {window} bits, whose low limb cuts {bounds}")));
        }
        // A - B of the constraint, for all A and B that its cells can express.
        let gap = this.gap(acc);
        if gap.lo <= -P || gap.hi >= P {
            return Err(refuse(format!("could wrap: m*acc - 2^s*q - r reaches {gap}, the field holds ±{P}")));
        }
        Ok(this)
    }

    fn max_shift(&self) -> u32 {
        match self.window {
            w if w > ONE_TABLE => 32 - w,
            _ => MAX_SHIFT[self.two_limbs as usize],
        }
    }

    /// The largest remainder range that a table must serve: by types alone.
    fn max_range(&self) -> u32 {
        let by_window = 31u32.saturating_sub(self.window).max(1);
        match self.two_limbs {
            true => LOW_LIMB,
            false => by_window.min(16),
        }
    }

    fn gap(&self, acc: Interval) -> Interval {
        let half = 1 << (self.s - 1);
        let reach = 1i64 << (self.s + self.window - 1);
        acc.scale(self.m) - Interval::new(-reach - half, reach - 1 - half)
    }

    fn low_bits(&self) -> u32 {
        self.window - ONE_TABLE
    }

    fn high(&self) -> ClampHigh {
        ClampHigh { low_bits: self.low_bits(), lo: self.to.lo as i32, hi: self.to.hi as i32 }
    }

    fn clamps(&self) -> bool {
        self.to != window(self.window)
    }

    /// All cells of the accumulators, or the index of the first whose q leaves the window.
    pub fn eval(&self, acc: &[i32]) -> Result<Cells, usize> {
        let part = |run: Range<usize>| {
            let Cells { mut cells, y } = self.eval_run(&acc[run.clone()]).map_err(|i| run.start + i)?;
            cells.push(y);
            Ok::<_, usize>(cells)
        };
        let mut cells = by_rows(acc.len(), acc.len(), part)?;
        let y = cells.pop().unwrap_or_default();
        Ok(Cells { cells, y })
    }

    fn eval_run(&self, acc: &[i32]) -> Result<Cells, usize> {
        let (m, s, half) = (self.m, self.s, 1i64 << (self.s - 1));
        let mut q = vec![0i32; acc.len()];
        let mut r = vec![0i32; acc.len()];
        let win = window(self.window);
        let mut inside = true;
        for ((q, r), &a) in q.iter_mut().zip(&mut r).zip(acc) {
            let v = m * a as i64 + half;
            let (hi, lo) = (v >> s, v & ((1 << s) - 1));
            inside &= hi >= win.lo && hi <= win.hi;
            (*q, *r) = (hi as i32, lo as i32);
        }
        if !inside {
            let outside = |a: &i32| !win.contains((m * *a as i64 + half) >> s);
            return Err(acc.iter().position(outside).unwrap_or(0));
        }
        let (lo, hi) = (self.to.lo as i32, self.to.hi as i32);
        let y: Vec<i32> = q.iter().map(|q| (*q).clamp(lo, hi)).collect();
        let cells = match self.window > ONE_TABLE {
            true => self.wide_cells(&q, r),
            false => {
                let mut cells = vec![q];
                match self.two_limbs {
                    false => cells.push(r),
                    true => {
                        cells.push(r.iter().map(|r| r & ((1 << LOW_LIMB) - 1)).collect());
                        cells.push(r.iter().map(|r| r >> LOW_LIMB).collect());
                    }
                }
                if self.clamps() && !self.fused {
                    cells.push(y.clone());
                }
                cells
            }
        };
        Ok(Cells { cells, y })
    }

    /// The same in numbers.
    pub fn recipe(&self) -> Rescaling {
        let cells = match self.window > ONE_TABLE {
            true => RescaleCells::Wide { bits: self.low_bits() },
            false => RescaleCells::Narrow {
                low_limb: self.two_limbs.then_some(LOW_LIMB),
                y: self.clamps() && !self.fused,
            },
        };
        let (lo, hi) = (self.to.lo as i32, self.to.hi as i32);
        Rescaling { m: self.m, s: self.s, window: self.window, lo, hi, cells }
    }

    fn wide_cells(&self, q: &[i32], r: Vec<i32>) -> Vec<Vec<i32>> {
        let (b, high) = (self.low_bits(), self.high());
        let low = ClampLow { bits: b };
        let h: Vec<i32> = q.iter().map(|q| q >> b).collect();
        let l: Vec<i32> = q.iter().map(|q| q & ((1 << b) - 1)).collect();
        let (t, base): (Vec<i32>, Vec<i32>) = h.iter().map(|&h| high.row(h)).unzip();
        let low = t.iter().zip(&l).map(|(&t, &l)| low.low(t, l)).collect();
        vec![h, l, r, t, base, low]
    }
}

/// `None` where the value is q and belongs to the activation that follows.
pub(crate) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Option<Value>, LowerError> {
    let spec = Quantize::new(ctx.graph, ctx.params, id, ctx.fuses[id])?;
    let acc = ctx.value(ctx.graph.nodes[id].args[0])?.clone();
    let space = acc.space.clone();
    match spec.window > ONE_TABLE {
        true => wide(ctx, &spec, acc, &space).map(Some),
        false => narrow(ctx, &spec, acc, &space, id),
    }
}

/// `m acc + 2^(s-1) - right = 0`
fn identity(ctx: &mut Ctx, spec: &Quantize, acc: &Value, right: LinExpr) {
    let left = acc.scaled(spec.m);
    let linear = left.lin.plus_constant(1 << (spec.s - 1)).plus(right.scaled(-1));
    ctx.constraint("rescale", &acc.space, linear, left.products);
}

fn narrow(
    ctx: &mut Ctx,
    spec: &Quantize,
    acc: Value,
    space: &Space,
    id: NodeId,
) -> Result<Option<Value>, LowerError> {
    let win = window(spec.window);
    // q is bounded by the lookup after those of r. Where it is fused the activation says by which.
    let limbs: &[(u32, u32)] = match spec.two_limbs {
        false => &[(0, spec.s)],
        true => &[(0, spec.s.min(LOW_LIMB)), (LOW_LIMB, spec.s.saturating_sub(LOW_LIMB))],
    };
    let after = ctx.plan.lookups.len() + limbs.len();
    let clamped = spec.clamps() || spec.fused;
    let q = ctx.cell_bound_by("q", space, win, after, !clamped as usize);
    let mut right = ctx.cells(q).scaled(1 << spec.s);
    for (i, &(low, bits)) in limbs.iter().enumerate() {
        let role = format!("r{}", if spec.two_limbs { i.to_string() } else { String::new() });
        let r = ctx.cell(&role, space, Interval::new(0, (1 << bits) - 1), 1);
        let e = ctx.cells(r);
        ctx.in_range_of(&role, space, LinExpr::constant(bits as i64), spec.max_range(), e.clone());
        right = right.plus(e.scaled(1 << low));
    }
    identity(ctx, spec, &acc, right);
    if spec.fused {
        ctx.fused[id] = Some(q);
        return Ok(None);
    }
    if !spec.clamps() {
        ctx.in_shifted_range("range", space, win.lo, spec.window, ctx.cells(q));
        return Ok(Some(Value::stored(q, space.clone())));
    }
    let y = ctx.cell("y", space, spec.to, 1);
    let clamp = Clamp { in_bits: spec.window, lo: spec.to.lo as i32, hi: spec.to.hi as i32 };
    let table = ctx.shared_table(Table::Clamp(clamp));
    ctx.lookup("clamp", table, space, vec![ctx.cells(q), ctx.cells(y)]);
    Ok(Some(Value::stored(y, space.clone())))
}

fn wide(ctx: &mut Ctx, spec: &Quantize, acc: Value, space: &Space) -> Result<Value, LowerError> {
    let (b, s, high, low) = (spec.low_bits(), spec.s, spec.high(), ClampLow { bits: spec.low_bits() });
    let (high, low) = (Table::ClampHigh(high), Table::ClampLow(low));
    let first = ctx.plan.lookups.len();
    let h = ctx.cell_bound_by("h", space, high.entry_range(0), first, 0);
    let l = ctx.cell_bound_by("l", space, low.entry_range(1), first + 1, 1);
    let r = ctx.cell_bound_by("r", space, Interval::new(0, (1 << s) - 1), first + 2, 1);
    let t = ctx.cell_bound_by("t", space, high.entry_range(1), first, 1);
    let base = ctx.cell_bound_by("base", space, high.entry_range(2), first, 2);
    let bottom = ctx.cell_bound_by("low", space, low.entry_range(2), first + 1, 2);
    let [h, l, r, t, base, bottom] = [h, l, r, t, base, bottom].map(|t| ctx.cells(t));

    let table = ctx.shared_table(high);
    ctx.lookup("clamp high", table, space, vec![h.clone(), t.clone(), base.clone()]);
    let table = ctx.shared_table(low);
    ctx.lookup("clamp low", table, space, vec![t, l.clone(), bottom.clone()]);
    ctx.in_range_of("r", space, LinExpr::constant(s as i64), spec.max_range(), r.clone());
    identity(ctx, spec, &acc, h.scaled(1 << (s + b)).plus(l.scaled(1 << s)).plus(r));
    Ok(Value::affine(space.clone(), base.plus(bottom)))
}

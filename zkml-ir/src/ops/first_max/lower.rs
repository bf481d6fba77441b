//! Flags of the first maximum of each row, by its index J, its value M and how far every entry lies below.
//!
//! x in [lo, hi], W = hi - lo. e_j says that entry j is excluded: padding, or chosen in an earlier round of `top_k`; it
//! is 0 or 1, since a round never chooses what is excluded (below). Cells: J and limbs of M for each row, s, h and
//! (where x has products or a long span) limbs of d for each entry.
//!
//! ```text
//! (ORDER, J - j, s_j, h_j) over [-(n-1), n-1]      s = [v > 0], h = [v = 0]
//! M = lo + sum of limbs                            d_j = M - x_j - s_j + (W + 1) e_j, a sum of limbs
//! J = sum j h_j                                    sum h_j d_j = 0
//! ```
//!
//! **One value.** The lookups of j = 0 and j = n-1 say that J is in [-(n-1), n-1] and in [0, 2n-2]; 4n < p, so J is one
//! index, s_j = [j < J] and h is 1 at J alone. Then `sum h_j d_j = d_J`, and `d_J = 0` is M = x_J - (W + 1) e_J. Since
//! M >= lo and x_J - W - 1 < lo, J is not excluded and M = x_J. For every other entry that is not excluded, d_j >= 0 says
//! x_j < M before J and x_j <= M behind it: x_J is the first of the largest. So J, and with it every cell, has one
//! value. An excluded entry is not held to anything: M - x_j - 1 + W + 1 >= 0 always.
//!
//! **Nothing wraps.** d has just enough bits for its largest value, W or 2W + 1 if entries can be excluded. The
//! constraint `M - x - s + (W + 1) e - d` lies above -W - 2^bits(d) and below 2^bits(M) + W + 1; the rule refuses
//! intervals for which that is not inside (-p, p) ([`Spec::fits`]). Without cells for d it is looked up itself, in less
//! than 2^16. `sum h_j d_j` is d_J, as h is 1 once: the bound that its product states; that of `sum j h_j` is [0, n-1].

use crate::elem::{Elem, Interval, P};
use crate::exec::node::{Computed, Machine};
use crate::exec::RunError;
use crate::graph::{Graph, NodeId, Op, TensorType};
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, rearrange, Value};
use crate::lower::{limb, limbs, LowerError};
use crate::plan::{Constant, LinExpr, Product, Space, View};
use crate::tables::{Order, Shows, Table};

/// The numbers of one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spec {
    pub valid: usize,
    n: usize,
    x: Interval,
    sized: bool,
    /// Some entry can be excluded.
    excludes: bool,
}

/// Bits of an integer in [0, v].
fn bits(v: i64) -> u32 {
    i64::BITS - v.leading_zeros()
}

impl Spec {
    pub fn new(x: &TensorType, valid: usize, earlier: usize) -> Self {
        let n = x.shape.dims().last().copied().unwrap_or(1);
        let excludes = valid < n || earlier > 0;
        Self { valid, n, x: x.interval, sized: x.elem != Elem::Acc, excludes }
    }

    fn of(graph: &Graph, id: NodeId) -> Option<Self> {
        let node = graph.node(id);
        let Op::FirstMax { valid } = node.op else { return None };
        Some(Self::new(graph.ty(node.args[0]), valid, node.args.len() - 1))
    }

    /// What is added to the distance of an excluded entry.
    fn big(&self) -> i64 {
        self.x.width() + 1
    }

    fn max_bits(&self) -> u32 {
        bits(self.x.width())
    }

    fn distance_bits(&self) -> u32 {
        bits(self.x.width() + if self.excludes { self.big() } else { 0 })
    }

    /// Whether distances are looked up as they are, without cells. A sized element needs no products.
    fn is_direct(&self) -> bool {
        self.sized && self.distance_bits() <= 16
    }

    /// Whether the distances' constraint stays inside the field; its reach where it does not.
    pub fn fits(&self) -> Result<(), Interval> {
        let high = (1i64 << self.max_bits()) - 1 + if self.excludes { self.big() } else { 0 };
        let reach = Interval::new(-self.x.width() - (1i64 << self.distance_bits()), high);
        match reach.max_abs() < P {
            true => Ok(()),
            false => Err(reach),
        }
    }
}

pub(super) fn eval(m: &Machine, id: NodeId) -> Result<Computed, RunError> {
    let spec = Spec::of(m.graph, id).ok_or_else(|| m.malformed(id, "is no first maximum"))?;
    let n = spec.n;
    let x = m.arg(id, 0);
    let earlier: Vec<_> = (1..m.graph.node(id).args.len()).map(|i| m.arg(id, i)).collect();
    let excluded = |i: usize| i % n >= spec.valid || earlier.iter().any(|h| h[i] == 1);
    let index: Vec<usize> =
        x.chunks_exact(n).enumerate().map(|(r, row)| super::first(row, |j| !excluded(r * n + j))).collect();
    let max: Vec<i64> = index.iter().enumerate().map(|(r, j)| x[r * n + j] as i64).collect();
    let entries = |f: &dyn Fn(usize, usize, usize) -> i64| -> Vec<i64> {
        (0..x.len()).map(|i| f(i, i / n, i % n)).collect()
    };
    let ints = |v: Vec<i64>| -> Vec<i32> { v.into_iter().map(|v| v as i32).collect() };
    let s = entries(&|_, r, j| (j < index[r]) as i64);
    let h = ints(entries(&|_, r, j| (j == index[r]) as i64));

    let mut cells = vec![index.iter().map(|&j| j as i32).collect()];
    for part in limbs(spec.max_bits()) {
        cells.push(max.iter().map(|v| limb(v - spec.x.lo, part)).collect());
    }
    cells.extend([ints(s.clone()), h.clone()]);
    if !spec.is_direct() {
        let big = if spec.excludes { spec.big() } else { 0 };
        let d = entries(&|i, r, _| max[r] - x[i] as i64 - s[i] + if excluded(i) { big } else { 0 });
        for part in limbs(spec.distance_bits()) {
            cells.push(d.iter().map(|&d| limb(d, part)).collect());
        }
    }
    Ok(Computed { cells, value: h })
}

pub(super) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let node = &ctx.graph.nodes[id];
    let spec = Spec::of(ctx.graph, id).ok_or_else(|| ctx.unsupported("is no first maximum"))?;
    if let Err(reach) = spec.fits() {
        return Err(ctx.unsupported(format!("compares values whose differences reach {reach}")));
    }
    let x = match spec.is_direct() {
        true => ctx.affine(node.args[0])?.clone(),
        false => ctx.value(node.args[0])?.clone(),
    };
    let earlier = node.args[1..].iter().map(|&h| Ok(ctx.affine(h)?.lin.clone()));
    let earlier = earlier.collect::<Result<Vec<LinExpr>, LowerError>>()?;
    let (space, rank) = (x.space.clone(), x.space.axes().len());
    let Some((&last, lead)) = space.axes().split_last() else {
        return Err(ctx.unsupported("has no axis to compare along"));
    };
    let (n, rows) = (spec.n, Space(lead.to_vec()));
    let along: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 < rank).then_some(i)).collect();
    let row = Space(vec![last]);
    let by_entry: Vec<Option<usize>> = (0..rank).map(|i| (i + 1 == rank).then_some(0)).collect();
    let all: Vec<usize> = (0..rank).collect();

    let top = Interval::new(0, n as i64 - 1);
    let positions = Constant::Dense((0..n as i32).collect());
    let position = ctx.constant("position", &row, top, positions);
    let position = LinExpr::view(View::identity(position, &row));

    let index = ctx.exact_cell("index", &rows, top);
    let index = ctx.cells(index);
    // The next constraint is the index's; its product needs h, which is declared behind the limbs of M.
    let max = ctx.limb_cells("max", &rows, spec.max_bits()).plus_constant(spec.x.lo);
    let s = ctx.cell("s", &space, Interval::new(0, 1), 1);
    let h = ctx.cell("h", &space, Interval::new(0, 1), 2);
    let order = Order { lo: 1 - n as i32, hi: n as i32 - 1, at: 0, shows: Shows::Both };
    let table = ctx.shared_table(Table::Order(order));
    let from = rearrange(&index, &along).plus(rearrange(&position, &by_entry).scaled(-1));
    ctx.lookup("order", table, &space, vec![from, ctx.cells(s), ctx.cells(h)]);
    let flags = factor(&ctx.cells(h), &all, rank - 1);
    let chosen =
        |b, proven| Product { coef: 1, contracted: vec![last], a: flags.clone(), b, proven: Some(proven) };
    let product = chosen(factor(&position, &[rank - 1], rank - 1), top);
    ctx.constraint("index", &rows, index.scaled(-1), vec![product]);

    let mut d = rearrange(&max, &along).plus(ctx.cells(s).scaled(-1)).plus(x.lin.scaled(-1));
    if spec.valid < n {
        let padding = (0..n).map(|j| (j >= spec.valid) as i32).collect();
        let padding = ctx.constant("padding", &row, Interval::new(0, 1), Constant::Dense(padding));
        let padding = LinExpr::view(View::identity(padding, &row));
        d = d.plus(rearrange(&padding, &by_entry).scaled(spec.big()));
    }
    d = earlier.into_iter().fold(d, |d, h| d.plus(h.scaled(spec.big())));
    let bits = spec.distance_bits();
    let d = match spec.is_direct() {
        true => {
            ctx.in_range("below", &space, bits, d.clone());
            d
        }
        false => {
            let cells = ctx.limb_cells("below", &space, bits);
            let products = x.scaled(-1).products;
            ctx.constraint("below", &space, d.plus(cells.scaled(-1)), products);
            cells
        }
    };
    let product = chosen(factor(&d, &all, rank - 1), Interval::new(0, (1 << bits) - 1));
    ctx.constraint("max is attained", &rows, LinExpr::default(), vec![product]);
    Ok(Value::stored(h, space))
}

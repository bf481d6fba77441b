//! Normalised rows of up to 17 bits and d <= 4096 entries, for `layer_norm` of I16 and for `rms_norm`: DESIGN 5.9c for the
//! residual streams of trained decoders, whose outliers are a thousand times their median.
//!
//! m is the mean, or 0 in `rms_norm`; D = sum (x - m)^2; s = 23 - b;
//! n = round(2^b sqrt(d) (x - m) / sqrt(D + d epsilon / step^2)).
//!
//! ```text
//! sum x + floor(d/2) = d mu + t        c = x - mu        e = sum c = t - floor(d/2)                       [mean]
//! sum c^2 exactly, in digits                                                                           [squares]
//! V = 2^12 sum c^2 - 2^(12-a) floor(2^a e^2 / d) + E     E = round(2^12 d epsilon / step^2)          [normalise]
//! V to its leading 2 digits U, U = P V' + t2, g = 2^23 sqrt(d) / sqrt(V / 2^12) to at least 8 bits        [gain]
//! n = floor((c g - floor(e g / d) + 2^(s-1)) / 2^s)
//! ```
//!
//! As sum (x - m)^2 = sum c^2 - e^2 / d, V / 2^12 is D + d epsilon / step^2 but for the floor, which errs upwards by less
//! than 2^-a. And c g - e g / d = (x - m) g: the mean counts in full for every entry, and no bit of an entry is dropped.
//!
//! **Why each cell has one value**: the modules say so, one step each. At last n and its remainder r in RANGE(s), as of any
//! rescale; n is looked up in the node's interval.
//!
//! **Why nothing wraps.** Only the last product needs an argument beyond the ranges of its factors (and the sums of
//! [`squares`], and two products of [`gain`]). mu is the integer nearest to m, so |x - m| >= |mu - m| = |e| / d for each
//! entry, D >= e^2 / d, and c^2 <= sum c^2 = D + e^2 / d <= 2 D. A row is flat, all c = 0, or D >= 1 - 1/d >= 1/2. Where
//! V < 2^11 it is flat, as V >= 2^12 D, and g = 0. Elsewhere [`gain`] has g <= 2^23 sqrt(d) / sqrt(D) + 1/2, so
//!
//! ```text
//! |c| g <= sqrt(2 D) 2^23 sqrt(d) / sqrt(D) + |c| / 2 = 2^23 sqrt(2 d) + |c| / 2 <= 2^29.5 + 2^15
//! ```
//!
//! and without a mean 2^23 sqrt(d) + |c| / 2. With |floor(e g / d)| <= 2^29 + 2^16 by its digits and 2^s |n| <= 2^29 + 2^s,
//! the relation stays below 2^31 - 2^28.
//!
//! **The interval of n.** (x - m)^2 <= (1 - 1/d) D and sqrt(d) - sqrt(d - 1) >= 2^-7, so before rounding
//!
//! ```text
//! |n| <= 2^b sqrt(d) - 2^(b-7) + |x - m| / 2^(s+1) + 2^-s <= 2^b sqrt(d) - 1/2 + 2^-s
//! ```
//!
//! and without a mean 2^b sqrt(d) + 2^(b-9): [`rule::largest`].
//!
//! **How far from real numbers.** Half a unit, 2^-s, and of n: 2^-12 because V' has 11 bits; 2^-10 from the floor in V
//! where D is a few units, nowhere else; and where V >= 2^39, rounding g, |x - m| / 2^(s+1), which is 2^-9 of n in rows
//! whose standard deviation is 2^15 units and half that for half of it. Below 2^39 g has more than 9 bits, more than 9 +
//! log2(d) / 2. In all at most 2^-9 + 2^-12 of n, unless epsilon outweighs every variance; 0.67 * 2^-9 is the worst of the
//! tests.
//!
//! Cells: n and r per element, and the high digit of c where d |c|^2 > 2^28; at most 36 per row.

mod gain;
mod mean;
mod normalise;
pub(crate) mod rule;
mod squares;

use crate::elem::Interval;
use crate::exec::{all_rows, WideNorm};
use crate::graph::{Graph, NodeId, Op, Params};
use crate::lower::ctx::Ctx;
use crate::lower::value::{factor, rearrange, Value};
use crate::lower::{limb, limbs, LowerError};
use crate::ops::softmax::score_rows::ceil_log2;
use crate::plan::{Axis, LinExpr, Product, Space};
use crate::tables::real::{isqrt, Real};
use crate::tables::StepBits;
use rule::{largest, FRACTIONS, MAX_ROW};
use squares::SPLIT;
use std::ops::Range;

/// Fractional bits of V, whose unit is that of sum c^2.
const FRACTION: u32 = 12;
/// g is in units of 2^-23.
const GAIN_BITS: u32 = 23;
/// The largest |c|: a difference of two 16-bit integers.
const MAX_REACH: i64 = (1 << 16) - 1;
/// Without a mean the largest |x|.
const MAX_ABS: i64 = 1 << 15;
/// Room for E: V stays below 2^55.
const MAX_EPSILON: i64 = 1 << 52;

/// The numbers of one normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Norm {
    d: usize,
    /// Takes the mean away.
    centred: bool,
    x: Interval,
    out: Interval,
    /// E
    epsilon: i64,
    /// s: n is c g shifted by as many bits.
    shift: u32,
}

/// Where the rows are, and how expressions over them and over their entries become factors.
struct Frame {
    /// The rows' axes, then the entries.
    space: Space,
    rows: Space,
    entries: Axis,
}

impl Frame {
    fn outer(&self) -> usize {
        self.rows.axes().len()
    }

    /// An expression over the rows, for each of their entries.
    fn spread(&self, e: &LinExpr) -> LinExpr {
        let along: Vec<Option<usize>> = (0..self.outer()).map(Some).chain([None]).collect();
        rearrange(e, &along)
    }

    /// The product of two expressions over the rows.
    fn product(&self, a: &LinExpr, b: &LinExpr, proven: Option<Interval>) -> Product {
        let axes: Vec<usize> = (0..self.outer()).collect();
        let side = |e| factor(e, &axes, self.outer());
        Product { coef: 1, contracted: vec![], a: side(a), b: side(b), proven }
    }

    /// The sum over a row of the product of two expressions over its entries.
    fn dot(&self, a: &LinExpr, b: &LinExpr, proven: Interval) -> Product {
        let axes: Vec<usize> = (0..=self.outer()).collect();
        let side = |e| factor(e, &axes, self.outer());
        Product { coef: 1, contracted: vec![self.entries], a: side(a), b: side(b), proven: Some(proven) }
    }
}

/// Cells of one row after the other, in order of declaration.
#[derive(Default)]
struct Cells {
    columns: Vec<Vec<i32>>,
    next: usize,
}

impl Cells {
    /// A column that entries fill.
    fn leave_out(&mut self) {
        self.extend([]);
    }

    fn push(&mut self, v: i64) {
        self.extend([v]);
    }

    fn extend(&mut self, v: impl IntoIterator<Item = i64>) {
        if self.next == self.columns.len() {
            self.columns.push(vec![]);
        }
        self.columns[self.next].extend(v.into_iter().map(|v| v as i32));
        self.next += 1;
    }

    fn limbs(&mut self, v: i64, bits: u32) {
        limbs(bits).into_iter().for_each(|part| self.push(limb(v, part) as i64));
    }
}

/// A cell in [0, d).
fn remainder(ctx: &mut Ctx, role: &str, rows: &Space, d: usize) -> LinExpr {
    let bits = ceil_log2(d as u64);
    let t = ctx.range_cell(role, rows, bits);
    let t = ctx.cells(t);
    if !d.is_power_of_two() {
        ctx.in_range(&format!("d - 1 - {role}"), rows, bits, t.scaled(-1).plus_constant(d as i64 - 1));
    }
    t
}

fn bit_length(v: i64) -> u32 {
    64 - v.leading_zeros()
}

impl Norm {
    pub fn new(graph: &Graph, params: &Params, id: NodeId) -> Result<Self, LowerError> {
        let node = &graph.nodes[id];
        let unsupported = |what: String| LowerError::Unsupported { node: node.name.clone(), what };
        let (epsilon, centred) = match node.op {
            Op::LayerNorm { epsilon } => (epsilon, true),
            Op::RmsNorm { epsilon } => (epsilon, false),
            _ => return Err(LowerError::Malformed { node: node.name.clone(), what: "is no normalisation" }),
        };
        let step = |id: NodeId| {
            crate::lower::steps::value(graph, params, id)
                .ok_or_else(|| LowerError::Step { node: graph.nodes[id].name.clone() })
        };
        let d = match node.ty.shape.dims().last() {
            Some(&d) if d <= MAX_ROW => d,
            _ => return Err(unsupported(format!("takes 1 to {MAX_ROW} entries in a row"))),
        };
        let x = graph.ty(node.args[0]).interval;
        let epsilon = epsilon_units(epsilon, d, step(node.args[0])?);
        let unit = step(id)?.get();
        let Some(fraction) = FRACTIONS.into_iter().find(|&b| unit * (1u64 << b) as f64 == 1.0) else {
            let (most, least) = (FRACTIONS.start(), FRACTIONS.end());
            return Err(unsupported(format!("has the step {unit}, not 2^-{most} to 2^-{least}")));
        };
        let spec = Self { d, centred, x, out: node.ty.interval, epsilon, shift: GAIN_BITS - fraction };
        if spec.reach() > if centred { MAX_REACH } else { MAX_ABS } {
            return Err(unsupported(format!("takes at most 16 bits, its argument lies in {x}; quantize it")));
        }
        let largest = largest(&node.op, d, fraction);
        if !spec.out.contains_interval(Interval::new(-largest, largest)) {
            return Err(unsupported(format!("reaches {largest}, its type holds {}", spec.out)));
        }
        if epsilon > MAX_EPSILON {
            return Err(unsupported("has an epsilon far above any variance of its argument".into()));
        }
        Ok(spec)
    }

    /// |c| is at most this.
    fn reach(&self) -> i64 {
        if self.centred {
            self.x.width()
        } else {
            self.x.max_abs()
        }
    }

    /// |c g|, by the module's documentation.
    fn largest_product(&self) -> i64 {
        let doubled = if self.centred { 2 } else { 1 };
        isqrt((doubled * self.d as u128) << (2 * GAIN_BITS)) as i64 + 1 + self.reach() / 2 + 1
    }

    /// All cells in order of declaration, and n.
    pub fn eval(&self, x: &[i32]) -> (Vec<Vec<i32>>, Vec<i32>) {
        let part = |rows: Range<usize>| self.eval_run(&x[rows.start * self.d..rows.end * self.d]);
        let cells = all_rows(x.len() / self.d, x.len(), part);
        let n = cells[cells.len() - 2].clone();
        (cells, n)
    }

    /// The cells of some rows: n and r come last.
    fn eval_run(&self, x: &[i32]) -> Vec<Vec<i32>> {
        let mut cells = Cells::default();
        for x in x.chunks_exact(self.d) {
            cells.next = 0;
            let Row { mu, g, h, digits } = self.row(&self.sums(x), &mut cells);
            let c = x.iter().map(|&x| x as i64 - mu);
            if let Some(column) = digits {
                cells.columns[column].extend(c.clone().map(|c| (c >> SPLIT) as i32));
            }
            let n = |c: i64| c * g - h + (1 << (self.shift - 1));
            cells.extend(c.clone().map(|c| n(c) >> self.shift));
            cells.extend(c.map(|c| n(c) & ((1 << self.shift) - 1)));
        }
        cells.columns
    }

    /// The cells of a row but for those of its entries.
    fn row(&self, sums: &RowSums, cells: &mut Cells) -> Row {
        let e = self.centre(sums.sum, cells);
        let digits = self.is_split().then_some(cells.next);
        self.square(sums, cells);
        let correction = self.correction(e, cells);
        let leading = self.leading(sums.squares, correction, cells);
        let g = self.gain(&leading, cells);
        let h = self.offset(e, g, cells);
        Row { mu: self.mean(sums.sum), g, h, digits }
    }

    /// What a row's n and r follow from, and the cells of rows by column: `None` where entries have one each.
    pub fn rows(&self, sums: &[RowSums]) -> (Vec<[i64; 3]>, Vec<Option<Vec<i32>>>) {
        let mut cells = Cells::default();
        let mut digits = None;
        let row = |sums: &RowSums| {
            cells.next = 0;
            let row = self.row(sums, &mut cells);
            digits = row.digits;
            [row.mu, row.g, row.h]
        };
        let rows = sums.iter().map(row).collect();
        let by_row = |(k, column): (usize, Vec<i32>)| (Some(k) != digits).then_some(column);
        (rows, cells.columns.into_iter().enumerate().map(by_row).collect())
    }

    /// The same in numbers.
    pub fn recipe(&self) -> WideNorm {
        WideNorm { d: self.d, centred: self.centred, shift: self.shift, digit: SPLIT, norm: *self }
    }
}

/// Sums over a row: of x, of c^2, of the squares of c's low digits, of the products of its high and low digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowSums {
    pub sum: i64,
    pub squares: i64,
    pub low_squares: i64,
    pub cross: i64,
}

/// `n = (c g - h + 2^(s-1)) >> s`, and which column holds the high digits of c.
struct Row {
    mu: i64,
    g: i64,
    h: i64,
    digits: Option<usize>,
}
/// `round(2^12 d epsilon / step^2)`
fn epsilon_units(epsilon: f64, d: usize, step: StepBits) -> i64 {
    let Some(epsilon) = StepBits::new(epsilon) else { return 0 };
    let step = step.real();
    let units = epsilon.real().times(Real::int(d as u64)).over(step.times(step)).shifted(FRACTION as i32);
    units.round().min(i64::MAX as u64) as i64
}

pub(crate) fn lower(ctx: &mut Ctx, id: NodeId) -> Result<Value, LowerError> {
    let spec = Norm::new(ctx.graph, ctx.params, id)?;
    let x = ctx.affine(ctx.graph.nodes[id].args[0])?.clone();
    let Some((&entries, lead)) = x.space.axes().split_last() else {
        return Err(ctx.unsupported("has no axis of entries"));
    };
    let f = Frame { space: x.space.clone(), rows: Space(lead.to_vec()), entries };
    let (c, e) = match spec.centred {
        true => {
            let (c, e) = mean::lower(ctx, &spec, &f, &x.lin);
            (c, Some(e))
        }
        false => (x.lin, None),
    };
    let square = squares::lower(ctx, &spec, &f, &c);
    let correction = e.as_ref().map(|e| mean::lower_correction(ctx, &spec, &f, e));
    let leading = normalise::lower(ctx, &spec, &f, square, correction);
    let g = gain::lower(ctx, &spec, &f, &leading);
    let offset = e.as_ref().map(|e| gain::lower_offset(ctx, &spec, &f, e, &g));

    // c g - h - 2^s n - r + 2^(s-1) = 0
    let s = spec.shift;
    let n = ctx.interval_cell("n", &f.space, spec.out);
    let r = ctx.range_cell("r", &f.space, s);
    let all: Vec<usize> = (0..=f.outer()).collect();
    let bound = spec.largest_product();
    let gained = Product {
        coef: 1,
        contracted: vec![],
        a: factor(&c, &all, f.outer() + 1),
        b: factor(&g.whole(), &all[..f.outer()], f.outer() + 1),
        proven: Some(Interval::new(-bound, bound)),
    };
    let right = ctx.cells(n).scaled(1 << s).plus(ctx.cells(r));
    let right = offset.into_iter().fold(right, |right, h| right.plus(f.spread(&h)));
    ctx.constraint("rescale", &f.space, right.scaled(-1).plus_constant(1 << (s - 1)), vec![gained]);
    Ok(Value::stored(n, f.space))
}

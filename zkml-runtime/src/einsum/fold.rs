//! Folds a factor over the output axes that only it has.
//!
//! `out[k] = sum_o w(o) expr(o, k)`, with k over the summed axes (padded to powers of two, zero outside the stored cells)
//! and `w` the eq weights of the folded axes. One pass over the factor's cells, not one per multiply-add of the einsum: a
//! weight matrix costs its size. Cells are small integers, so products with challenge coordinates (31 bits) add up in
//! 64 bits and are reduced once.

use crate::cells::{Cells, Loop, Loops};
use crate::claims::embed;
use crate::field::{eq_table, F};
use num_traits::{One, Zero};
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};
use stwo::core::fields::m31::BaseField;
use zkml_ir::elem::P;
use zkml_ir::plan::{Axis, LinExpr, Plan, Term};

/// What happens to an axis of the factor.
pub enum Role {
    /// Stays, with this stride in the output.
    Kept { stride: usize },
    /// Summed with these weights, one for each position.
    Folded(Arc<Weights>),
}

/// Weights of a folded axis, computed when somebody reads them.
pub struct Weights {
    /// eq at this point, or ones.
    point: Option<Vec<F>>,
    len: usize,
    values: OnceLock<Values>,
}

/// Also by coordinate.
struct Values {
    values: Vec<F>,
    coords: [Vec<i32>; 4],
}

impl Weights {
    /// eq at a point, the first `len` entries.
    pub fn at(point: &[F], len: usize) -> Self {
        assert!(len <= 1 << point.len(), "as many entries as there are");
        Self { point: Some(point.to_vec()), len, values: OnceLock::new() }
    }

    pub fn ones(len: usize) -> Self {
        Self { point: None, len, values: OnceLock::new() }
    }

    /// Where eq is taken; ones have no point.
    pub fn point(&self) -> Option<&[F]> {
        self.point.as_deref()
    }

    #[allow(clippy::len_without_is_empty, reason = "an axis has entries")]
    pub fn len(&self) -> usize {
        self.len
    }

    fn values(&self) -> &Values {
        self.values.get_or_init(|| {
            let mut values = match &self.point {
                Some(point) => eq_table(point),
                None => vec![F::one(); self.len],
            };
            values.truncate(self.len);
            let coord = |c: usize| values.iter().map(|v| v.to_m31_array()[c].0 as i32).collect();
            Values { coords: std::array::from_fn(coord), values }
        })
    }

    fn total(&self) -> F {
        match &self.point {
            None => embed(self.len as i64),
            Some(point) if self.len == 1 << point.len() => F::one(),
            Some(_) => self.values().values.iter().fold(F::zero(), |s, v| s + *v),
        }
    }
}

/// Cells above which a fold is split over threads.
const PARALLEL: usize = 1 << 16;

/// `axes` are the factor's, one role each; `len` is the output's length.
pub fn fold<'a>(
    expr: &LinExpr,
    axes: &[Axis],
    roles: &[Role],
    len: usize,
    plan: &Plan,
    cells: impl Fn(usize) -> &'a Cells,
) -> Vec<F> {
    let mut out = vec![F::zero(); len];
    if expr.constant != 0 {
        let value = folded_constant(expr.constant, roles);
        for_each_kept(axes, roles, 0, &mut |o| out[o] += value);
    }
    for term in &expr.terms {
        add_term(&mut out, term, axes, roles, plan, cells(term.view.tensor));
    }
    out
}

/// What a constant becomes at every kept position: times the sums of the folded weights.
pub fn folded_constant(constant: i64, roles: &[Role]) -> F {
    roles.iter().fold(embed(constant), |v, r| match r {
        Role::Kept { .. } => v,
        Role::Folded(w) => v * w.total(),
    })
}

fn for_each_kept(axes: &[Axis], roles: &[Role], at: usize, f: &mut impl FnMut(usize)) {
    match (axes, roles) {
        ([a, axes @ ..], [Role::Kept { stride }, roles @ ..]) => {
            (0..a.extent()).for_each(|i| for_each_kept(axes, roles, at + i * stride, f))
        }
        ([_, axes @ ..], [_, roles @ ..]) => for_each_kept(axes, roles, at, f),
        _ => f(at),
    }
}

/// One loop with what it does to the output and to the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub extent: usize,
    pub stride: usize,
    /// Output step, zero for a folded axis.
    pub out: usize,
    /// The folded axis (in [`Nest::weights`]) and the step of its position.
    pub weight: Option<(usize, usize)>,
}

/// A term of a factor as loops over its tensor's cells.
pub struct Nest<'a> {
    /// The contiguous one last, where any is.
    pub steps: Vec<Step>,
    pub weights: Vec<&'a Weights>,
    /// Where the loops start: in the cells, in the output, in each of the weights.
    pub base: usize,
    pub out: usize,
    pub start: Vec<usize>,
    /// What all of it is multiplied by.
    pub scale: F,
}

/// How many weights, all of them one, each axis has that a term sums over by itself.
pub fn ones(term: &Term) -> impl Iterator<Item = usize> + '_ {
    term.summed.iter().map(|a| a.extent())
}

impl<'a> Nest<'a> {
    /// Of a term over these axes, one role each, and over its own summed axes with the weights one of [`ones`]. `stored` is the space
    /// of its tensor.
    pub fn new(
        term: &Term,
        axes: &[Axis],
        roles: &'a [Role],
        ones: &'a [Arc<Weights>],
        stored: &zkml_ir::plan::Space,
    ) -> Self {
        let all: Vec<Axis> = axes.iter().chain(&term.summed).copied().collect();
        let loops = Loops::new(&term.view, stored, &all);
        let mut scale = embed(term.coef);
        let role = |axis: usize| -> Result<usize, &'a Weights> {
            match roles.get(axis) {
                Some(Role::Kept { stride }) => Ok(*stride),
                Some(Role::Folded(w)) => Err(w),
                None => Err(&ones[axis - axes.len()]),
            }
        };
        // Folded axes in use, with the position where their loops start.
        let (mut weights, mut start, mut slot, mut out) = (vec![], vec![], vec![None; all.len()], 0);
        let mut extra = vec![];
        for (axis, a) in all.iter().enumerate() {
            match (role(axis), loops.broadcast[axis]) {
                (Ok(stride), true) => {
                    extra.push(Step { extent: a.extent(), stride: 0, out: stride, weight: None });
                }
                (Ok(stride), false) => out += loops.start[axis] * stride,
                (Err(w), true) => scale *= w.total(),
                (Err(w), false) => {
                    slot[axis] = Some(weights.len());
                    weights.push(w);
                    start.push(loops.start[axis]);
                }
            }
        }
        let step = |l: &Loop| match role(l.axis) {
            Ok(stride) => Step { extent: l.extent, stride: l.stride, out: l.index * stride, weight: None },
            Err(_) => {
                let weight = slot[l.axis].map(|s| (s, l.index));
                Step { extent: l.extent, stride: l.stride, out: 0, weight }
            }
        };
        let steps: Vec<Step> = loops.loops.iter().map(step).chain(extra).collect();
        Self { steps, weights, base: loops.base, out, start, scale }
    }
}

struct Walk<'a> {
    steps: Vec<Step>,
    weights: Vec<&'a Weights>,
    cells: &'a Cells,
}

/// Sums in 64 bits, by coordinate, and sums in the field.
struct Sums {
    raw: Option<[Vec<i64>; 4]>,
    field: Vec<F>,
}

impl Sums {
    fn new(len: usize, raw: bool) -> Self {
        Self { raw: raw.then(|| std::array::from_fn(|_| vec![0; len])), field: vec![F::zero(); len] }
    }

    fn add_to(self, out: &mut [F], scale: F) {
        for (i, (o, f)) in out.iter_mut().zip(self.field).enumerate() {
            let raw = self.raw.as_ref().map_or(F::zero(), |r| reduce(std::array::from_fn(|c| r[c][i])));
            *o += scale * (f + raw);
        }
    }
}

pub(super) fn reduce(sums: [i64; 4]) -> F {
    F::from_m31_array(sums.map(|s| BaseField::from_u32_unchecked(s.rem_euclid(P) as u32)))
}

fn add_term(out: &mut [F], term: &Term, axes: &[Axis], roles: &[Role], plan: &Plan, cells: &Cells) {
    let decl = &plan.tensors[term.view.tensor];
    let ones: Vec<Arc<Weights>> = ones(term).map(|n| Arc::new(Weights::ones(n))).collect();
    let Nest { steps, weights, base, out: out_start, start, scale } =
        Nest::new(term, axes, roles, &ones, &decl.axes);
    // 2^31 * |cell| * (cells folded into one output) must stay below 2^63.
    let folded: i64 = steps.iter().filter(|s| s.weight.is_some()).map(|s| s.extent as i64).product();
    let small = decl.range.max_abs().saturating_mul(folded) < 1 << 32;
    let walk = Walk { steps, weights, cells };
    let work: usize = walk.steps.iter().map(|s| s.extent).product();
    let raw = small && walk.steps.last().is_some_and(|s| s.weight.is_none());
    let outer = walk.steps.first().map_or(1, |s| s.extent);
    if work < PARALLEL || outer < 2 {
        let mut sums = Sums::new(out.len(), raw);
        walk.run(0, base, out_start, &mut start.clone(), small, &mut sums);
        sums.add_to(out, scale);
        return;
    }
    let first = walk.steps[0];
    let tasks = outer.min(4 * rayon::current_num_threads());
    let partial: Vec<Sums> = (0..tasks)
        .into_par_iter()
        .map(|task| {
            let mut sums = Sums::new(out.len(), raw);
            let mut at = start.clone();
            for v in task * outer / tasks..(task + 1) * outer / tasks {
                if let Some((w, index)) = first.weight {
                    at[w] = start[w] + v * index;
                }
                walk.run(1, base + v * first.stride, out_start + v * first.out, &mut at, small, &mut sums);
            }
            sums
        })
        .collect();
    partial.into_iter().for_each(|s| s.add_to(out, scale));
}

impl Walk<'_> {
    fn run(&self, depth: usize, from: usize, to: usize, at: &mut Vec<usize>, small: bool, sums: &mut Sums) {
        let Some(s) = self.steps.get(depth).copied() else {
            let w = self.product(at, None);
            sums.field[to] += w * embed(self.cells.get(from) as i64);
            return;
        };
        if depth + 1 < self.steps.len() {
            for v in 0..s.extent {
                if let Some((w, index)) = s.weight {
                    at[w] += if v > 0 { index } else { 0 };
                }
                self.run(depth + 1, from + v * s.stride, to + v * s.out, at, small, sums);
            }
            if let Some((w, index)) = s.weight {
                at[w] -= (s.extent - 1) * index;
            }
            return;
        }
        match s.weight {
            Some((w, index)) => {
                let others = self.product(at, Some(w));
                let sum = match small {
                    true => self.dot(w, at[w], index, from, s),
                    false => (0..s.extent).fold(F::zero(), |sum, v| {
                        let x = embed(self.cells.get(from + v * s.stride) as i64);
                        sum + self.weights[w].values().values[at[w] + v * index] * x
                    }),
                };
                sums.field[to] += others * sum;
            }
            None => {
                let w = self.product(at, None);
                match &mut sums.raw {
                    Some(raw) => self.axpy(raw, w, from, to, s),
                    None => {
                        for v in 0..s.extent {
                            sums.field[to + v * s.out] +=
                                w * embed(self.cells.get(from + v * s.stride) as i64);
                        }
                    }
                }
            }
        }
    }

    /// The product of the folded axes' weights at their positions, but for one.
    fn product(&self, at: &[usize], but: Option<usize>) -> F {
        let chosen = (0..at.len()).filter(|&k| Some(k) != but);
        chosen.fold(F::one(), |p, k| p * self.weights[k].values().values[at[k]])
    }

    fn dot(&self, w: usize, at: usize, index: usize, from: usize, s: Step) -> F {
        let coords = &self.weights[w].values().coords;
        if index == 1 && s.stride == 1 {
            let range = at..at + s.extent;
            return reduce(std::array::from_fn(|c| match self.cells {
                Cells::I8(x) => dot8(&coords[c][range.clone()], &x[from..from + s.extent]),
                Cells::I32(x) => dot32(&coords[c][range.clone()], &x[from..from + s.extent]),
            }));
        }
        reduce(std::array::from_fn(|c| {
            let term =
                |v: usize| coords[c][at + v * index] as i64 * self.cells.get(from + v * s.stride) as i64;
            (0..s.extent).map(term).sum()
        }))
    }

    fn axpy(&self, out: &mut [Vec<i64>; 4], w: F, from: usize, to: usize, s: Step) {
        for (out, w) in out.iter_mut().zip(w.to_m31_array()) {
            let w = w.0 as i64;
            if s.stride == 1 && s.out == 1 {
                let out = &mut out[to..to + s.extent];
                match self.cells {
                    Cells::I8(x) => {
                        out.iter_mut().zip(&x[from..]).for_each(|(o, &x)| *o += w * x as i64);
                    }
                    Cells::I32(x) => {
                        out.iter_mut().zip(&x[from..]).for_each(|(o, &x)| *o += w * x as i64);
                    }
                }
            } else {
                for v in 0..s.extent {
                    out[to + v * s.out] += w * self.cells.get(from + v * s.stride) as i64;
                }
            }
        }
    }
}

fn dot8(w: &[i32], x: &[i8]) -> i64 {
    w.iter().zip(x).map(|(&w, &x)| w as i64 * x as i64).sum()
}

fn dot32(w: &[i32], x: &[i32]) -> i64 {
    w.iter().zip(x).map(|(&w, &x)| w as i64 * x as i64).sum()
}

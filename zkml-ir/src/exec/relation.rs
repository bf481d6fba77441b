//! The values of affine expressions over whole index spaces.

use super::node::constant;
use super::Witness;
use crate::plan::{Axis, AxisMap, BitMap, LinExpr, Lookup, Plan, Source, Space, TensorDecl, Term, View};
use crate::tensor::IntTensor;
use std::borrow::Cow;

/// Every tensor of a plan by its values.
pub(crate) struct Cells<'a> {
    pub plan: &'a Plan,
    values: Vec<Cow<'a, [i32]>>,
}

/// The values of an expression, row-major.
pub(crate) enum Column<'a> {
    Constant(i64),
    Stored { cells: &'a [i32], coef: i64, constant: i64 },
    Computed(Vec<i64>),
}

impl Column<'_> {
    #[inline(always)]
    pub fn at(&self, i: usize) -> i64 {
        match self {
            Self::Constant(c) => *c,
            Self::Stored { cells, coef, constant } => constant + coef * cells[i] as i64,
            Self::Computed(v) => v[i],
        }
    }
}

impl<'a> Cells<'a> {
    /// A tensor that nobody supplies is empty: reading it fails the shape check of [`Cells::complete`].
    pub fn new(plan: &'a Plan, witness: &'a Witness, weights: &'a [IntTensor]) -> Self {
        Self::of(plan, witness, weights, |_| true)
    }

    /// Only the tensors that these lookups read: a model's weights are no part of them, and are many.
    pub fn of_lookups<'l>(
        plan: &'a Plan,
        witness: &'a Witness,
        weights: &'a [IntTensor],
        lookups: impl Iterator<Item = &'l Lookup>,
    ) -> Self {
        let mut read = vec![false; plan.tensors.len()];
        let entries = lookups.flat_map(|l| &l.entries);
        entries.flat_map(|e| &e.terms).for_each(|t| read[t.view.tensor] = true);
        Self::of(plan, witness, weights, |id| read[id])
    }

    fn of(
        plan: &'a Plan,
        witness: &'a Witness,
        weights: &'a [IntTensor],
        read: impl Fn(usize) -> bool,
    ) -> Self {
        let values = plan.tensors.iter().enumerate().map(|(i, t)| match &t.source {
            _ if !read(i) => Cow::Borrowed(&[][..]),
            Source::Weight(w) => weights.get(*w).map_or(Cow::Borrowed(&[][..]), |w| Cow::Owned(w.to_vec())),
            Source::Constant(c) => Cow::Owned(constant(c, t.axes.len())),
            Source::OneHotOf(input) => Cow::Owned(one_hot_of(plan, witness, *input, t)),
            _ => Cow::Borrowed(witness.tensors.get(i).and_then(|t| t.as_deref()).unwrap_or(&[])),
        });
        Self { plan, values: values.collect() }
    }

    /// The first tensor without its number of cells.
    pub fn incomplete(&self) -> Option<usize> {
        (0..self.values.len()).find(|&i| self.values[i].len() != self.plan.tensors[i].axes.len())
    }

    pub fn tensor(&self, id: usize) -> &[i32] {
        &self.values[id]
    }

    /// An expression at every cell of a space, row-major.
    pub fn eval(&self, e: &LinExpr, space: &Space) -> Vec<i64> {
        let mut out = vec![e.constant; space.len()];
        e.terms.iter().for_each(|t| self.add(t, space, &mut out));
        out
    }

    /// The same, read where it is stored if it is a tensor as it is, or constant.
    pub fn column(&self, e: &LinExpr, space: &Space) -> Column<'_> {
        match &e.terms[..] {
            [] => Column::Constant(e.constant),
            [t] if t.view == View::identity(t.view.tensor, space)
                && self.plan.tensors[t.view.tensor].axes == *space
                && t.summed.is_empty() =>
            {
                Column::Stored { cells: self.tensor(t.view.tensor), coef: t.coef, constant: e.constant }
            }
            _ => Column::Computed(self.eval(e, space)),
        }
    }

    fn add(&self, t: &Term, space: &Space, out: &mut [i64]) {
        let summed: usize = t.summed.iter().map(|a| a.extent()).product();
        let stored = &self.plan.tensors[t.view.tensor].axes;
        let cells = self.tensor(t.view.tensor);
        if t.view == View::identity(t.view.tensor, space) && stored == space {
            out.iter_mut().zip(cells).for_each(|(o, &x)| *o += t.coef * x as i64);
            return;
        }
        let full = space.and(&t.summed);
        Gather::new(&t.view, &full, stored).runs(&full, |at, cell, stride, len| match (summed, stride) {
            (1, 0) => out[at..at + len].iter_mut().for_each(|o| *o += t.coef * cells[cell] as i64),
            (1, 1) => {
                let x = &cells[cell..cell + len];
                out[at..at + len].iter_mut().zip(x).for_each(|(o, &x)| *o += t.coef * x as i64);
            }
            _ => (0..len).for_each(|k| out[(at + k) / summed] += t.coef * cells[cell + k * stride] as i64),
        });
    }
}

/// Row-major flags of a public input's cells; empty, as whatever nobody supplies, where one names no column.
fn one_hot_of(plan: &Plan, witness: &Witness, input: usize, t: &TensorDecl) -> Vec<i32> {
    let of = plan.tensors.iter().position(|t| t.source == Source::PublicInput(input));
    let rows = of.and_then(|of| witness.tensors.get(of)?.as_deref()).unwrap_or(&[]);
    let columns = t.axes.axes().last().map_or(1, |a| a.extent());
    let mut flags = vec![0; rows.len() * columns];
    for (i, &column) in rows.iter().enumerate() {
        match usize::try_from(column).ok().filter(|&c| c < columns) {
            Some(column) => flags[i * columns + column] = 1,
            None => return vec![],
        }
    }
    flags
}

/// Row-major strides.
pub(crate) fn strides(space: &Space) -> Vec<usize> {
    let mut s = vec![1; space.axes().len()];
    for i in (1..s.len()).rev() {
        s[i - 1] = s[i] * space.axes()[i].extent();
    }
    s
}

/// Where the cells of a view lie in the row-major values of its tensor.
pub(crate) struct Gather {
    /// By slab: index of its first cell.
    slabs: Vec<usize>,
    /// Index contributed by the fixed bits.
    fixed: usize,
    /// By axis: what each value of its bits contributes, `None` where the view is zero.
    low: Vec<Vec<Option<usize>>>,
    view: View,
}

impl Gather {
    pub fn new(view: &View, space: &Space, stored: &Space) -> Self {
        let (offsets, slab_strides) = (stored.bit_offsets(), stored.slab_strides());
        let strides = strides(stored);
        let weight = |bit: u32| {
            let axes = stored.axes().iter().zip(&offsets).zip(&strides);
            axes.filter(|((a, &off), _)| (off..off + a.bits).contains(&bit))
                .map(|((_, &off), s)| s << (bit - off))
                .sum::<usize>()
        };
        let first = |slab: usize| -> usize {
            let axes = stored.axes().iter().zip(&slab_strides).zip(&strides);
            axes.map(|((a, &s), stride)| ((slab / s as usize % a.odd as usize) << a.bits) * stride).sum()
        };
        let low = view.axes.iter().zip(space.axes()).map(|(map, a)| Self::low(map, *a, weight)).collect();
        Self {
            slabs: (0..stored.slabs()).map(first).collect(),
            fixed: view.fixed.iter().filter(|f| f.1).map(|f| weight(f.0)).sum(),
            low,
            view: view.clone(),
        }
    }

    fn low(map: &AxisMap, axis: Axis, weight: impl Fn(u32) -> usize) -> Vec<Option<usize>> {
        let AxisMap::Digits { bits, .. } = map else { return vec![Some(0); 1 << axis.bits] };
        let value = |x: usize| {
            let bit = |k: usize| x >> (bits.len() - 1 - k) & 1 == 1;
            bits.iter().enumerate().try_fold(0, |at, (k, b)| match *b {
                BitMap::Slab(p) => Some(at + if bit(k) { weight(p) } else { 0 }),
                BitMap::Select(v) => (v == bit(k)).then_some(at),
            })
        };
        (0..1 << axis.bits).map(value).collect()
    }

    /// Calls `f(row-major index in the space, index of the cell, stride of the cell, length)` for runs of cells that
    /// cover the space, but for its zeros.
    pub fn runs(&self, space: &Space, mut f: impl FnMut(usize, usize, usize, usize)) {
        let axes = space.axes();
        // The bits of the last axis are the inner loop; all else is counted up digit by digit.
        let inner = self.low.last().map_or(&[Some(0)][..], |l| l);
        let stride = match inner {
            [Some(a), Some(b), ..] if b >= a => b - a,
            _ => 0,
        };
        let regular = inner.iter().enumerate().all(|(i, x)| *x == Some(i * stride));
        let outer = axes.len().saturating_sub(1);
        let mut digits = vec![0usize; outer];
        let last_odd = axes.last().map_or(1, |a| a.odd);
        let mut odd = vec![0u32; axes.len()];
        let mut at = 0;
        loop {
            let mut base = Some(self.fixed);
            for (k, a) in axes[..outer].iter().enumerate() {
                odd[k] = (digits[k] >> a.bits) as u32;
                base = base.zip(self.low[k][digits[k] & ((1 << a.bits) - 1)]).map(|(x, y)| x + y);
            }
            for u in 0..last_odd {
                if let Some(last) = odd.last_mut() {
                    *last = u;
                }
                if let Some(cell) =
                    base.and_then(|b| self.view.slab_at(&odd).map(|s| b + self.slabs[s as usize]))
                {
                    if regular {
                        f(at, cell, stride, inner.len());
                    } else {
                        for (k, x) in inner.iter().enumerate() {
                            x.iter().for_each(|x| f(at + k, cell + x, 0, 1));
                        }
                    }
                }
                at += inner.len();
            }
            let Some(axis) = (0..outer).rev().find(|&k| digits[k] + 1 < axes[k].extent()) else { return };
            digits[axis] += 1;
            digits[axis + 1..].fill(0);
        }
    }
}

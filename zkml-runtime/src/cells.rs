//! Tensor values in the order in which they are committed: slab by slab (see `zkml_ir::plan::Axis`).
//!
//! In this order every digit of every view is one stride, which row-major order does not give.

use std::borrow::Cow;
use zkml_ir::plan::{Axis, AxisMap, BitMap, LinExpr, Space, Term, View};
use zkml_ir::tensor::{Data, IntTensor};

/// Values of one tensor in slab order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells {
    I8(Vec<i8>),
    I32(Vec<i32>),
}

impl Cells {
    /// From row-major values.
    pub fn from_row_major(space: &Space, values: &[i32]) -> Self {
        assert_eq!(space.len(), values.len());
        Self::I32(permute(space, |i| values[i]))
    }

    pub fn from_tensor(space: &Space, tensor: &IntTensor) -> Self {
        assert_eq!(space.len(), tensor.len());
        match tensor.data() {
            Data::I8(v) => Self::I8(permute(space, |i| v[i])),
            Data::I16(v) => Self::I32(permute(space, |i| v[i] as i32)),
            Data::I32(v) => Self::I32(permute(space, |i| v[i])),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::I8(v) => v.len(),
            Self::I32(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub fn get(&self, i: usize) -> i32 {
        match self {
            Self::I8(v) => v[i] as i32,
            Self::I32(v) => v[i],
        }
    }

    pub fn to_i32(&self) -> Cow<'_, [i32]> {
        match self {
            Self::I8(v) => Cow::Owned(v.iter().map(|&x| x as i32).collect()),
            Self::I32(v) => Cow::Borrowed(v),
        }
    }
}

/// Reads row-major cells in slab order.
fn permute<T>(space: &Space, at: impl Fn(usize) -> T) -> Vec<T> {
    let mut out = Vec::with_capacity(space.len());
    let strides = space.strides();
    let axes = space.axes();
    if space.slabs() == 1 {
        return (0..space.len()).map(at).collect();
    }
    // Within a slab the last axis is contiguous in both orders.
    let inner = axes.last().map_or(1, |a| 1usize << a.bits);
    let runs = (1usize << space.slab_bits()) / inner;
    for slab in 0..space.slabs() {
        let (mut base, mut rest) = (0, slab);
        for (a, s) in axes.iter().zip(&strides).rev() {
            base += ((rest % a.odd as usize) << a.bits) * s;
            rest /= a.odd as usize;
        }
        for run in 0..runs {
            let (mut start, mut rest) = (base, run);
            for (a, s) in axes.iter().zip(&strides).rev().skip(1) {
                start += (rest & ((1 << a.bits) - 1)) * s;
                rest >>= a.bits;
            }
            out.extend((start..start + inner).map(&at));
        }
    }
    out
}

/// One loop over a digit or a run of neighbouring bits: `extent` steps of `stride` cells, each adding `index` to the
/// position on `axis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    pub extent: usize,
    pub stride: usize,
    pub axis: usize,
    pub index: usize,
}

/// A view as loops over a tensor's cells: `base`, then every combination of the loops. Cells where the view is zero and
/// broadcast axes are left out: a broadcast axis has no loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loops {
    pub base: usize,
    pub loops: Vec<Loop>,
    /// Position on each axis where the loops start.
    pub start: Vec<usize>,
    /// Which axes the tensor does not depend on.
    pub broadcast: Vec<bool>,
}

impl Loops {
    /// `stored` is the space of the view's tensor, `axes` the space the view is over.
    pub fn new(view: &View, stored: &Space, axes: &[Axis]) -> Self {
        let slab_bits = stored.slab_bits();
        let mut base = (view.slab as usize) << slab_bits;
        base += view.fixed.iter().map(|&(p, v)| (v as usize) << p).sum::<usize>();
        let mut out =
            Self { base, loops: vec![], start: vec![0; axes.len()], broadcast: vec![false; axes.len()] };
        for (axis, (map, a)) in view.axes.iter().zip(axes).enumerate() {
            let AxisMap::Digits { odd, bits } = map else {
                out.broadcast[axis] = true;
                continue;
            };
            let mut index = 1usize << a.bits;
            for d in odd.iter().rev() {
                out.start[axis] += d.offset as usize * index;
                if d.count > 1 {
                    let stride = (d.stride as usize) << slab_bits;
                    out.loops.push(Loop { extent: d.count as usize, stride, axis, index });
                }
                index *= d.radix as usize;
            }
            // Neighbouring bits that are neighbours in the slab too make one loop.
            let mut k = 0;
            let low_first: Vec<BitMap> = bits.iter().rev().copied().collect();
            while k < low_first.len() {
                let BitMap::Slab(p) = low_first[k] else {
                    out.start[axis] += usize::from(low_first[k] == BitMap::Select(true)) << k;
                    k += 1;
                    continue;
                };
                let run = (1..low_first.len() - k)
                    .take_while(|&j| low_first[k + j] == BitMap::Slab(p + j as u32))
                    .count()
                    + 1;
                out.loops.push(Loop { extent: 1 << run, stride: 1 << p, axis, index: 1 << k });
                k += run;
            }
        }
        // Largest strides outside: the innermost loop is contiguous where any is.
        out.loops.sort_by_key(|l| std::cmp::Reverse(l.stride));
        out
    }
}

/// Values of an expression for every cell of `space`, in slab order of `space`.
pub fn materialise<'a>(
    expr: &LinExpr,
    space: &Space,
    stored: impl Fn(usize) -> &'a Space,
    cells: impl Fn(usize) -> &'a Cells,
) -> Vec<i64> {
    let mut out = vec![];
    materialise_into(&mut out, expr, space, stored, cells);
    out
}

/// [`materialise`] into a buffer: a large one that is used again costs no page faults.
pub fn materialise_into<'a>(
    out: &mut Vec<i64>,
    expr: &LinExpr,
    space: &Space,
    stored: impl Fn(usize) -> &'a Space,
    cells: impl Fn(usize) -> &'a Cells,
) {
    out.clear();
    out.resize(space.len(), expr.constant);
    for term in &expr.terms {
        add_term(out, term, space, stored(term.view.tensor), cells(term.view.tensor));
    }
}

fn add_term(out: &mut [i64], term: &Term, space: &Space, stored: &Space, cells: &Cells) {
    let TermLoops { steps, base, out: start, coef } = TermLoops::new(term, space, stored);
    walk(&steps, base, start, &mut |to, from| out[to] += coef * cells.get(from) as i64);
}

/// A loop that goes through cells and through an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub extent: usize,
    pub stride: usize,
    /// Zero for a summed axis.
    pub out: usize,
}

/// A term of an expression as loops over its tensor's cells and over the cells of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermLoops {
    pub steps: Vec<Step>,
    /// Where they start: in the tensor, in the space.
    pub base: usize,
    pub out: usize,
    pub coef: i64,
}

impl TermLoops {
    /// `stored` is the space of the term's tensor.
    pub fn new(term: &Term, space: &Space, stored: &Space) -> Self {
        let full = space.and(&term.summed);
        let mut loops = Loops::new(&term.view, stored, full.axes());
        // A broadcast axis of the space repeats the cell, digit by digit; a broadcast summed axis multiplies it.
        let mut coef = term.coef;
        for (axis, a) in full.axes().iter().enumerate().filter(|(axis, _)| loops.broadcast[*axis]) {
            match axis < space.axes().len() {
                true => loops.loops.extend([
                    Loop { extent: a.odd as usize, stride: 0, axis, index: 1 << a.bits },
                    Loop { extent: 1 << a.bits, stride: 0, axis, index: 1 },
                ]),
                false => coef *= a.extent() as i64,
            }
        }
        // Where a position of an axis lies in the space.
        let (strides, offsets) = (space.slab_strides(), space.bit_offsets());
        let slab_bits = space.slab_bits();
        let place = |axis: usize, i: usize| match space.axes().get(axis) {
            None => 0,
            Some(a) => {
                ((strides[axis] as usize * (i >> a.bits)) << slab_bits)
                    + ((i & ((1 << a.bits) - 1)) << offsets[axis])
            }
        };
        let out = loops.start.iter().enumerate().map(|(axis, &i)| place(axis, i)).sum();
        // A loop stays within a digit and digits do not carry into each other, so its places have one stride.
        let step = |l: &Loop| Step { extent: l.extent, stride: l.stride, out: place(l.axis, l.index) };
        Self { steps: loops.loops.iter().map(step).collect(), base: loops.base, out, coef }
    }
}

/// Calls `f` with the place in the output and the cell of every combination.
pub(crate) fn walk(steps: &[Step], from: usize, to: usize, f: &mut impl FnMut(usize, usize)) {
    match steps {
        [] => f(to, from),
        [s] => (0..s.extent).for_each(|v| f(to + v * s.out, from + v * s.stride)),
        [s, rest @ ..] => (0..s.extent).for_each(|v| walk(rest, from + v * s.stride, to + v * s.out, f)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slab_order_of_six_by_twelve() {
        let space = Space::of(&[6, 12]);
        let values: Vec<i32> = (0..72).collect();
        let Cells::I32(got) = Cells::from_row_major(&space, &values) else { panic!() };
        // 6 = 3 * 2, 12 = 3 * 4: nine slabs of 2 x 4.
        let mut want = vec![];
        for (a, b) in (0..3).flat_map(|a| (0..3).map(move |b| (a, b))) {
            for (i, j) in (0..2).flat_map(|i| (0..4).map(move |j| (i, j))) {
                want.push((2 * a + i) * 12 + 4 * b + j);
            }
        }
        assert_eq!(got, want);
    }

    #[test]
    fn expressions_by_hand() {
        let stored = Space::of(&[6, 12]);
        let cells = Cells::from_row_major(&stored, &(0..72).collect::<Vec<_>>());
        // 2 * transpose + column sums broadcast along rows - 5.
        let out = Space::of(&[12, 6]);
        let transposed = View::identity(0, &stored).transpose(&[1, 0]);
        let sums = View::identity(0, &stored).rearrange(&[Some(1), None, Some(0)]);
        let expr = LinExpr {
            terms: vec![Term::new(2, transposed), Term { coef: 1, view: sums, summed: vec![Axis::new(6)] }],
            constant: -5,
        };
        let got = materialise(&expr, &out, |_| &stored, |_| &cells);
        let want: Vec<i32> = (0..72)
            .map(|k| {
                let (j, i) = (k / 6, k % 6);
                2 * (i * 12 + j) + (0..6).map(|r| r * 12 + j).sum::<i32>() - 5
            })
            .collect();
        let Cells::I32(want) = Cells::from_row_major(&out, &want) else { panic!() };
        assert_eq!(got, want.iter().map(|&v| v as i64).collect::<Vec<_>>());
    }
}

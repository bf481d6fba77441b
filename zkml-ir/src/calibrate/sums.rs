//! Sums over the columns of a weight, at the speed of its storage.
//!
//! Where `lo <= x <= hi` for all rows of a run, `w x` over a column of it lies between `P lo + N hi` and `P hi + N lo`, with
//! P the sum of the column's positive entries and N that of its negative ones: small additions, and one multiplication
//! for each column of a run. Bounds of tensors seldom differ from row to row, so runs are long.
//!
//! All sums are exact in i64 or, where that is not certain, saturate as [`Interval`]'s do; so they do not depend on their
//! order, nor on threads.

use super::weight_view::WeightView;
use crate::elem::Interval;
use crate::tensor::{Data, IntTensor};

/// Entries of a weight.
trait Int: Copy + Sync + Into<i32> {
    /// So many of them add up in an i32.
    const RUN: usize;
    /// So many squares do.
    const SQUARES: usize;
}

impl Int for i8 {
    const RUN: usize = 1 << 22;
    const SQUARES: usize = 1 << 15;
}

impl Int for i16 {
    const RUN: usize = 1 << 14;
    const SQUARES: usize = 1;
}

impl Int for i32 {
    /// `-i32::MIN` never occurs: P and N keep their signs.
    const RUN: usize = 1;
    const SQUARES: usize = 0;
}

/// Work of less is not spread over threads.
const WORTH: usize = 1 << 16;
/// Columns that one task sums: their accumulators stay in the first-level cache.
const COLUMNS: usize = 1024;

/// Calls a generic function with the slice that a tensor stores.
macro_rules! with_slice {
    ($tensor:expr, $v:ident => $body:expr) => {
        match $tensor.data() {
            Data::I8($v) => $body,
            Data::I16($v) => $body,
            Data::I32($v) => $body,
        }
    };
}

/// For each column of the view the interval of `sum_i x_i w_ij`, with x_i in `x(i)`.
pub(super) fn products(w: &IntTensor, view: &WeightView, x: &dyn Fn(usize) -> Interval) -> Vec<Interval> {
    let rows = view.rows();
    let runs = runs(rows.len(), x);
    let (n, stride) = view.last();
    if !exact(&runs, w) {
        return slow_products(w, view, x);
    }
    with_slice!(w, v => by_column_blocks(n, rows.len(), |from, to| {
        let mut sums = vec![Interval::point(0); to - from];
        for (run, x) in &runs {
            for rows in rows[run.clone()].chunks(limit(v)) {
                let (p, m) = signed_sums(v, rows, from, to, stride);
                for ((sum, p), m) in sums.iter_mut().zip(p).zip(m) {
                    let (p, m) = (p as i64, m as i64);
                    sum.lo += p * x.lo + m * x.hi;
                    sum.hi += p * x.hi + m * x.lo;
                }
            }
        }
        sums
    }))
}

/// For each column the sum of the squares of its entries.
pub(super) fn squares(w: &IntTensor, view: &WeightView) -> Vec<i64> {
    let rows = view.rows();
    let (n, stride) = view.last();
    with_slice!(w, v => by_column_blocks(n, rows.len(), |from, to| square_sums(v, &rows, from, to, stride)))
}

/// For each column its least and its largest entry.
pub(super) fn ranges(w: &IntTensor, view: &WeightView) -> Vec<Interval> {
    let rows = view.rows();
    let (n, stride) = view.last();
    with_slice!(w, v => by_column_blocks(n, rows.len(), |from, to| ends(v, &rows, from, to, stride)))
}

/// The interval of `sum_j w_ij x_j` over all rows i, with every x_j in `x`.
pub(super) fn widest_row(w: &IntTensor, view: &WeightView, x: Interval) -> Interval {
    let rows = view.rows();
    let (n, stride) = view.last();
    if !exact(&[(0..n, x)], w) {
        return slow_widest_row(w, view, x);
    }
    let row = |from: usize| {
        let (mut p, mut m) = (0i64, 0i64);
        with_slice!(w, v => for j in 0..n {
            let e = v[from + j * stride] as i64;
            p += e.max(0);
            m += e.min(0);
        });
        Interval::new(p * x.lo + m * x.hi, p * x.hi + m * x.lo)
    };
    let task = |block: usize| {
        let rows = &rows[block * ROWS..(block * ROWS + ROWS).min(rows.len())];
        rows.iter().map(|&o| row(o)).reduce(Interval::union).expect("a block has a row")
    };
    const ROWS: usize = 64;
    let blocks = crate::exec::in_parallel(rows.len().div_ceil(ROWS), rows.len() * n, task);
    blocks.into_iter().reduce(Interval::union).expect("a weight has a row")
}

/// Rows with equal intervals.
fn runs(n: usize, x: &dyn Fn(usize) -> Interval) -> Vec<(std::ops::Range<usize>, Interval)> {
    let mut runs: Vec<(std::ops::Range<usize>, Interval)> = vec![];
    for i in 0..n {
        let now = x(i);
        match runs.last_mut() {
            Some((run, same)) if *same == now => run.end = i + 1,
            _ => runs.push((i..i + 1, now)),
        }
    }
    runs
}

/// Whether no partial sum leaves i64.
fn exact(runs: &[(std::ops::Range<usize>, Interval)], w: &IntTensor) -> bool {
    let entry = match w.data() {
        Data::I8(_) => 1i128 << 7,
        Data::I16(_) => 1 << 15,
        Data::I32(_) => 1 << 31,
    };
    // Twice: P and N each reach it.
    let most: i128 = runs.iter().map(|(run, x)| 2 * run.len() as i128 * x.max_abs() as i128 * entry).sum();
    most < i64::MAX as i128
}

fn limit<T: Int>(_: &[T]) -> usize {
    T::RUN
}

/// `task` for blocks of columns, its results one after the other.
fn by_column_blocks<R: Send>(
    n: usize,
    rows: usize,
    task: impl Fn(usize, usize) -> Vec<R> + Sync + Send,
) -> Vec<R> {
    // At least a few blocks where there is work to share, however narrow the weight.
    let width = if n * rows > WORTH { COLUMNS.min(n.div_ceil(8)).max(64) } else { n };
    let blocks = crate::exec::in_parallel(n.div_ceil(width), n * rows, |b| {
        task(b * width, (b * width + width).min(n))
    });
    blocks.into_iter().flatten().collect()
}

/// The sums of the positive and of the negative entries of columns `from..to` over the rows at these offsets.
fn signed_sums<T: Int>(
    v: &[T],
    rows: &[usize],
    from: usize,
    to: usize,
    stride: usize,
) -> (Vec<i32>, Vec<i32>) {
    let (mut p, mut m) = (vec![0i32; to - from], vec![0i32; to - from]);
    if stride == 1 {
        for &o in rows {
            for ((p, m), &e) in p.iter_mut().zip(&mut m).zip(&v[o + from..o + to]) {
                let e: i32 = e.into();
                *p += e.max(0);
                *m += e.min(0);
            }
        }
        return (p, m);
    }
    // A transposed weight: its columns lie one after the other.
    for ((p, m), j) in p.iter_mut().zip(&mut m).zip(from..to) {
        for &o in rows {
            let e: i32 = v[o + j * stride].into();
            *p += e.max(0);
            *m += e.min(0);
        }
    }
    (p, m)
}

fn square_sums<T: Int>(v: &[T], rows: &[usize], from: usize, to: usize, stride: usize) -> Vec<i64> {
    let mut sums = vec![0i64; to - from];
    if T::SQUARES == 0 {
        for &o in rows {
            for (sum, j) in sums.iter_mut().zip(from..to) {
                let e: i32 = v[o + j * stride].into();
                *sum += e as i64 * e as i64;
            }
        }
        return sums;
    }
    let mut part = vec![0i32; to - from];
    for rows in rows.chunks(T::SQUARES) {
        part.fill(0);
        if stride == 1 {
            for &o in rows {
                for (s, &e) in part.iter_mut().zip(&v[o + from..o + to]) {
                    let e: i32 = e.into();
                    *s += e * e;
                }
            }
        } else {
            for (s, j) in part.iter_mut().zip(from..to) {
                *s = rows.iter().fold(0, |s, o| {
                    let e: i32 = v[o + j * stride].into();
                    s + e * e
                });
            }
        }
        sums.iter_mut().zip(&part).for_each(|(sum, s)| *sum += *s as i64);
    }
    sums
}

fn ends<T: Int>(v: &[T], rows: &[usize], from: usize, to: usize, stride: usize) -> Vec<Interval> {
    let at = |o: usize, j: usize| -> i32 { v[o + j * stride].into() };
    let first = *rows.first().expect("a weight has a row");
    let (mut lo, mut hi): (Vec<i32>, Vec<i32>) = (from..to).map(|j| (at(first, j), at(first, j))).unzip();
    if stride == 1 {
        for &o in rows {
            for ((lo, hi), &e) in lo.iter_mut().zip(&mut hi).zip(&v[o + from..o + to]) {
                let e: i32 = e.into();
                *lo = e.min(*lo);
                *hi = e.max(*hi);
            }
        }
    } else {
        for ((lo, hi), j) in lo.iter_mut().zip(&mut hi).zip(from..to) {
            for &o in rows {
                *lo = at(o, j).min(*lo);
                *hi = at(o, j).max(*hi);
            }
        }
    }
    lo.into_iter().zip(hi).map(|(lo, hi)| Interval::new(lo as i64, hi as i64)).collect()
}

/// By the definition, saturating: where i64 might not hold the sums, and for comparison.
fn slow_products(w: &IntTensor, view: &WeightView, x: &dyn Fn(usize) -> Interval) -> Vec<Interval> {
    let (n, stride) = view.last();
    let mut sums = vec![Interval::point(0); n];
    for (i, row) in view.rows().into_iter().enumerate() {
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum = *sum + x(i).scale(w.get(row + j * stride) as i64);
        }
    }
    sums
}

fn slow_widest_row(w: &IntTensor, view: &WeightView, x: Interval) -> Interval {
    let (n, stride) = view.last();
    let row = |o: usize| (0..n).fold(Interval::point(0), |s, j| s + x.scale(w.get(o + j * stride) as i64));
    view.rows().into_iter().map(row).reduce(Interval::union).expect("a weight has a row")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elem::Elem;
    use crate::shape::Shape;
    use crate::testing::Random;

    fn weight(r: &mut Random, elem: Elem, len: usize) -> IntTensor {
        let i = elem.interval();
        // The ends often: they are what overflows.
        let one = |r: &mut Random| match r.between(0, 3) {
            0 => i.lo,
            1 => i.hi,
            _ => r.between(i.lo, i.hi),
        };
        let v: Vec<i32> = (0..len).map(|_| one(r) as i32).collect();
        IntTensor::new(Shape::new([len]), elem, &v).unwrap()
    }

    /// Views of every kind over weights of every storage, bounds of every length of run, against the definition.
    #[test]
    fn sums_equal_those_by_definition() {
        let mut r = Random(3);
        for case in 0..300 {
            let elem = [Elem::I8, Elem::I12, Elem::I16, Elem::I24][case % 4];
            let (a, b) = (r.between(1, 70) as usize, r.between(1, 300) as usize);
            let pad = r.between(0, 5) as usize;
            let w = weight(&mut r, elem, a * b + pad);
            let view = match case % 3 {
                0 => WeightView { weight: 0, dims: vec![a, b], strides: vec![b, 1], offset: pad },
                1 => WeightView { weight: 0, dims: vec![b, a], strides: vec![1, b], offset: pad },
                _ => WeightView {
                    weight: 0,
                    dims: vec![a, b.div_ceil(2)],
                    strides: vec![b, 2],
                    offset: pad.min(b % 2),
                },
            };
            let run = r.between(1, 40) as usize;
            let reach = 1i64 << r.between(0, 30);
            let xs: Vec<Interval> = (0..view.dims[0].div_ceil(run))
                .map(|_| (r.between(-reach, reach), r.between(-reach, reach)))
                .map(|(a, b)| Interval::new(a.min(b), a.max(b)))
                .collect();
            let x = |i: usize| xs[i / run];
            assert_eq!(products(&w, &view, &x), slow_products(&w, &view, &x), "case {case}");
            assert_eq!(widest_row(&w, &view, xs[0]), slow_widest_row(&w, &view, xs[0]), "case {case}");
            let (n, stride) = view.last();
            let column = |j: usize| view.rows().into_iter().map(move |o| o + j * stride).collect::<Vec<_>>();
            for j in 0..n {
                let entries: Vec<i64> = column(j).into_iter().map(|i| w.get(i) as i64).collect();
                assert_eq!(squares(&w, &view)[j], entries.iter().map(|e| e * e).sum::<i64>());
                let ends = Interval::new(*entries.iter().min().unwrap(), *entries.iter().max().unwrap());
                assert_eq!(ranges(&w, &view)[j], ends);
                if j > 3 {
                    break;
                }
            }
        }
    }

    /// Ends that stand for the unknown stay unknown.
    #[test]
    fn sums_that_may_not_fit_saturate() {
        let w = IntTensor::new(Shape::new([4]), Elem::I24, &[8_388_607, 1, -8_388_608, 0]).unwrap();
        let view = WeightView { weight: 0, dims: vec![2, 2], strides: vec![2, 1], offset: 0 };
        let x = |_| Interval::new(i64::MIN, i64::MAX);
        let all = Interval::new(i64::MIN, i64::MAX);
        assert_eq!(products(&w, &view, &x), [all, all]);
        let x = |_| Interval::new(-(1 << 45), 1 << 45);
        assert_eq!(products(&w, &view, &x), slow_products(&w, &view, &x));
        assert_eq!(widest_row(&w, &view, x(0)), slow_widest_row(&w, &view, x(0)));
    }

    /// Enough columns and rows for several tasks, and more rows than one i32 of squares holds.
    #[test]
    fn large_weights_are_summed_in_blocks() {
        let mut r = Random(5);
        for (elem, a, b) in [(Elem::I8, 40_000, 3), (Elem::I16, 20_000, 5), (Elem::I8, 70, 3000)] {
            let w = weight(&mut r, elem, a * b);
            let view = WeightView { weight: 0, dims: vec![a, b], strides: vec![b, 1], offset: 0 };
            let x = |_| Interval::new(-32768, 32767);
            assert_eq!(products(&w, &view, &x), slow_products(&w, &view, &x));
            let square = |j: usize| (0..a).map(|i| (w.get(i * b + j) as i64).pow(2)).sum::<i64>();
            assert_eq!(squares(&w, &view), (0..b).map(square).collect::<Vec<_>>());
        }
    }
}

//! Integer matrix products.
//!
//! Operands of at most 16 bits are packed so that every output is a dot product of two contiguous `i16` rows, which the
//! compiler turns into multiply-add instructions. Sums wrap: the model's intervals say that the final sum fits.

use super::node::Val;
use crate::elem::Interval;
use crate::shape::Shape;
use crate::tensor::Data;
use std::convert::Infallible;
use std::ops::Range;

/// Columns of b that are packed at a time.
const PANEL: usize = 32;
const TILE: usize = 64;

pub(crate) struct Operand<'a> {
    pub val: Option<&'a Val<'a>>,
    pub shape: &'a Shape,
    pub range: Interval,
}

impl Operand<'_> {
    fn small(&self) -> bool {
        Interval::new(i16::MIN as i64, i16::MAX as i64).contains_interval(self.range)
    }
}

/// Integers that pack into 16 bits.
pub(crate) trait Int: Copy + Sync {
    fn i16(self) -> i16;
}

macro_rules! int {
    ($($t:ty),*) => { $(impl Int for $t {
        fn i16(self) -> i16 {
            self as i16
        }
    })* };
}
int!(i8, i16, i32);

/// `[.., m, k] x [k, n]` or `[.., m, k] x [.., k, n]`.
pub(crate) fn matmul(a: Operand, b: Operand) -> Vec<i32> {
    let (da, db) = (a.shape.dims(), b.shape.dims());
    let (k, n) = (da[da.len() - 1], db[db.len() - 1]);
    let batches: usize = db[..db.len() - 2].iter().product();
    let m = a.shape.len() / k / batches;
    let (Some(va), Some(vb)) = (a.val, b.val) else { return vec![] };
    if !(a.small() && b.small()) {
        return wide(&va.ints(), &vb.ints(), batches, m, k, n);
    }
    let left: Vec<i16> = match va.stored() {
        Some(Data::I8(v)) => pack(v),
        Some(Data::I16(v)) => v.clone(),
        Some(Data::I32(v)) => pack(v),
        None => pack(&va.ints()),
    };
    let size = Size { batches, m, k, n };
    match (vb.stored(), vb) {
        (Some(Data::I8(v)), _) => panels(&left, v, size, columns),
        (Some(Data::I16(v)), _) => panels(&left, v, size, columns),
        (Some(Data::I32(v)), _) => panels(&left, v, size, columns),
        (None, Val::Turned(t)) => match t.data() {
            Data::I8(v) => panels(&left, v, size, rows),
            Data::I16(v) => panels(&left, v, size, rows),
            Data::I32(v) => panels(&left, v, size, rows),
        },
        (None, _) => panels(&left, &vb.ints(), size, columns),
    }
}

/// Extents of a batch of products `[m, k] x [k, n]`.
#[derive(Clone, Copy)]
struct Size {
    batches: usize,
    m: usize,
    k: usize,
    n: usize,
}

fn pack<T: Int>(v: &[T]) -> Vec<i16> {
    v.iter().map(|x| x.i16()).collect()
}

/// Batches of `[m, k] x [k, n]` of operands that fit 16 bits.
pub(crate) fn narrow<T: Int>(a: &[i16], b: &[T], batches: usize, m: usize, k: usize, n: usize) -> Vec<i32> {
    panels(a, b, Size { batches, m, k, n }, columns)
}

/// Panel by panel; `columns` gives some columns of b, one after the other.
fn panels<T: Int>(
    a: &[i16],
    b: &[T],
    Size { batches, m, k, n }: Size,
    columns: fn(&[T], usize, usize, usize, usize) -> Vec<i16>,
) -> Vec<i32> {
    let panels = n.div_ceil(PANEL);
    let task = |t: usize| {
        let (batch, j) = (t / panels, t % panels * PANEL);
        let width = PANEL.min(n - j);
        let bt = columns(&b[batch * k * n..][..k * n], k, n, j, width);
        let rows = a[batch * m * k..][..m * k].chunks_exact(k);
        rows.flat_map(|row| bt.chunks_exact(k).map(|b| dot(row, b))).collect::<Vec<i32>>()
    };
    let blocks = in_parallel(batches * panels, batches * m * k * n, task);
    let mut c = vec![0; batches * m * n];
    for (t, block) in blocks.iter().enumerate() {
        let (batch, j) = (t / panels, t % panels * PANEL);
        let width = PANEL.min(n - j);
        for (i, row) in block.chunks_exact(width).enumerate() {
            c[(batch * m + i) * n + j..][..width].copy_from_slice(row);
        }
    }
    c
}

/// Columns `j..j + width` of a row-major b `[k, n]`.
fn columns<T: Int>(b: &[T], k: usize, n: usize, j: usize, width: usize) -> Vec<i16> {
    let mut bt = vec![0i16; width * k];
    for (t, rows) in b.chunks(TILE * n).enumerate() {
        // A tile of rows stays in the first-level cache while its columns are written out.
        for (q, column) in bt.chunks_exact_mut(k).enumerate() {
            let to = &mut column[t * TILE..][..rows.len() / n];
            to.iter_mut().zip(rows.chunks_exact(n)).for_each(|(to, row)| *to = row[j + q].i16());
        }
    }
    bt
}

/// The same of a b that is given by its columns.
fn rows<T: Int>(b: &[T], k: usize, _: usize, j: usize, width: usize) -> Vec<i16> {
    b[j * k..][..width * k].iter().map(|x| x.i16()).collect()
}

/// On its own, so that the compiler sees one reduction and picks its multiply-add of pairs (several in one loop, and it
/// falls back to 32-bit multiplication, which takes three times as long).
#[inline(never)]
fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0i32, |s, (&x, &y)| s.wrapping_add((x as i32).wrapping_mul(y as i32)))
}

/// Operands beyond 16 bits.
fn wide(a: &[i32], b: &[i32], batches: usize, m: usize, k: usize, n: usize) -> Vec<i32> {
    let mut c = vec![0i32; batches * m * n];
    for (i, (row, c)) in a.chunks_exact(k).zip(c.chunks_exact_mut(n)).enumerate() {
        let b = &b[i / m * k * n..][..k * n];
        for (&x, b) in row.iter().zip(b.chunks_exact(n)) {
            for (c, &y) in c.iter_mut().zip(b) {
                *c = c.wrapping_add(x.wrapping_mul(y));
            }
        }
    }
    c
}

/// Runs that rows are cut into: some for each thread, and none so short that joining them would tell.
const RUNS: usize = 16;

/// Columns computed from runs of rows that do not depend on each other, joined in order; `work` is what all rows cost. Of
/// several errors it is that of the first rows.
pub(crate) fn by_rows<E: Send>(
    rows: usize,
    work: usize,
    part: impl Fn(Range<usize>) -> Result<Vec<Vec<i32>>, E> + Sync + Send,
) -> Result<Vec<Vec<i32>>, E> {
    if work <= WORTH_IT {
        return part(0..rows);
    }
    let run = rows.div_ceil(RUNS).max(1);
    let parts = in_parallel(rows.div_ceil(run), work, |i| part(i * run..rows.min((i + 1) * run)));
    let parts = parts.into_iter().collect::<Result<Vec<_>, E>>()?;
    let columns = parts.first().map_or(0, Vec::len);
    let join = |c: usize| parts.iter().map(|p| &p[c][..]).collect::<Vec<_>>().concat();
    Ok(in_parallel(columns, work, join))
}

/// [`by_rows`] of what cannot fail.
pub(crate) fn all_rows(
    rows: usize,
    work: usize,
    part: impl Fn(Range<usize>) -> Vec<Vec<i32>> + Sync + Send,
) -> Vec<Vec<i32>> {
    match by_rows::<Infallible>(rows, work, |run| Ok(part(run))) {
        Ok(columns) => columns,
        Err(never) => match never {},
    }
}

/// Steps of work that are worth other threads.
const WORTH_IT: usize = 1 << 16;

/// `task(0..n)` in order, on all threads where `work` is worth it.
pub(crate) fn in_parallel<T: Send>(n: usize, work: usize, task: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    #[cfg(feature = "parallel")]
    if work > WORTH_IT {
        use rayon::prelude::*;
        return (0..n).into_par_iter().map(task).collect();
    }
    let _ = work;
    (0..n).map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_rows_join_in_order() {
        // Short enough for one run, and for some of several rows each.
        for (rows, work) in [(0, 0), (7, 7), (7, WORTH_IT + 1), (1000, WORTH_IT + 1)] {
            let part = |run: Range<usize>| {
                let (one, two) = run.map(|i| (i as i32, -(i as i32))).unzip();
                Ok::<_, usize>(vec![one, two])
            };
            let got = by_rows(rows, work, part).unwrap();
            let expected: Vec<i32> = (0..rows as i32).collect();
            assert_eq!(got[0], expected);
            assert_eq!(got[1], expected.iter().map(|v| -v).collect::<Vec<_>>());
            let failing = |run: Range<usize>| match run.clone().find(|i| *i % 300 == 299) {
                Some(i) => Err(i),
                None => part(run),
            };
            assert_eq!(by_rows(rows, work, failing).err(), (rows > 299).then_some(299));
        }
    }
}

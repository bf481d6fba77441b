//! Real matrix products, blocked so that a panel of the right side stays in cache while the rows pass over it.

use super::FloatTensor;
use crate::shape::Shape;

/// Rows of the left side that pass over a panel together.
const ROWS: usize = 4;
/// Rows of the right side in a panel.
const PANEL: usize = 64;

pub(crate) fn matmul(x: &FloatTensor, w: &FloatTensor, out: &Shape) -> Vec<f32> {
    let (k, n) = {
        let d = w.shape.dims();
        (d[d.len() - 2], d[d.len() - 1])
    };
    let mut y = vec![0.0; out.len()];
    if w.shape.rank() == 2 {
        product(&x.data, &w.data, &mut y, k, n);
        return y;
    }
    // A leading extent of 1 on the right serves several matrices of the left, which lie one after the other.
    let m = x.data.len() / k / (w.data.len() / (k * n));
    for ((x, w), y) in x.data.chunks(m * k).zip(w.data.chunks(k * n)).zip(y.chunks_mut(m * n)) {
        product(x, w, y, k, n);
    }
    y
}

/// Every block of rows is computed alike, so the result does not depend on the number of threads.
fn product(x: &[f32], w: &[f32], y: &mut [f32], k: usize, n: usize) {
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        y.par_chunks_mut(ROWS * n).zip(x.par_chunks(ROWS * k)).for_each(|(y, x)| block(x, w, y, k, n));
    }
    #[cfg(not(feature = "parallel"))]
    y.chunks_mut(ROWS * n).zip(x.chunks(ROWS * k)).for_each(|(y, x)| block(x, w, y, k, n));
}

/// `y += x w` for up to [`ROWS`] rows.
fn block(x: &[f32], w: &[f32], y: &mut [f32], k: usize, n: usize) {
    let Some((y0, rest)) = y.split_at_mut_checked(n) else { return };
    if rest.len() != (ROWS - 1) * n {
        for (x, y) in x.chunks(k).zip(std::iter::once(y0).chain(rest.chunks_mut(n))) {
            for (&a, w) in x.iter().zip(w.chunks_exact(n)) {
                y.iter_mut().zip(w).for_each(|(y, &w)| *y += a * w);
            }
        }
        return;
    }
    let (y1, rest) = rest.split_at_mut(n);
    let (y2, y3) = rest.split_at_mut(n);
    for (p, panel) in w.chunks(PANEL * n).enumerate() {
        for (i, w) in panel.chunks_exact(n).enumerate() {
            let a = [0, 1, 2, 3].map(|r| x[r * k + p * PANEL + i]);
            for ((((w, y0), y1), y2), y3) in
                w.iter().zip(y0.iter_mut()).zip(y1.iter_mut()).zip(y2.iter_mut()).zip(y3.iter_mut())
            {
                *y0 += a[0] * w;
                *y1 += a[1] * w;
                *y2 += a[2] * w;
                *y3 += a[3] * w;
            }
        }
    }
}

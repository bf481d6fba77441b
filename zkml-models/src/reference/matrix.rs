//! Row-major f64 matrices and the one product that the references need.

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) cols: usize,
    pub(super) data: Vec<f64>,
}

/// Rows of x and of the weight that are worked on together: a block of the weight stays in the first cache while every
/// pair of rows passes over it.
const DEPTH: usize = 32;
const WIDTH: usize = 256;

impl Matrix {
    /// # Panics
    /// If the values are no whole number of rows.
    pub(super) fn from_f32(values: &[f32], cols: usize) -> Self {
        assert!(cols > 0 && values.len().is_multiple_of(cols), "{} values, rows of {cols}", values.len());
        Self { cols, data: values.iter().map(|&v| v.into()).collect() }
    }

    pub(super) fn to_f32(&self) -> Vec<f32> {
        self.data.iter().map(|&v| v as f32).collect()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks_exact(self.cols)
    }

    pub(super) fn map(mut self, f: impl Fn(f64) -> f64) -> Self {
        self.data.iter_mut().for_each(|v| *v = f(*v));
        self
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        assert_eq!(self.data.len(), other.data.len());
        self.data.iter_mut().zip(&other.data).for_each(|(a, b)| *a += b);
        self
    }

    /// Columns `start..start + cols` of every row.
    pub(super) fn columns(&self, start: usize, cols: usize) -> Self {
        let data = self.rows().flat_map(|row| &row[start..start + cols]).copied().collect();
        Self { cols, data }
    }

    /// `self * weight + bias`, weight \[cols, bias.len()\] row-major.
    pub(super) fn times_plus(&self, weight: &[f32], bias: &[f32]) -> Self {
        let (k, n) = (self.cols, bias.len());
        assert_eq!(weight.len(), k * n);
        let mut data: Vec<f64> = self.rows().flat_map(|_| bias).map(|&b| b.into()).collect();
        let mut block = vec![];
        for c0 in (0..n).step_by(WIDTH) {
            let width = WIDTH.min(n - c0);
            for k0 in (0..k).step_by(DEPTH) {
                let depth = DEPTH.min(k - k0);
                block.clear();
                for row in weight[k0 * n..(k0 + depth) * n].chunks_exact(n) {
                    block.extend(row[c0..c0 + width].iter().map(|&w| f64::from(w)));
                }
                for (x, out) in self.rows().zip(data.chunks_exact_mut(n)) {
                    add_block(&mut out[c0..c0 + width], &x[k0..k0 + depth], &block);
                }
            }
        }
        Self { cols: n, data }
    }
}

/// `out += x block`, four rows of the block at a time, so that `out` is loaded and stored a quarter as often.
fn add_block(out: &mut [f64], x: &[f64], block: &[f64]) {
    let width = out.len();
    let (quads, rest) = x.as_chunks::<4>();
    for (q, rows) in quads.iter().zip(block.chunks_exact(4 * width)) {
        let (a, b) = rows.split_at(2 * width);
        let ((r0, r1), (r2, r3)) = (a.split_at(width), b.split_at(width));
        for (i, o) in out.iter_mut().enumerate() {
            *o += q[0] * r0[i] + q[1] * r1[i] + q[2] * r2[i] + q[3] * r3[i];
        }
    }
    for (v, row) in rest.iter().zip(block[4 * quads.len() * width..].chunks_exact(width)) {
        out.iter_mut().zip(row).for_each(|(o, r)| *o += v * r);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_the_plain_product() {
        let value = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 8.0;
        for (m, k, n) in [(1, 1, 1), (3, 5, 7), (4, 33, 257), (2, 70, 600)] {
            let x: Vec<f32> = (0..m * k).map(value).collect();
            let w: Vec<f32> = (0..k * n).map(|i| value(i + 11)).collect();
            let b: Vec<f32> = (0..n).map(|i| value(i + 5)).collect();
            let got = Matrix::from_f32(&x, k).times_plus(&w, &b);
            for (i, &v) in got.data.iter().enumerate() {
                let (r, c) = (i / n, i % n);
                let sum: f64 = (0..k).map(|j| x[r * k + j] as f64 * w[j * n + c] as f64).sum();
                // Multiples of 1/64 far below 2^53: exact in any order.
                assert_eq!(v, sum + b[c] as f64, "{m} {k} {n} at {i}");
            }
        }
    }

    #[test]
    fn columns_of_rows() {
        let m = Matrix::from_f32(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
        assert_eq!(m.columns(1, 2).data, [2.0, 3.0, 5.0, 6.0]);
    }
}

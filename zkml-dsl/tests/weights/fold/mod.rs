//! Rewrites of float weights, by hand and against the networks that they must not change.

mod batch_norm;
mod channels;
mod layer_norm;
mod parts;
mod rms_norm;

use super::tensor;
use zkml_dsl::weights::{FloatTensor, FloatWeights, WeightsError};

fn weights<const N: usize>(tensors: [(&str, FloatTensor); N]) -> FloatWeights {
    FloatWeights::from_tensors(tensors.map(|(n, t)| (n.to_owned(), t))).unwrap()
}

/// The same names, shapes and values.
fn same(a: &FloatWeights, b: &FloatWeights) -> bool {
    a.names().eq(b.names()) && a.names().all(|n| a.get(n).unwrap() == b.get(n).unwrap())
}

/// The message of a rewrite that fails, and leaves everything as it was.
#[track_caller]
fn refused(w: &FloatWeights, rewrite: impl FnOnce(&mut FloatWeights) -> Result<(), WeightsError>) -> String {
    let mut changed = w.clone();
    let error = rewrite(&mut changed).unwrap_err();
    assert!(same(&changed, w), "changed by a failed rewrite: {error}");
    error.to_string()
}

/// Values in \[-1, 1), the same for one seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 40) as f32) / (1u32 << 23) as f32 - 1.0
    }

    fn tensor(&mut self, dims: &[usize]) -> FloatTensor {
        let data: Vec<f32> = (0..dims.iter().product()).map(|_| self.next()).collect();
        tensor(dims, &data)
    }
}

/// `x W + b` in f64, of one row.
fn linear(x: &[f64], weight: &FloatTensor, bias: Option<&FloatTensor>) -> Vec<f64> {
    let out = weight.shape.dims()[1];
    (0..out)
        .map(|j| {
            let b = bias.map_or(0.0, |b| b.data[j] as f64);
            x.iter().enumerate().fold(b, |sum, (i, x)| sum + x * weight.data[i * out + j] as f64)
        })
        .collect()
}

fn assert_near(a: &[f64], b: &[f64], bound: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= bound, "{a} and {b} differ by more than {bound}");
    }
}

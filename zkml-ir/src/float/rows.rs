//! Ops over the last axis: softmax, attention, layer normalisation.

use super::FloatTensor;

fn last(x: &FloatTensor) -> usize {
    x.shape.dims().last().copied().unwrap_or(1)
}

/// Queries of one matrix of scores.
fn queries(x: &FloatTensor) -> usize {
    x.shape.rank().checked_sub(2).map_or(1, |i| x.shape.dims()[i])
}

/// Probabilities over the keys that `seen` allows; `None` if it allows none.
fn probabilities(scores: &[f32], seen: impl Fn(usize) -> bool) -> Option<Vec<f64>> {
    let max = scores.iter().enumerate().filter(|(j, _)| seen(*j)).map(|(_, &x)| x).reduce(f32::max)?;
    let e: Vec<f64> = scores
        .iter()
        .enumerate()
        .map(|(j, &x)| if seen(j) { ((x - max) as f64).exp() } else { 0.0 })
        .collect();
    let sum: f64 = e.iter().sum();
    Some(e.into_iter().map(|e| e / sum).collect())
}

pub(crate) fn softmax(x: &FloatTensor, causal: bool) -> Vec<f32> {
    let (keys, queries) = (last(x), queries(x));
    let mut out = Vec::with_capacity(x.data.len());
    for (row, scores) in x.data.chunks_exact(keys).enumerate() {
        let p = probabilities(scores, |j| !causal || j <= row % queries).expect("a row sees its own key");
        out.extend(p.iter().map(|&p| p as f32));
    }
    out
}

/// Softmax of the scores times v, or the row that sees no key.
pub(crate) fn attention(
    x: &FloatTensor,
    v: &FloatTensor,
    mask: Option<&FloatTensor>,
    causal: bool,
    window: Option<u32>,
) -> Result<Vec<f32>, usize> {
    let (keys, queries, d) = (last(x), queries(x), last(v));
    let mut out = Vec::with_capacity(x.data.len() / keys * d);
    // Rows that one matrix of v serves.
    let served = x.data.len() * d / v.data.len();
    for (row, scores) in x.data.chunks_exact(keys).enumerate() {
        let query = row % queries;
        let near = |j: usize| window.is_none_or(|w| query.abs_diff(j) < w as usize);
        let seen = |j: usize| mask.is_none_or(|m| m.data[j] != 0.0) && (!causal || j <= query) && near(j);
        let p = probabilities(scores, seen).ok_or(row)?;
        let v = &v.data[row / served * keys * d..][..keys * d];
        let mut sum = vec![0.0; d];
        for (&p, v) in p.iter().zip(v.chunks_exact(d)) {
            sum.iter_mut().zip(v).for_each(|(s, &v)| *s += p * v as f64);
        }
        out.extend(sum.iter().map(|&s| s as f32));
    }
    Ok(out)
}

pub(crate) fn layer_norm(x: &FloatTensor, epsilon: f64) -> Vec<f32> {
    let d = last(x);
    let mut out = Vec::with_capacity(x.data.len());
    for row in x.data.chunks_exact(d) {
        let mean = row.iter().map(|&v| v as f64).sum::<f64>() / d as f64;
        let variance = row.iter().map(|&v| (v as f64 - mean).powi(2)).sum::<f64>() / d as f64;
        let scale = 1.0 / (variance + epsilon).sqrt();
        out.extend(
            row.iter().map(|&v| ((v as f64 - mean) * if scale.is_finite() { scale } else { 0.0 }) as f32),
        );
    }
    out
}

pub(crate) fn rms_norm(x: &FloatTensor, epsilon: f64) -> Vec<f32> {
    let mut out = Vec::with_capacity(x.data.len());
    for row in x.data.chunks_exact(last(x)) {
        let square = row.iter().map(|&v| (v as f64).powi(2)).sum::<f64>() / row.len() as f64;
        let scale = 1.0 / (square + epsilon).sqrt();
        // Zeros stay zeros without an epsilon.
        let scale = if scale.is_finite() { scale } else { 0.0 };
        out.extend(row.iter().map(|&v| (v as f64 * scale) as f32));
    }
    out
}

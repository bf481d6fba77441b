//! Views and broadcasting: row-major copies.

use super::FloatTensor;
use crate::shape::Shape;

pub(crate) fn transpose(x: &FloatTensor, perm: &[usize]) -> Vec<f32> {
    let strides = x.shape.strides();
    let dims: Vec<usize> = perm.iter().map(|&i| x.shape.dims()[i]).collect();
    offsets(&dims, &perm.iter().map(|&i| strides[i]).collect::<Vec<_>>()).map(|i| x.data[i]).collect()
}

pub(crate) fn slice(x: &FloatTensor, axis: usize, start: usize, end: usize) -> Vec<f32> {
    let inner: usize = x.shape.dims()[axis + 1..].iter().product();
    let block = inner * x.shape.dims()[axis];
    x.data.chunks_exact(block).flat_map(|b| &b[start * inner..end * inner]).copied().collect()
}

pub(crate) fn concat(args: &[&FloatTensor], axis: usize, out: &Shape) -> Vec<f32> {
    let outer: usize = out.dims()[..axis].iter().product();
    let mut data = Vec::with_capacity(out.len());
    for o in 0..outer {
        for x in args {
            let block = x.data.len() / outer;
            data.extend_from_slice(&x.data[o * block..(o + 1) * block]);
        }
    }
    data
}

/// `f` elementwise over broadcast arguments.
pub(crate) fn zip(x: &FloatTensor, y: &FloatTensor, out: &Shape, f: fn(f32, f32) -> f32) -> Vec<f32> {
    if x.shape == y.shape {
        return x.data.iter().zip(&y.data).map(|(&a, &b)| f(a, b)).collect();
    }
    let (sx, sy) = (broadcast_strides(&x.shape, out), broadcast_strides(&y.shape, out));
    offsets(out.dims(), &sx).zip(offsets(out.dims(), &sy)).map(|(i, j)| f(x.data[i], y.data[j])).collect()
}

/// Strides of a tensor in a shape that it broadcasts to: 0 where it stretches.
fn broadcast_strides(s: &Shape, out: &Shape) -> Vec<usize> {
    let strides = s.strides();
    let missing = out.rank() - s.rank();
    (0..out.rank())
        .map(|i| i.checked_sub(missing).map_or(0, |i| if s.dims()[i] == 1 { 0 } else { strides[i] }))
        .collect()
}

/// The offset of every cell of a strided view, row-major.
fn offsets<'a>(dims: &'a [usize], strides: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    let mut at = vec![0; dims.len()];
    let mut offset = 0;
    (0..dims.iter().product()).map(move |_| {
        let now = offset;
        for i in (0..dims.len()).rev() {
            at[i] += 1;
            offset += strides[i];
            if at[i] < dims[i] {
                break;
            }
            offset -= at[i] * strides[i];
            at[i] = 0;
        }
        now
    })
}

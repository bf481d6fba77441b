//! Row-major views and broadcasting.

use crate::shape::Shape;

pub(crate) fn transpose<T: Copy>(x: &[T], shape: &Shape, perm: &[usize]) -> Vec<T> {
    let (dims, strides) = (shape.dims(), shape.strides());
    let out: Vec<usize> = perm.iter().map(|&p| dims[p]).collect();
    let step: Vec<usize> = perm.iter().map(|&p| strides[p]).collect();
    let mut y = Vec::with_capacity(x.len());
    rows(&out, &[&step], |at, n| {
        let s = *step.last().unwrap_or(&0);
        y.extend((0..n).map(|j| x[at[0] + j * s]));
    });
    y
}

pub(crate) fn slice<T: Copy>(x: &[T], shape: &Shape, axis: usize, start: usize, end: usize) -> Vec<T> {
    let inner: usize = shape.dims()[axis + 1..].iter().product();
    let block = inner * shape.dims()[axis];
    let mut y = Vec::with_capacity(x.len() / shape.dims()[axis] * (end - start));
    for b in x.chunks_exact(block) {
        y.extend_from_slice(&b[start * inner..end * inner]);
    }
    y
}

/// Axis `axis` at the listed positions, `zero` where one is its extent.
pub(crate) fn gather<T: Copy>(x: &[T], dims: &[usize], axis: usize, index: &[u32], zero: T) -> Vec<T> {
    let (extent, inner) = (dims[axis], dims[axis + 1..].iter().product::<usize>());
    let mut y = Vec::with_capacity(x.len() / extent * index.len());
    for block in x.chunks_exact(extent * inner) {
        for &i in index {
            match block.get(i as usize * inner..) {
                Some(from) if (i as usize) < extent => y.extend_from_slice(&from[..inner]),
                _ => y.extend(std::iter::repeat_n(zero, inner)),
            }
        }
    }
    y
}

pub(crate) fn concat(parts: &[(&[i32], &Shape)], axis: usize, out: &Shape) -> Vec<i32> {
    let outer: usize = out.dims()[..axis].iter().product();
    let mut y = Vec::with_capacity(out.len());
    for o in 0..outer {
        for (x, shape) in parts {
            let block: usize = shape.dims()[axis..].iter().product();
            y.extend_from_slice(&x[o * block..(o + 1) * block]);
        }
    }
    y
}

/// `f` elementwise with broadcasting.
pub(crate) fn zip(
    x: &[i32],
    sx: &Shape,
    y: &[i32],
    sy: &Shape,
    out: &Shape,
    f: impl Fn(i32, i32) -> i32,
) -> Vec<i32> {
    if sx == sy {
        return x.iter().zip(y).map(|(&x, &y)| f(x, y)).collect();
    }
    let (tx, ty) = (broadcast_strides(sx, out), broadcast_strides(sy, out));
    let mut z = Vec::with_capacity(out.len());
    rows(out.dims(), &[&tx, &ty], |at, n| {
        let (i, j) = (*tx.last().unwrap_or(&0), *ty.last().unwrap_or(&0));
        match (i, j) {
            (1, 1) => z.extend(x[at[0]..at[0] + n].iter().zip(&y[at[1]..at[1] + n]).map(|(&x, &y)| f(x, y))),
            _ => z.extend((0..n).map(|k| f(x[at[0] + k * i], y[at[1] + k * j]))),
        }
    });
    z
}

/// Strides of a tensor in a shape that it broadcasts to.
pub(crate) fn broadcast_strides(s: &Shape, out: &Shape) -> Vec<usize> {
    let own = s.strides();
    (0..out.rank())
        .map(|i| match (i + s.rank()).checked_sub(out.rank()) {
            Some(j) if s.dims()[j] == out.dims()[i] => own[j],
            _ => 0,
        })
        .collect()
}

/// Calls `f(offsets, length)` for each innermost row of an index space, with one offset per stride list.
fn rows(dims: &[usize], strides: &[&[usize]], mut f: impl FnMut(&[usize], usize)) {
    let Some((&inner, outer)) = dims.split_last() else { return f(&vec![0; strides.len()], 1) };
    let mut index = vec![0; outer.len()];
    let mut at = vec![0; strides.len()];
    loop {
        f(&at, inner);
        let Some(axis) = (0..outer.len()).rev().find(|&a| index[a] + 1 < outer[a]) else { return };
        index[axis] += 1;
        index[axis + 1..].fill(0);
        for (at, s) in at.iter_mut().zip(strides) {
            *at = index.iter().zip(*s).map(|(i, s)| i * s).sum();
        }
    }
}

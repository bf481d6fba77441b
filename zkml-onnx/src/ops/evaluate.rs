//! Arithmetic of constants.

use crate::error::Refusal;
use crate::tensor::Tensor;
use ndarray::{ArrayD, IxDyn};

/// The shape of both, stretched.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Refusal> {
    let rank = a.len().max(b.len());
    let extent = |dims: &[usize], i: usize| (i + dims.len()).checked_sub(rank).map_or(1, |k| dims[k]);
    let one = |i: usize| match (extent(a, i), extent(b, i)) {
        (x, y) if x == y => Ok(x),
        (1, y) => Ok(y),
        (x, 1) => Ok(x),
        _ => Err(Refusal::new(format!("shapes {a:?} and {b:?} do not broadcast"))),
    };
    (0..rank).map(one).collect()
}

/// Elements of a constant, at most: a file of a few bytes can ask for any number.
const MOST: usize = 1 << 28;

pub(super) fn bounded(dims: &[usize]) -> Result<(), Refusal> {
    match dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) {
        Some(n) if n <= MOST => Ok(()),
        _ => Err(Refusal::new(format!("a constant of {dims:?}: more than {MOST} elements"))),
    }
}

pub(super) fn stretched<T: Clone>(a: &ArrayD<T>, dims: &[usize]) -> Result<ArrayD<T>, Refusal> {
    bounded(dims)?;
    let view = a.broadcast(IxDyn(dims));
    view.map(|v| v.to_owned())
        .ok_or_else(|| Refusal::new(format!("shape {:?} does not stretch to {dims:?}", a.shape())))
}

/// Element by element, in integers where both are.
pub(super) fn zip(
    a: &Tensor,
    b: &Tensor,
    real: fn(f32, f32) -> f32,
    int: fn(i64, i64) -> i64,
) -> Result<Tensor, Refusal> {
    let dims = broadcast(a.dims(), b.dims())?;
    Ok(match (a, b) {
        (Tensor::Float(_), _) | (_, Tensor::Float(_)) => {
            let (mut x, y) = (stretched(&a.to_float(), &dims)?, stretched(&b.to_float(), &dims)?);
            x.zip_mut_with(&y, |x, &y| *x = real(*x, y));
            Tensor::Float(x)
        }
        _ => {
            let (mut x, y) = (stretched(&a.to_int(), &dims)?, stretched(&b.to_int(), &dims)?);
            x.zip_mut_with(&y, |x, &y| *x = int(*x, y));
            Tensor::Int(x)
        }
    })
}

/// Flags of pairs.
pub(super) fn compare(a: &Tensor, b: &Tensor, f: fn(f64, f64) -> bool) -> Result<Tensor, Refusal> {
    let dims = broadcast(a.dims(), b.dims())?;
    // Integers beyond 2^53 are no shapes.
    let real = |t: &Tensor| match t {
        Tensor::Float(a) => a.mapv(f64::from),
        other => other.to_int().mapv(|v| v as f64),
    };
    let (x, y) = (stretched(&real(a), &dims)?, stretched(&real(b), &dims)?);
    let flags = x.iter().zip(y.iter()).map(|(&x, &y)| f(x, y)).collect();
    Ok(Tensor::Bool(ArrayD::from_shape_vec(IxDyn(&dims), flags).expect("as many flags")))
}

pub(super) fn map(a: &Tensor, f: impl Fn(f32) -> f32) -> Tensor {
    Tensor::Float(a.to_float().mapv(f))
}

/// The same elements in another shape.
pub(crate) fn reshaped(t: &Tensor, dims: &[usize]) -> Result<Tensor, Refusal> {
    let fail = || Refusal::new(format!("{} elements of {:?} as {dims:?}", t.len(), t.dims()));
    macro_rules! reshape {
        ($a:expr) => {
            $a.as_standard_layout().into_owned().into_shape_with_order(IxDyn(dims)).map_err(|_| fail())?
        };
    }
    Ok(match t {
        Tensor::Float(a) => Tensor::Float(reshape!(a)),
        Tensor::Int(a) => Tensor::Int(reshape!(a)),
        Tensor::Bool(a) => Tensor::Bool(reshape!(a)),
    })
}

pub(crate) fn transposed(t: &Tensor, perm: &[usize]) -> Tensor {
    macro_rules! transpose {
        ($a:expr) => {
            $a.clone().permuted_axes(IxDyn(perm)).as_standard_layout().into_owned()
        };
    }
    match t {
        Tensor::Float(a) => Tensor::Float(transpose!(a)),
        Tensor::Int(a) => Tensor::Int(transpose!(a)),
        Tensor::Bool(a) => Tensor::Bool(transpose!(a)),
    }
}

/// Entries of an axis, in this order.
pub(crate) fn selected(t: &Tensor, axis: usize, index: &[usize]) -> Tensor {
    let axis = ndarray::Axis(axis);
    match t {
        Tensor::Float(a) => Tensor::Float(a.select(axis, index)),
        Tensor::Int(a) => Tensor::Int(a.select(axis, index)),
        Tensor::Bool(a) => Tensor::Bool(a.select(axis, index)),
    }
}

pub(super) fn stretched_tensor(t: &Tensor, dims: &[usize]) -> Result<Tensor, Refusal> {
    Ok(match t {
        Tensor::Float(a) => Tensor::Float(stretched(a, dims)?),
        Tensor::Int(a) => Tensor::Int(stretched(a, dims)?),
        Tensor::Bool(a) => Tensor::Bool(stretched(a, dims)?),
    })
}

pub(super) fn concatenated(parts: &[&Tensor], axis: usize) -> Result<Tensor, Refusal> {
    let axis = ndarray::Axis(axis);
    let fail = |e: ndarray::ShapeError| Refusal::new(format!("the parts do not fit: {e}"));
    macro_rules! concat {
        ($f:ident) => {{
            let arrays: Vec<_> = parts.iter().map(|t| t.$f()).collect();
            let views: Vec<_> = arrays.iter().map(|a| a.view()).collect();
            ndarray::concatenate(axis, &views).map_err(fail)?
        }};
    }
    use crate::tensor::Kind;
    Ok(match parts.first().map(|t| t.kind()) {
        Some(Kind::Int) => Tensor::Int(concat!(to_int)),
        Some(Kind::Bool) => Tensor::Bool(concat!(to_bool)),
        _ => Tensor::Float(concat!(to_float)),
    })
}

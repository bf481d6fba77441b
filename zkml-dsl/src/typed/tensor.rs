//! Tensors with their type.

use super::elem::Element;
use super::error::Error;
use std::fmt;
use std::marker::PhantomData;
use zkml_ir::shape::{Shape, MAX_RANK};
use zkml_ir::tensor::{IntTensor, TensorError};

/// Integers with an element type and a shape: `Tensor<I8, 1, 784>`. Dimensions left out, which are 0, are absent.
///
/// The shape in the type is the model's default; the value carries its own. A model that was elaborated for other
/// dimensions (`block::with`) takes tensors made by [`Tensor::with_shape`], and refuses a wrong one.
pub struct Tensor<
    E,
    const A: usize = 0,
    const B: usize = 0,
    const C: usize = 0,
    const D: usize = 0,
    const F: usize = 0,
    const G: usize = 0,
> {
    int: IntTensor,
    elem: PhantomData<fn() -> E>,
}

/// The integers of a tensor, whatever its type.
pub trait AsInt {
    fn as_int(&self) -> &IntTensor;
}

impl AsInt for IntTensor {
    fn as_int(&self) -> &IntTensor {
        self
    }
}

impl<
        E: Element,
        const A: usize,
        const B: usize,
        const C: usize,
        const D: usize,
        const F: usize,
        const G: usize,
    > Tensor<E, A, B, C, D, F, G>
{
    /// The type's dimensions.
    pub fn default_dims() -> Vec<usize> {
        [A, B, C, D, F, G].into_iter().take_while(|&d| d != 0).collect()
    }

    /// Row-major values in the type's shape.
    pub fn new<T: Copy + Into<i32>>(values: &[T]) -> Result<Self, Error> {
        Self::with_shape(&Self::default_dims(), values)
    }

    /// Row-major values in another shape.
    pub fn with_shape<T: Copy + Into<i32>>(dims: &[usize], values: &[T]) -> Result<Self, Error> {
        if dims.is_empty() || dims.len() > MAX_RANK || dims.contains(&0) {
            return Err(Error::NoShape { dims: dims.to_vec() });
        }
        let values: Vec<i32> = values.iter().map(|&v| v.into()).collect();
        let int = IntTensor::new(Shape::new(dims), E::ELEM, &values)?;
        Ok(Self::wrap(int))
    }

    /// Checks the values against the element type; the shape is the tensor's own.
    pub fn from_int(int: IntTensor) -> Result<Self, Error> {
        let range = E::ELEM.interval();
        match int.first_outside(range) {
            Some((index, value)) => Err(TensorError::Range { index, value, elem: E::ELEM, range }.into()),
            None => Ok(Self::wrap(int)),
        }
    }

    /// Values known to be of the element type.
    pub(super) fn wrap(int: IntTensor) -> Self {
        Self { int, elem: PhantomData }
    }

    pub fn shape(&self) -> &Shape {
        self.int.shape()
    }

    /// Row-major values.
    pub fn to_vec(&self) -> Vec<i32> {
        self.int.to_vec()
    }
}

impl<E, const A: usize, const B: usize, const C: usize, const D: usize, const F: usize, const G: usize> AsInt
    for Tensor<E, A, B, C, D, F, G>
{
    fn as_int(&self) -> &IntTensor {
        &self.int
    }
}

// By hand: a derive would ask the element type, which has no values, for the same.
impl<E, const A: usize, const B: usize, const C: usize, const D: usize, const F: usize, const G: usize> Clone
    for Tensor<E, A, B, C, D, F, G>
{
    fn clone(&self) -> Self {
        Self { int: self.int.clone(), elem: PhantomData }
    }
}

impl<E, const A: usize, const B: usize, const C: usize, const D: usize, const F: usize, const G: usize>
    PartialEq for Tensor<E, A, B, C, D, F, G>
{
    fn eq(&self, other: &Self) -> bool {
        self.int == other.int
    }
}

impl<
        E: Element,
        const A: usize,
        const B: usize,
        const C: usize,
        const D: usize,
        const F: usize,
        const G: usize,
    > fmt::Debug for Tensor<E, A, B, C, D, F, G>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head: Vec<i32> = (0..self.int.len().min(8)).map(|i| self.int.get(i)).collect();
        let more = if self.int.len() > 8 { ", .." } else { "" };
        let head = format!("{head:?}");
        write!(f, "{} {} {}{more}]", E::ELEM, self.shape(), head.trim_end_matches(']'))
    }
}

impl<
        E: Element,
        T: Copy + Into<i32>,
        const A: usize,
        const B: usize,
        const C: usize,
        const D: usize,
        const F: usize,
        const G: usize,
    > TryFrom<Vec<T>> for Tensor<E, A, B, C, D, F, G>
{
    type Error = Error;
    fn try_from(values: Vec<T>) -> Result<Self, Error> {
        Self::new(&values)
    }
}

/// A weight of a model: a tensor that is committed once, at set-up.
pub struct Weight<
    E,
    const A: usize = 0,
    const B: usize = 0,
    const C: usize = 0,
    const D: usize = 0,
    const F: usize = 0,
    const G: usize = 0,
>(Tensor<E, A, B, C, D, F, G>);

impl<
        E: Element,
        const A: usize,
        const B: usize,
        const C: usize,
        const D: usize,
        const F: usize,
        const G: usize,
    > Weight<E, A, B, C, D, F, G>
{
    /// Row-major values in the type's shape.
    pub fn new<T: Copy + Into<i32>>(values: &[T]) -> Result<Self, Error> {
        Tensor::new(values).map(Self)
    }

    /// Row-major values in another shape.
    pub fn with_shape<T: Copy + Into<i32>>(dims: &[usize], values: &[T]) -> Result<Self, Error> {
        Tensor::with_shape(dims, values).map(Self)
    }

    pub fn shape(&self) -> &Shape {
        self.0.shape()
    }

    /// Row-major values.
    pub fn to_vec(&self) -> Vec<i32> {
        self.0.to_vec()
    }
}

impl<E, const A: usize, const B: usize, const C: usize, const D: usize, const F: usize, const G: usize> AsInt
    for Weight<E, A, B, C, D, F, G>
{
    fn as_int(&self) -> &IntTensor {
        self.0.as_int()
    }
}

impl<E, const A: usize, const B: usize, const C: usize, const D: usize, const F: usize, const G: usize> Clone
    for Weight<E, A, B, C, D, F, G>
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<
        E: Element,
        const A: usize,
        const B: usize,
        const C: usize,
        const D: usize,
        const F: usize,
        const G: usize,
    > fmt::Debug for Weight<E, A, B, C, D, F, G>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! Dense integer tensors, row-major.

use crate::elem::{Elem, Interval};
use crate::shape::Shape;
use thiserror::Error;

/// The narrowest storage that holds a tensor's element type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
}

/// A dense integer tensor. Values are integers; what one unit means is the tensor's step, kept elsewhere.
#[derive(Clone, Debug)]
pub struct IntTensor {
    shape: Shape,
    data: Data,
}

/// Equal shapes and values, however they are stored.
impl PartialEq for IntTensor {
    fn eq(&self, other: &Self) -> bool {
        let values = || (0..self.len()).all(|i| self.get(i) == other.get(i));
        self.shape == other.shape && (self.data == other.data || values())
    }
}

impl Eq for IntTensor {}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum TensorError {
    #[error("shape {shape} has {} elements, got {got}", shape.len())]
    Length { shape: Shape, got: usize },
    #[error("value {value} at index {index} is outside {elem} {range}")]
    Range { index: usize, value: i64, elem: Elem, range: Interval },
}

impl IntTensor {
    /// Checks the length and every value against the element type.
    pub fn new(shape: Shape, elem: Elem, values: &[i32]) -> Result<Self, TensorError> {
        if shape.len() != values.len() {
            return Err(TensorError::Length { shape, got: values.len() });
        }
        let range = elem.interval();
        if let Some(index) = values.iter().position(|&v| !range.contains(v as i64)) {
            return Err(TensorError::Range { index, value: values[index] as i64, elem, range });
        }
        Ok(Self::from_checked(shape, range, values.to_vec()))
    }

    /// Values known to lie in `range`, which picks the storage.
    ///
    /// # Panics
    /// If the length differs from the shape's. Values outside `range` are a bug of the caller (checked in debug).
    pub fn from_checked(shape: Shape, range: Interval, values: Vec<i32>) -> Self {
        assert_eq!(shape.len(), values.len());
        debug_assert!(values.iter().all(|&v| range.contains(v as i64)));
        let fits =
            |bits: u32| Interval::new(-(1 << (bits - 1)), (1 << (bits - 1)) - 1).contains_interval(range);
        let data = if fits(8) {
            Data::I8(values.iter().map(|&v| v as i8).collect())
        } else if fits(16) {
            Data::I16(values.iter().map(|&v| v as i16).collect())
        } else {
            Data::I32(values)
        };
        Self { shape, data }
    }

    pub fn from_data(shape: Shape, data: Data) -> Result<Self, TensorError> {
        let t = Self { shape, data };
        match t.len() == t.shape.len() {
            true => Ok(t),
            false => Err(TensorError::Length { got: t.len(), shape: t.shape }),
        }
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    pub fn data(&self) -> &Data {
        &self.data
    }

    pub fn len(&self) -> usize {
        match &self.data {
            Data::I8(v) => v.len(),
            Data::I16(v) => v.len(),
            Data::I32(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, i: usize) -> i32 {
        match &self.data {
            Data::I8(v) => v[i] as i32,
            Data::I16(v) => v[i] as i32,
            Data::I32(v) => v[i],
        }
    }

    pub fn to_vec(&self) -> Vec<i32> {
        match &self.data {
            Data::I8(v) => v.iter().map(|&x| x as i32).collect(),
            Data::I16(v) => v.iter().map(|&x| x as i32).collect(),
            Data::I32(v) => v.clone(),
        }
    }

    /// The first value outside `range`.
    pub fn first_outside(&self, range: Interval) -> Option<(usize, i64)> {
        (0..self.len()).map(|i| (i, self.get(i) as i64)).find(|(_, v)| !range.contains(*v))
    }
}

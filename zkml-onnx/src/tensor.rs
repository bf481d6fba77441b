//! Values that are known when a file is imported: weights, and what shapes are computed from.

use crate::proto::TensorProto;
use half::{bf16, f16};
use ndarray::{ArrayD, IxDyn};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use thiserror::Error;

/// A constant. All floats are f32 here, all integers i64.
#[derive(Clone, Debug, PartialEq)]
pub enum Tensor {
    Float(ArrayD<f32>),
    Int(ArrayD<i64>),
    Bool(ArrayD<bool>),
}

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Float,
    Int,
    Bool,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Float => "float",
            Self::Int => "integer",
            Self::Bool => "boolean",
        })
    }
}

#[derive(Debug, Error)]
pub enum TensorError {
    #[error("data type {0} is not read: floats, integers and booleans are")]
    Type(i32),
    #[error("dims {dims:?} have {expected} elements, {got} are there")]
    Length { dims: Vec<i64>, expected: usize, got: usize },
    #[error("dims {0:?} are no shape")]
    Dims(Vec<i64>),
    #[error("its data is in another file, but the entry `{0}` that says where is missing or no number")]
    External(&'static str),
    #[error("its data is in `{0}`, which is not beside the model")]
    Outside(String),
    #[error("its data is in `{}`: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

/// `DataType` of the schema.
mod data_type {
    pub const FLOAT: i32 = 1;
    pub const UINT8: i32 = 2;
    pub const INT8: i32 = 3;
    pub const UINT16: i32 = 4;
    pub const INT16: i32 = 5;
    pub const INT32: i32 = 6;
    pub const INT64: i32 = 7;
    pub const BOOL: i32 = 9;
    pub const FLOAT16: i32 = 10;
    pub const DOUBLE: i32 = 11;
    pub const UINT32: i32 = 12;
    pub const UINT64: i32 = 13;
    pub const BFLOAT16: i32 = 16;
}

impl Kind {
    /// Of a data type of the schema.
    pub fn of(data_type: i32) -> Result<Self, TensorError> {
        use data_type::*;
        match data_type {
            FLOAT | FLOAT16 | DOUBLE | BFLOAT16 => Ok(Self::Float),
            UINT8 | INT8 | UINT16 | INT16 | INT32 | INT64 | UINT32 | UINT64 => Ok(Self::Int),
            BOOL => Ok(Self::Bool),
            other => Err(TensorError::Type(other)),
        }
    }
}

impl Tensor {
    /// Of a file in this folder, where data outside of the file is looked for.
    pub fn read(proto: &TensorProto, folder: &Path) -> Result<Self, TensorError> {
        let dims: Option<Vec<usize>> = proto.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        let dims = dims.ok_or_else(|| TensorError::Dims(proto.dims.clone()))?;
        let n = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let n = n.ok_or_else(|| TensorError::Dims(proto.dims.clone()))?;
        let external;
        let raw: &[u8] = match proto.data_location {
            0 => &proto.raw_data,
            _ => {
                external = read_external(proto, folder)?;
                &external
            }
        };
        let kind = Kind::of(proto.data_type)?;
        let length = |got| TensorError::Length { dims: proto.dims.clone(), expected: n, got };
        macro_rules! array {
            ($values:expr) => {{
                let values: Vec<_> = $values;
                let got = values.len();
                ArrayD::from_shape_vec(IxDyn(&dims), values).map_err(|_| length(got))?
            }};
        }
        Ok(match kind {
            Kind::Float => Self::Float(array!(floats(proto, raw))),
            Kind::Int => Self::Int(array!(integers(proto, raw))),
            Kind::Bool => Self::Bool(array!(integers(proto, raw).into_iter().map(|v| v != 0).collect())),
        })
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Float(_) => Kind::Float,
            Self::Int(_) => Kind::Int,
            Self::Bool(_) => Kind::Bool,
        }
    }

    pub fn dims(&self) -> &[usize] {
        match self {
            Self::Float(a) => a.shape(),
            Self::Int(a) => a.shape(),
            Self::Bool(a) => a.shape(),
        }
    }

    #[allow(clippy::len_without_is_empty, reason = "how many elements there are, a shape's product")]
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// As real numbers; flags are 0 and 1.
    pub fn to_float(&self) -> ArrayD<f32> {
        match self {
            Self::Float(a) => a.clone(),
            Self::Int(a) => a.mapv(|v| v as f32),
            Self::Bool(a) => a.mapv(|v| v as u8 as f32),
        }
    }

    /// As integers; floats towards zero, as `Cast` has it.
    pub fn to_int(&self) -> ArrayD<i64> {
        match self {
            Self::Float(a) => a.mapv(|v| v as i64),
            Self::Int(a) => a.clone(),
            Self::Bool(a) => a.mapv(i64::from),
        }
    }

    pub fn to_bool(&self) -> ArrayD<bool> {
        match self {
            Self::Float(a) => a.mapv(|v| v != 0.0),
            Self::Int(a) => a.mapv(|v| v != 0),
            Self::Bool(a) => a.clone(),
        }
    }

    pub fn cast(&self, kind: Kind) -> Self {
        match kind {
            Kind::Float => Self::Float(self.to_float()),
            Kind::Int => Self::Int(self.to_int()),
            Kind::Bool => Self::Bool(self.to_bool()),
        }
    }

    pub fn ints(values: impl IntoIterator<Item = i64>) -> Self {
        let values: Vec<i64> = values.into_iter().collect();
        Self::Int(ArrayD::from_shape_vec(IxDyn(&[values.len()]), values).expect("a vector"))
    }

    /// The one value that all elements have.
    pub fn uniform(&self) -> Option<f32> {
        let all = self.to_float();
        let first = *all.iter().next()?;
        all.iter().all(|&v| v == first).then_some(first)
    }

    /// Row-major integers.
    pub fn int_values(&self) -> Vec<i64> {
        self.to_int().iter().copied().collect()
    }

    /// Row-major real numbers.
    pub fn float_values(&self) -> Vec<f32> {
        self.to_float().iter().copied().collect()
    }
}

fn words<const N: usize, T>(raw: &[u8], f: fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks::<N>().0.iter().map(|&b| f(b)).collect()
}

fn floats(proto: &TensorProto, raw: &[u8]) -> Vec<f32> {
    use data_type::*;
    let there = !raw.is_empty();
    match proto.data_type {
        FLOAT if there => words(raw, f32::from_le_bytes),
        FLOAT => proto.float_data.clone(),
        DOUBLE if there => words(raw, |b| f64::from_le_bytes(b) as f32),
        DOUBLE => proto.double_data.iter().map(|&v| v as f32).collect(),
        FLOAT16 if there => words(raw, |b| f16::from_le_bytes(b).to_f32()),
        BFLOAT16 if there => words(raw, |b| bf16::from_le_bytes(b).to_f32()),
        // Sixteen bits of each word.
        FLOAT16 => proto.int32_data.iter().map(|&v| f16::from_bits(v as u16).to_f32()).collect(),
        _ => proto.int32_data.iter().map(|&v| bf16::from_bits(v as u16).to_f32()).collect(),
    }
}

fn integers(proto: &TensorProto, raw: &[u8]) -> Vec<i64> {
    use data_type::*;
    if raw.is_empty() {
        return match proto.data_type {
            INT64 => proto.int64_data.clone(),
            UINT32 | UINT64 => proto.uint64_data.iter().map(|&v| v as i64).collect(),
            _ => proto.int32_data.iter().map(|&v| i64::from(v)).collect(),
        };
    }
    match proto.data_type {
        INT64 => words(raw, i64::from_le_bytes),
        UINT64 => words(raw, |b| u64::from_le_bytes(b) as i64),
        INT32 => words(raw, |b| i32::from_le_bytes(b).into()),
        UINT32 => words(raw, |b| u32::from_le_bytes(b).into()),
        INT16 => words(raw, |b| i16::from_le_bytes(b).into()),
        UINT16 => words(raw, |b| u16::from_le_bytes(b).into()),
        INT8 => raw.iter().map(|&b| (b as i8).into()).collect(),
        _ => raw.iter().map(|&b| b.into()).collect(),
    }
}

/// The file is beside the model or below its folder: a model cannot read others.
fn read_external(proto: &TensorProto, folder: &Path) -> Result<Vec<u8>, TensorError> {
    let entry = |key: &str| proto.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let number = |key: &'static str| match entry(key) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| TensorError::External(key)),
    };
    let location = entry("location").ok_or(TensorError::External("location"))?;
    if !Path::new(location).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        return Err(TensorError::Outside(location.to_owned()));
    }
    let path = folder.join(location);
    let read = || {
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(number("offset").ok().flatten().unwrap_or(0)))?;
        let mut bytes = vec![];
        match number("length").ok().flatten() {
            Some(n) => file.take(n).read_to_end(&mut bytes)?,
            None => file.read_to_end(&mut bytes)?,
        };
        Ok(bytes)
    };
    number("offset")?;
    number("length")?;
    read().map_err(|source| TensorError::Io { path: path.clone(), source })
}

//! What can be wrong with a weight file.

use super::fit::Misfit;
use safetensors::{Dtype, SafeTensorError};
use std::io;
use std::path::PathBuf;
use thiserror::Error;
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::shape::Shape;

/// A file that cannot be opened or is no safetensors file.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("cannot read `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{}` is no whole safetensors file: {source}", path.display())]
    Format { path: PathBuf, source: SafeTensorError },
}

/// A folder that holds no checkpoint, or an index of shards that cannot be followed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IndexError {
    #[error("`{}`: expected a `model.safetensors` or a `model.safetensors.index.json` in the folder, got neither", path.display())]
    NoCheckpoint { path: PathBuf },
    #[error("index `{}`: expected at most {limit} bytes, got more", path.display())]
    TooLong { path: PathBuf, limit: u64 },
    #[error("index `{}` is malformed: {reason}", path.display())]
    Malformed { path: PathBuf, reason: String },
    #[error("index `{}`: its `weight_map` is empty", path.display())]
    Empty { path: PathBuf },
    #[error("index `{}`: tensor `{tensor}`: expected a file below the index's folder, got `{shard}`", path.display())]
    ShardName { path: PathBuf, tensor: String, shard: String },
    #[error("index `{}`: no file `{}`, in which tensor `{tensor}` should be", path.display(), shard.display())]
    ShardMissing { path: PathBuf, shard: PathBuf, tensor: String },
    #[error("index `{}`: expected tensor `{tensor}` in `{}`, {}", path.display(), shard.display(), place(found))]
    TensorMissing { path: PathBuf, tensor: String, shard: PathBuf, found: Option<PathBuf> },
    #[error("index `{}`: tensor `{tensor}` is in two shards, `{}` and `{}`", path.display(), first.display(), second.display())]
    TwoShards { path: PathBuf, tensor: String, first: PathBuf, second: PathBuf },
}

fn place(found: &Option<PathBuf>) -> String {
    found.as_ref().map_or("got none".to_owned(), |f| format!("got it in `{}`", f.display()))
}

/// Float weights that cannot be used.
#[derive(Debug, Error)]
pub enum WeightsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Misfit(#[from] Misfit),
    #[error("no tensor `{name}`{}", nearest.as_ref().map_or(String::new(), |n| format!("; the nearest name is `{n}`")))]
    NotFound { name: String, nearest: Option<String> },
    #[error("tensor `{name}`: expected F16, BF16, F32 or F64, got {got}")]
    Dtype { name: String, got: Dtype },
    #[error("tensor `{name}`: expected rank at most 6 and no zero extent, got shape {got:?}")]
    Shape { name: String, got: Vec<usize> },
    #[error("tensor `{name}`: expected {expected} values for its shape, got {got}")]
    Length { name: String, expected: usize, got: usize },
    #[error("tensor `{name}`: value {index} is {value}, which is no finite F32")]
    NotFinite { name: String, index: usize, value: f64 },
    #[error("tensor `{name}`: expected {expected}, got shape {got}")]
    Extents { name: String, expected: String, got: Shape },
    #[error("cannot rename `{from}` to `{to}`: a tensor of that name exists")]
    NameTaken { from: String, to: String },
    #[error("cannot make `{name}`: a tensor of that name exists")]
    Exists { name: String },
    #[error("tensor `{name}`: value {index}: expected {expected}, got {got}")]
    Value { name: String, index: usize, expected: String, got: f64 },
    #[error("{what}: expected {expected}, got {got}")]
    Argument { what: &'static str, expected: String, got: String },
}

/// An integer model file that does not hold the model's weights and parameters.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("`{}` is a safetensors file but no zkml model file: it has no `zkml` metadata; float weights go through `calibrate`", path.display())]
    NotAModel { path: PathBuf },
    #[error("model file format: expected version {expected}, got {got}")]
    Version { expected: u32, got: u32 },
    #[error("model file header: {reason}")]
    Header { reason: String },
    #[error("the file holds another model: expected `{expected}`, got `{got}`")]
    Model { expected: String, got: String },
    #[error(transparent)]
    Misfit(#[from] Misfit),
    #[error("weight `{name}` ({elem}): expected dtype {expected}, got {got}")]
    Dtype { name: String, elem: Elem, expected: Dtype, got: Dtype },
    #[error("weight `{name}`: value {value} at index {index} is outside {elem} {range}")]
    Range { name: String, elem: Elem, range: Interval, index: usize, value: i64 },
    #[error(transparent)]
    Params(#[from] ParamsError),
}

/// Rescales or steps that are not those of the model, or not admissible.
#[derive(Debug, Error, PartialEq)]
pub enum ParamsError {
    #[error("expected {expected} {what}, got {got}")]
    Count { what: &'static str, expected: usize, got: usize },
    #[error("{what} {index}: expected `{expected}`, got `{got}`")]
    Name { what: &'static str, index: usize, expected: String, got: String },
    #[error("rescale `{name}`: expected m >= 1 and 1 <= s <= 31, got m = {m}, s = {s}")]
    Rescale { name: String, m: u32, s: u32 },
    #[error("step `{name}`: expected a finite positive number, got {value}")]
    Step { name: String, value: f64 },
}

/// A model that cannot be saved.
#[derive(Debug, Error)]
pub enum SaveError {
    #[error("cannot write `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot encode the model: {0}")]
    Encode(#[from] SafeTensorError),
    #[error("expected {expected} weights, got {got}")]
    Count { expected: usize, got: usize },
    #[error("two weights are named `{name}`")]
    SameName { name: String },
    #[error("weight `{name}`: expected shape {expected}, got {got}")]
    Shape { name: String, expected: Shape, got: Shape },
    #[error("weight `{name}`: value {value} at index {index} is outside {elem} {range}")]
    Range { name: String, elem: Elem, range: Interval, index: usize, value: i64 },
    #[error(transparent)]
    Params(#[from] ParamsError),
}

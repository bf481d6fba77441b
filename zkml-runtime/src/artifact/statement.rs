//! Statement files: the public inputs and outputs that a proof is about.

use super::file::{self, Kind};
use super::ArtifactError;
use crate::protocol::Statement;
use crate::wire::{Expected, Reader, WireError, Writer};
use std::path::Path;
use zkml_ir::shape::{Shape, MAX_RANK};
use zkml_ir::tensor::IntTensor;

/// No tensor of a statement is larger, so that a shape cannot ask for more than its file holds.
const MAX_EXTENT: u32 = 1 << 30;

/// A model's name and the values of its public inputs and outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementFile {
    pub model: String,
    pub statement: Statement,
}

impl StatementFile {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.count(self.statement.inputs.len());
        w.count(self.statement.outputs.len());
        let all = self.statement.inputs.iter().map(Option::as_ref);
        for tensor in all.chain(self.statement.outputs.iter().map(Some)) {
            // A private input has rank 0, which no tensor has.
            w.count(tensor.map_or(0, |t| t.shape().rank()));
            if let Some(t) = tensor {
                t.shape().dims().iter().for_each(|&d| w.count(d));
                (0..t.len()).for_each(|i| w.word(t.get(i) as u32));
            }
        }
        file::encode(Kind::Statement, &self.model, &w.into_bytes())
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let (model, body) = file::decode(Kind::Statement, bytes)?;
        let statement = read(body).map_err(|e| Kind::Statement.malformed(e))?;
        Ok(Self { model, statement })
    }

    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        file::write(path.as_ref(), &self.to_bytes())
    }

    pub fn load(path: impl AsRef<Path>) -> Result<Self, ArtifactError> {
        Self::from_bytes(&file::read(path.as_ref())?)
    }
}

fn read(body: &[u8]) -> Result<Statement, WireError> {
    let mut r = Reader::new(body);
    // Each tensor takes a word at least.
    let most = Expected::AtMost(body.len() / 4);
    let (inputs, outputs) = (r.count("inputs", most)?, r.count("outputs", most)?);
    let inputs = (0..inputs).map(|_| tensor(&mut r)).collect::<Result<_, _>>()?;
    let outputs = (0..outputs)
        .map(|_| {
            let missing =
                WireError::Length { what: "rank of an output", expected: Expected::AtMost(MAX_RANK), got: 0 };
            tensor(&mut r)?.ok_or(missing)
        })
        .collect::<Result<_, _>>()?;
    r.finish()?;
    Ok(Statement { inputs, outputs })
}

fn tensor(r: &mut Reader<'_>) -> Result<Option<IntTensor>, WireError> {
    let rank = r.count("rank", Expected::AtMost(MAX_RANK))?;
    if rank == 0 {
        return Ok(None);
    }
    let (mut dims, mut len) = (vec![], 1usize);
    for _ in 0..rank {
        let d = r.count("extent", Expected::AtMost(MAX_EXTENT as usize))?;
        if d == 0 {
            return Err(WireError::Length {
                what: "extent",
                expected: Expected::AtMost(MAX_EXTENT as usize),
                got: 0,
            });
        }
        dims.push(d);
        len = len.saturating_mul(d);
    }
    let values: Vec<i32> = r.words("values", len)?.into_iter().map(|w| w as i32).collect();
    Ok(Some(
        IntTensor::from_data(Shape::new(dims), zkml_ir::tensor::Data::I32(values))
            .expect("as many as the shape has"),
    ))
}

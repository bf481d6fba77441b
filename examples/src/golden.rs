//! Golden proofs: one of each example model at a small size, kept in the repository, which every later version must
//! verify. They are files of `zkml-runtime/tests/golden`, since the verifier alone must be able to read them.
//!
//! ```sh
//! cargo run --release --example golden
//! ```
//!
//! makes them anew. A file whose bytes change although model, weights and statement are the same means that the format or
//! the protocol changed: it is refused until [`FORMAT_VERSION`] moves.

use crate::session::Failure;
use std::path::{Path, PathBuf};
use zkml_dsl::engine::{Certificate, Model, PortableKey, Proof, Statement, StatementFile};
use zkml_dsl::prelude::*;
use zkml_dsl::typed::AsInt;
use zkml_dsl::units::to_units;
use zkml_dsl::weights::{FloatTensor, FloatWeights, Shape};
use zkml_dsl::FORMAT_VERSION;
use zkml_models::bert::bert;
use zkml_models::gpt2::{fold, gpt2_blocks};
use zkml_models::seeded::{bert_input, bert_weights, gpt2_input, gpt2_weights, Size};
use zkml_models::vision::digits::{data_path, Digits};
use zkml_models::vision::mlp_digits::{image, mlp_digits, sample};

/// Every model that has a golden proof.
pub const MODELS: [&str; 3] = ["mlp_digits", "gpt2", "bert"];

/// Extents with an odd digit: 96 = 3 * 2^5.
const SMALL: Size = Size { d: 96, heads: 3, d_ff: 4 * 96 };
const SEQ: usize = 8;
const SEED: u64 = 1;

/// All that a verifier reads.
pub struct Golden {
    pub key: PortableKey,
    pub certificate: Certificate,
    pub statement: StatementFile,
    pub proof: Proof,
}

/// What became of a golden proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Unchanged,
    /// Another model, weights or statement, another version, or the first proof of its name.
    Written,
}

/// The folder of all golden proofs.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../zkml-runtime/tests/golden")
}

/// Sets the model of this name up, and proves it.
pub fn make(name: &str) -> Result<Golden, Failure> {
    match name {
        "mlp_digits" => digits(),
        "gpt2" => gpt2_small(),
        "bert" => bert_small(),
        other => Err(format!("no golden proof is called `{other}`; there are {}", MODELS.join(", ")).into()),
    }
}

fn digits() -> Result<Golden, Failure> {
    let digits = Digits::test_split()?;
    let instance = mlp_digits::with(mlp_digits::Dims::default())?;
    let samples: Vec<_> = digits.images.iter().skip(1).take(64).map(sample).collect();
    let model = instance.calibrate(&FloatWeights::open(data_path("digits.safetensors"))?, &samples)?;
    let x = image(instance.graph(), model.as_ref().params(), &digits.images[0])?;
    let (y, proof) = model.prove(&x)?;
    golden(model.as_ref(), vec![x.as_int()], vec![y.as_int()], proof)
}

fn gpt2_small() -> Result<Golden, Failure> {
    let instance = gpt2_blocks::with(gpt2_blocks::Dims { SEQ, D: SMALL.d, HEADS: SMALL.heads, L: 1 })?;
    let mut weights = gpt2_weights(SMALL, 1, SEED);
    fold(&mut weights, 1)?;
    let input = |seed| gpt2_input(SMALL, SEQ, seed);
    let sample = vec![FloatTensor::new(Shape::new([SEQ, SMALL.d]), input(SEED + 1))];
    let model = instance.calibrate(&weights, &[sample])?;
    let x = Tensor::from_int(to_units(instance.graph(), model.as_ref().params(), 0, &input(SEED))?)?;
    let (y, proof) = model.prove(&x)?;
    golden(model.as_ref(), vec![x.as_int()], vec![y.as_int()], proof)
}

fn bert_small() -> Result<Golden, Failure> {
    let instance = bert::with(bert::Dims { SEQ, D: SMALL.d, HEADS: SMALL.heads, L: 1 })?;
    let weights = bert_weights(SMALL, 1, SEED);
    let input = |seed| bert_input(SMALL, SEQ, seed);
    // The last two tokens are padding.
    let flags: Vec<i32> = (0..SEQ).map(|i| (i < SEQ - 2) as i32).collect();
    let real = flags.iter().map(|&f| f as f32).collect();
    let shape = Shape::new([SEQ, SMALL.d]);
    let sample = vec![FloatTensor::new(shape, input(SEED + 1)), FloatTensor::new(Shape::new([SEQ]), real)];
    let model = instance.calibrate(&weights, &[sample])?;
    let x = Tensor::from_int(to_units(instance.graph(), model.as_ref().params(), 0, &input(SEED))?)?;
    let mask = Tensor::with_shape(&[SEQ], &flags)?;
    let (y, proof) = model.prove(&x, &mask)?;
    golden(model.as_ref(), vec![x.as_int(), mask.as_int()], vec![y.as_int()], proof)
}

fn golden(
    model: &Model,
    inputs: Vec<&zkml_ir::tensor::IntTensor>,
    outputs: Vec<&zkml_ir::tensor::IntTensor>,
    proof: Proof,
) -> Result<Golden, Failure> {
    let key = model.verifier_key();
    let statement = Statement {
        inputs: inputs.into_iter().map(|t| Some(t.clone())).collect(),
        outputs: outputs.into_iter().cloned().collect(),
    };
    let statement = StatementFile { model: proof.model.clone(), statement };
    let certificate = key.certificate().ok_or("a model without weights")?.clone();
    Ok(Golden { key: key.portable(model.graph())?, certificate, statement, proof })
}

impl Golden {
    /// The files of one proof, by name.
    pub fn files(&self) -> [(&'static str, Vec<u8>); 4] {
        [
            ("key", self.key.to_bytes()),
            ("certificate", self.certificate.to_bytes()),
            ("statement", self.statement.to_bytes()),
            ("proof", self.proof.to_bytes()),
        ]
    }

    /// Replaces what `folder` holds, unless only the bytes of an unchanged statement differ.
    pub fn store(&self, folder: &Path) -> Result<Outcome, Failure> {
        let files = self.files();
        let same =
            |(name, bytes): &(&str, Vec<u8>)| std::fs::read(folder.join(name)).is_ok_and(|b| b == *bytes);
        if files.iter().all(same) {
            return Ok(Outcome::Unchanged);
        }
        if self.repeats(folder) {
            let place = folder.display();
            return Err(format!(
                "{place}: other bytes for the same model, weights and statement under format version \
                 {FORMAT_VERSION}; move FORMAT_VERSION, so that old files are refused by name"
            )
            .into());
        }
        std::fs::create_dir_all(folder)?;
        for (name, bytes) in files {
            zkml_dsl::atomic_write(folder.join(name), |w| std::io::Write::write_all(w, &bytes))?;
        }
        Ok(Outcome::Written)
    }

    /// Does `folder` hold files of this version that are about the same thing, as far as they can be read?
    fn repeats(&self, folder: &Path) -> bool {
        let Ok(bytes) = std::fs::read(folder.join("key")) else { return false };
        let version = bytes.get(8..12).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        if version != Some(FORMAT_VERSION) {
            return false;
        }
        // A file of this version that this version cannot read is a change of the format as well.
        let key = PortableKey::from_bytes(&bytes).is_ok_and(|k| k.key != self.key.key);
        let statement = StatementFile::load(folder.join("statement")).is_ok_and(|s| s != self.statement);
        !key && !statement
    }
}

//! A file, whole.

use crate::error::ImportError;
use crate::fuse::fuse;
use crate::lift::{lift, Widths};
use crate::net::Net;
use crate::program::{ParamKind, Program};
use crate::read::{decode, open, Options};
use std::path::Path;
use zkml_dsl::engine::{FloatTensor, FloatWeights};
use zkml_dsl::weights::Shape;
use zkml_dsl::DynamicInstance;

/// An imported model.
#[derive(Clone, Debug)]
pub struct Import {
    /// As it was read and fused.
    pub net: Net,
    pub program: Program,
}

/// Reads a file and says it in zkml's ops.
pub fn import(path: &Path, options: &Options, widths: Widths) -> Result<Import, ImportError> {
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("model");
    let net = tracing::info_span!("read").in_scope(|| open(path, options))?;
    lifted(net, stem, widths)
}

/// [`import`] of a file's bytes, whose data is all in them.
pub fn import_bytes(
    bytes: &[u8],
    name: &str,
    options: &Options,
    widths: Widths,
) -> Result<Import, ImportError> {
    lifted(decode(bytes, Path::new(""), options)?, name, widths)
}

fn lifted(mut net: Net, name: &str, widths: Widths) -> Result<Import, ImportError> {
    tracing::info_span!("fuse").in_scope(|| fuse(&mut net));
    let program = tracing::info_span!("lift").in_scope(|| lift(&net, name, widths))?;
    Ok(Import { net, program })
}

impl Import {
    /// The model, to calibrate and prove.
    pub fn instance(&self) -> Result<DynamicInstance, ImportError> {
        Ok(self.program.instance()?)
    }

    /// Its source.
    pub fn rust(&self) -> String {
        crate::rust(&self.program)
    }

    /// A file of that source; `from` is what it was imported from.
    pub fn rust_file(&self, from: &str) -> String {
        let name = &self.program.name;
        format!(
            "//! `{name}`, imported from `{from}` by `zkml import`.\n\nuse zkml_dsl::prelude::*;\n\n{}",
            self.rust()
        )
    }

    /// The real values of its weights, as they lie in files.
    pub fn weights(&self) -> FloatWeights {
        let tensors = self.program.weights.iter().map(|(name, t)| (name.clone(), t.clone()));
        FloatWeights::from_tensors(tensors).expect("shapes and values belong together")
    }

    /// Weights as a safetensors file holds them.
    pub fn safetensors(&self) -> Vec<u8> {
        let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = self
            .program
            .weights
            .iter()
            .map(|(name, t)| {
                let bytes = t.data.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name.clone(), t.shape.dims().to_vec(), bytes)
            })
            .collect();
        let views = bytes.iter().map(|(name, dims, bytes)| {
            let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, dims.clone(), bytes);
            (name.clone(), view.expect("as many bytes as elements"))
        });
        safetensors::serialize(views, None).expect("names are unique")
    }

    /// A sample's arrays as the model's inputs, in their order: by name, in the shapes of the file.
    pub fn sample(&self, arrays: &crate::samples::Arrays) -> Result<Vec<FloatTensor>, ImportError> {
        let there = || arrays.keys().cloned().collect();
        let input = |p: &crate::program::Param| {
            let array = arrays.get(&p.name);
            let array = array.ok_or_else(|| ImportError::NoInput { name: p.name.clone(), there: there() })?;
            let n: usize = p.dims.iter().product();
            match array.values.len() == n {
                true => Ok(FloatTensor::new(Shape::new(p.dims.clone()), array.values.clone())),
                false => Err(ImportError::Input {
                    name: p.name.clone(),
                    problem: format!("expected {n} values of {:?}, got {:?}", p.dims, array.dims),
                }),
            }
        };
        self.program.params.iter().filter(|p| p.kind == ParamKind::Input).map(input).collect()
    }
}

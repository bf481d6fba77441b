//! The GPT-2 that the options name.

use crate::options::SequenceOptions;
use crate::session::Failure;
use zkml_dsl::weights::{Family, FloatWeights};
use zkml_models::gpt2::Config;
use zkml_models::seeded::gpt2_model;

/// Float weights, of the file or seeded in the shape of GPT-2 small, and the sizes with as many layers as are asked for.
pub fn open(options: &SequenceOptions) -> Result<(FloatWeights, Config), Failure> {
    let common = &options.common;
    let file = match &common.weights {
        Some(path) => {
            let mut w = FloatWeights::open(path)?;
            w.rename_family(Family::Gpt2, &[])?;
            w
        }
        None => gpt2_model(Config { layers: options.layers_or(12), ..Config::SMALL }, common.seed),
    };
    let all = Config::of(&file)?;
    Ok((file, Config { layers: options.layers_or(all.layers).min(all.layers), ..all }))
}

//! The header of an integer model file: what the tensors belong to, and the model's load-time parameters.
//!
//! It is one JSON value under the metadata key [`KEY`], so that a file's bytes do not depend on a map's order. Steps are
//! the 16 hex digits of their f64 bits: exact.

use super::error::{LoadError, ParamsError};
use serde::{Deserialize, Serialize};
use zkml_ir::graph::{Graph, Params, Rescale};

/// Version of the integer model file.
pub const FORMAT_VERSION: u32 = 1;

pub(super) const KEY: &str = "zkml";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    model: String,
    rescales: Vec<RescaleEntry>,
    steps: Vec<StepEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RescaleEntry {
    name: String,
    m: u32,
    s: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepEntry {
    name: String,
    bits: String,
}

/// What every version of the header begins with.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The header's text, for parameters that are those of the graph.
pub(super) fn encode(graph: &Graph, params: &Params) -> Result<String, ParamsError> {
    check(graph, params)?;
    let rescales = graph.rescales.iter().zip(&params.rescales);
    let steps = graph.steps.names.iter().zip(&params.steps);
    let header = Header {
        format: FORMAT_VERSION,
        model: graph.name.clone(),
        rescales: rescales
            .map(|(decl, r)| RescaleEntry { name: decl.name.clone(), m: r.m, s: r.s })
            .collect(),
        steps: steps
            .map(|(name, v)| StepEntry { name: name.clone(), bits: format!("{:016x}", v.to_bits()) })
            .collect(),
    };
    Ok(serde_json::to_string(&header).expect("strings and integers always encode"))
}

/// Reads a header and checks that it is one of `graph`.
pub(super) fn decode(graph: &Graph, text: &str) -> Result<Params, LoadError> {
    let bad = |e: serde_json::Error| LoadError::Header { reason: e.to_string() };
    let version: Version = serde_json::from_str(text).map_err(bad)?;
    if version.format != FORMAT_VERSION {
        return Err(LoadError::Version { expected: FORMAT_VERSION, got: version.format });
    }
    let header: Header = serde_json::from_str(text).map_err(bad)?;
    if header.model != graph.name {
        return Err(LoadError::Model { expected: graph.name.clone(), got: header.model });
    }
    let rescale_names = header.rescales.iter().map(|r| r.name.as_str());
    check_names("rescales", graph.rescales.iter().map(|r| r.name.as_str()), rescale_names)?;
    let step_names = header.steps.iter().map(|s| s.name.as_str());
    check_names("steps", graph.steps.names.iter().map(String::as_str), step_names)?;
    let steps = header.steps.iter().map(parse_bits).collect::<Result<_, _>>()?;
    let rescales = header.rescales.iter().map(|r| Rescale { m: r.m, s: r.s }).collect();
    let params = Params { rescales, steps };
    check(graph, &params)?;
    Ok(params)
}

fn parse_bits(step: &StepEntry) -> Result<f64, LoadError> {
    let hex = step.bits.len() == 16 && step.bits.bytes().all(|b| b.is_ascii_hexdigit());
    match u64::from_str_radix(&step.bits, 16) {
        Ok(bits) if hex => Ok(f64::from_bits(bits)),
        _ => Err(LoadError::Header {
            reason: format!("step `{}`: expected 16 hex digits, got `{}`", step.name, step.bits),
        }),
    }
}

/// The names of a saved list, in order, against the model's.
fn check_names<'a>(
    what: &'static str,
    expected: impl ExactSizeIterator<Item = &'a str>,
    got: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), ParamsError> {
    let (n, m) = (expected.len(), got.len());
    if n != m {
        return Err(ParamsError::Count { what, expected: n, got: m });
    }
    match expected.zip(got).enumerate().find(|(_, (e, g))| e != g) {
        None => Ok(()),
        Some((index, (e, g))) => {
            Err(ParamsError::Name { what, index, expected: e.to_owned(), got: g.to_owned() })
        }
    }
}

/// One admissible rescale for each that the graph declares, one finite positive step for each that it names.
fn check(graph: &Graph, params: &Params) -> Result<(), ParamsError> {
    let counts = [
        ("rescales", graph.rescales.len(), params.rescales.len()),
        ("steps", graph.steps.names.len(), params.steps.len()),
    ];
    if let Some(&(what, expected, got)) = counts.iter().find(|(_, e, g)| e != g) {
        return Err(ParamsError::Count { what, expected, got });
    }
    for (decl, r) in graph.rescales.iter().zip(&params.rescales) {
        if r.m == 0 || !(1..=31).contains(&r.s) {
            return Err(ParamsError::Rescale { name: decl.name.clone(), m: r.m, s: r.s });
        }
    }
    for (name, &value) in graph.steps.names.iter().zip(&params.steps) {
        if !(value.is_finite() && value > 0.0) {
            return Err(ParamsError::Step { name: name.clone(), value });
        }
    }
    Ok(())
}

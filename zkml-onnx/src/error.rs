//! What is wrong with a file, or with what of it can be proven.

use crate::tensor::TensorError;
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;
use zkml_dsl::builder::BuildError;

/// An import that did not happen. Nothing was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    #[error("cannot read `{}`: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("not an ONNX file: {0}")]
    Decode(#[from] prost::DecodeError),
    #[error("not an ONNX file: it has no graph")]
    NoGraph,
    #[error("opset {got} is older than {oldest}, the oldest that is read\n  help: convert it with `onnx.version_converter`")]
    Opset { got: i64, oldest: i64 },
    #[error("constant `{name}`: {source}")]
    Tensor { name: String, source: TensorError },
    #[error("tensor `{name}` is read, but nothing gives it")]
    Unknown { name: String },
    #[error("there is no input `{name}`; there are: {}", there.join(", "))]
    NoInput { name: String, there: Vec<String> },
    #[error("input `{name}`: {problem}")]
    Input { name: String, problem: String },
    /// Everything that stands in the way, at once.
    #[error("{}", listed(.0))]
    Unsupported(Vec<Problem>),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Zkml(#[from] zkml_dsl::Error),
}

/// A node that cannot be proven as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub node: String,
    pub op: String,
    /// Of its inputs, as far as they are known.
    pub inputs: Vec<String>,
    pub attributes: String,
    pub why: String,
    pub help: Option<String>,
}

/// Why an op does not take a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub why: String,
    pub help: Option<String>,
}

impl Refusal {
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: None }
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl From<BuildError> for Refusal {
    fn from(e: BuildError) -> Self {
        Self::new(e.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` of ({})", self.op, self.node, self.inputs.join(", "))?;
        if !self.attributes.is_empty() {
            write!(f, ", {}", self.attributes)?;
        }
        write!(f, "\n    {}", self.why)?;
        match &self.help {
            Some(help) => write!(f, "\n    help: {help}"),
            None => Ok(()),
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    let nodes = if problems.len() == 1 { "1 node" } else { &format!("{} nodes", problems.len()) };
    let all: Vec<String> = problems.iter().map(|p| format!("\n  {p}")).collect();
    format!("{nodes} cannot be proven:{}", all.concat())
}

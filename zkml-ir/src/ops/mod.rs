//! The ops of the language: one folder each.
//!
//! A language op ([`OpDef`]) is what a model's source calls by name. It checks its arguments and adds primitive nodes
//! ([`crate::graph::Op`]) to a graph. `matmul` adds one node, `attention` a dozen.

mod abs;
pub(crate) mod activation;
mod add;
mod attention;
mod avg_pool;
mod batch_norm;
mod call;
mod clamp;
mod compare;
mod concat;
mod conv2d;
mod cos;
mod div;
pub(crate) mod embedding;
mod exp;
mod first_max;
mod fp8;
mod gather;
mod gelu;
#[cfg(test)]
mod interval_tests;
mod layer_norm;
mod leaf;
mod log;
#[cfg(test)]
mod map_tests;
mod matmul;
mod max;
mod max_pool;
mod mul;
mod neg;
pub(crate) mod norm;
mod pad;
pub(crate) mod primitive;
pub mod quantize;
mod reciprocal;
mod reduce;
mod relu;
mod reshape;
mod rms_norm;
mod rope;
mod rsqrt;
mod rules;
mod select;
mod sigmoid;
mod silu;
mod sin;
mod slice;
mod softmax;
mod split;
mod sqrt;
mod square;
mod sub;
mod sum;
mod tanh;
#[cfg(test)]
mod tests;
mod transpose;
mod views;
mod window;

use crate::elem::Elem;
use crate::graph::{GraphBuilder, NodeId};
use std::collections::BTreeMap;

/// A named argument's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    Tensor,
    Int,
    Real,
    Bool,
    /// `0..64`
    Range,
    /// `[64, 12, 64]`
    Ints,
}

/// An argument's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    Tensor(NodeId),
    Int(i64),
    Real(f64),
    Bool(bool),
    Range(i64, i64),
    Ints(Vec<i64>),
}

/// What an op accepts.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Positional tensor arguments: their names, and how many at least and at most.
    pub tensors: &'static [&'static str],
    pub min_tensors: usize,
    pub max_tensors: usize,
    /// Named arguments: name, kind, required. A name may stand twice with two kinds; an integer is a real number too.
    pub named: &'static [(&'static str, ArgKind, bool)],
    /// Takes an element type in turbofish: `quantize::<I12>`.
    pub turbofish: bool,
}

impl Signature {
    /// Exactly these tensors and nothing else.
    pub const fn tensors(names: &'static [&'static str]) -> Self {
        Self {
            tensors: names,
            min_tensors: names.len(),
            max_tensors: names.len(),
            named: &[],
            turbofish: false,
        }
    }
}

/// A call with evaluated arguments. Positional arguments are tensors; `x.op(y)` puts x first.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub tensors: Vec<NodeId>,
    pub named: BTreeMap<String, Arg>,
    pub elem: Option<Elem>,
    /// Path for the names of the nodes it adds: `blocks[3].attention`.
    pub name: String,
}

/// The part of a call that an error is about; the front end turns it into a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The op's name.
    Op,
    /// Positional argument.
    Tensor(usize),
    Named(String),
    Turbofish,
    /// The whole call.
    Call,
}

/// A refused call. `message` is one line, lower case, names in backticks; notes show the arithmetic; help says what to
/// write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpError {
    pub at: At,
    pub message: String,
    pub notes: Vec<String>,
    pub help: Option<String>,
}

impl OpError {
    pub fn new(at: At, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), notes: vec![], help: None }
    }

    pub fn note(mut self, n: impl Into<String>) -> Self {
        self.notes.push(n.into());
        self
    }

    pub fn help(mut self, h: impl Into<String>) -> Self {
        self.help = Some(h.into());
        self
    }
}

/// An op of the language.
pub trait OpDef: Sync {
    fn name(&self) -> &'static str;
    fn signature(&self) -> Signature;

    /// The op's own rules, for a call that agrees with its signature.
    fn rules(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError>;

    /// Checks the call and adds its nodes; several results where the op has several (`split`). A refused call adds nothing.
    fn build(&self, b: &mut GraphBuilder, call: &Call) -> Result<Vec<NodeId>, OpError> {
        call::check(self.name(), &self.signature(), call)?;
        b.attempt(|b| self.rules(b, call))
    }
}

/// The op of this name. Operators have names too: `+` is `add`, `-` is `sub`, `*` is `mul`, unary `-` is `neg`.
pub fn find(name: &str) -> Option<&'static dyn OpDef> {
    all().iter().copied().find(|o| o.name() == name)
}

/// Every op of the language.
pub fn all() -> &'static [&'static dyn OpDef] {
    &[
        &matmul::MatMul,
        &add::Add,
        &sub::Sub,
        &mul::Mul,
        &neg::Neg,
        &relu::Relu,
        &gelu::Gelu,
        &exp::Exp,
        &sigmoid::Sigmoid,
        &silu::Silu,
        &tanh::Tanh,
        &abs::Abs,
        &clamp::Clamp,
        &rsqrt::Rsqrt,
        &reciprocal::Reciprocal,
        &sqrt::Sqrt,
        &log::Log,
        &sin::Sin,
        &cos::Cos,
        &square::Square,
        &softmax::Softmax,
        &layer_norm::LayerNorm,
        &rms_norm::RmsNorm,
        &attention::Attention,
        &quantize::QuantizeInt8,
        &quantize::Quantize,
        &transpose::Transpose,
        &reshape::Reshape,
        &slice::Slice,
        &concat::Concat,
        &embedding::Embedding,
        &rope::Rope,
        &sum::Sum,
        &sum::Mean,
        &max::Max,
        &first_max::FirstMax,
        &first_max::ArgMax,
        &first_max::TopK,
        &compare::GREATER,
        &compare::GREATER_EQUAL,
        &compare::LESS,
        &compare::LESS_EQUAL,
        &compare::EQUAL,
        &select::Select,
        &div::Div,
        &fp8::QUANTIZE_E4M3,
        &fp8::QUANTIZE_E5M2,
        &fp8::DEQUANTIZE_E4M3,
        &fp8::DEQUANTIZE_E5M2,
        &conv2d::Conv2d,
        &max_pool::MaxPool,
        &avg_pool::AvgPool,
        &avg_pool::GlobalAvgPool,
        &batch_norm::BatchNorm,
        &gather::Gather,
        &pad::Pad,
        &split::Split,
    ]
}

//! The ops of ONNX (<https://onnx.ai/onnx/operators/>): a table entry for each name, which says what the op gives and how it is
//! said in zkml.
//!
//! `infer` finds kinds and shapes, and computes what is constant: shape arithmetic, prepared weights. `lift` is only asked for
//! nodes that depend on an input. To add an op, add an entry to the file of its kind.

mod activation;
mod compare;
mod conv;
mod elementwise;
mod evaluate;
mod fused;
mod index;
mod linear;
mod norm;
mod pool;
mod recurrent;
mod reduce;
mod shape;
mod views;

use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::{Net, Node, Value};
use crate::tensor::{Kind, Tensor};

pub(crate) use conv::with_batch_norm;
pub(crate) use evaluate::{broadcast, reshaped, selected};
pub(crate) use fused::ATTENTION;
pub(crate) use norm::batch_norm_terms;
pub(crate) use views::sizes;

/// An op of ONNX, or one that [`crate::fuse`] put in the place of several.
pub struct Op {
    pub names: &'static [&'static str],
    pub infer: fn(&Inference) -> Result<Vec<Given>, Refusal>,
    pub lift: fn(&mut Lift, &Node) -> Result<(), Refusal>,
}

/// What a node gives.
pub enum Given {
    Constant(Tensor),
    Live(Kind, Vec<usize>),
}

/// A node under inference; all its inputs have shapes.
pub struct Inference<'a> {
    pub node: &'a Node,
    pub net: &'a Net,
    /// How many outputs the file names.
    pub outputs: usize,
}

const ALL: [&[Op]; 13] = [
    activation::OPS,
    compare::OPS,
    conv::OPS,
    elementwise::OPS,
    fused::OPS,
    index::OPS,
    linear::OPS,
    norm::OPS,
    pool::OPS,
    recurrent::OPS,
    reduce::OPS,
    shape::OPS,
    views::OPS,
];

/// The op of this name.
pub fn find(name: &str) -> Option<&'static Op> {
    ALL.iter().flat_map(|ops| ops.iter()).find(|op| op.names.contains(&name))
}

/// Names of all ops, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    let of_file = |n: &&str| !n.starts_with(fused::PREFIX);
    let mut names: Vec<_> =
        ALL.iter().flat_map(|ops| ops.iter()).flat_map(|op| op.names).copied().filter(of_file).collect();
    names.sort_unstable();
    names
}

/// What to do instead of an op that there is no entry for.
pub fn unknown(domain: &str, op: &str) -> Refusal {
    let refusal = match domain {
        "" | "ai.onnx" => Refusal::new(format!("`{op}` has no counterpart")),
        _ => Refusal::new(format!("`{domain}.{op}` is no op of ONNX itself"))
            .help("export without contrib ops: for onnxruntime's, with optimisation level 0"),
    };
    let help = match op {
        "Erf" => "only as part of a GELU",
        "ConvTranspose" => "use `Resize` by a whole number and `Conv`",
        "QuantizeLinear" | "DequantizeLinear" | "QLinearConv" | "QLinearMatMul" | "ConvInteger"
        | "MatMulInteger" => "import the float model: zkml quantises it",
        "Loop" | "Scan" => "export with a fixed length, unrolled",
        "RandomNormal" | "RandomUniform" | "Multinomial" | "Bernoulli" => "make the random numbers an input",
        "NonMaxSuppression" | "NonZero" | "Unique" | "Compress" => {
            "end the model before it: its shape depends on values"
        }
        _ => return refusal,
    };
    match refusal.help {
        Some(_) => refusal,
        None => refusal.help(help),
    }
}

impl<'a> Inference<'a> {
    pub fn value(&self, i: usize) -> Result<&'a Value, Refusal> {
        self.optional(i).ok_or_else(|| Refusal::new(format!("input {i} is missing")))
    }

    pub fn optional(&self, i: usize) -> Option<&'a Value> {
        self.node.input(i).map(|v| &self.net.values[v])
    }

    pub fn dims(&self, i: usize) -> Result<&'a [usize], Refusal> {
        self.value(i).map(|v| &v.dims[..])
    }

    pub fn kind(&self, i: usize) -> Result<Kind, Refusal> {
        self.value(i).map(|v| v.kind)
    }

    pub fn constant(&self, i: usize) -> Option<&'a Tensor> {
        self.optional(i).and_then(|v| v.constant.as_deref())
    }

    /// All inputs, if they are constant.
    pub fn constants(&self) -> Option<Vec<&'a Tensor>> {
        self.node.inputs.iter().flatten().map(|&v| self.net.values[v].constant.as_deref()).collect()
    }

    /// Integers from an attribute (older opsets) or a constant input.
    pub fn ints(&self, attribute: &str, input: usize) -> Result<Option<Vec<i64>>, Refusal> {
        ints(self.net, self.node, attribute, input)
    }

    pub fn opset(&self) -> i64 {
        self.net.opset
    }
}

/// What a node gives whose inputs are all constant.
pub(crate) fn evaluate(net: &Net, node: &Node) -> Option<Vec<Tensor>> {
    let given = (find(&node.op)?.infer)(&Inference { node, net, outputs: node.outputs.len() }).ok()?;
    let constant = |g: Given| match g {
        Given::Constant(t) => Some(t),
        Given::Live(..) => None,
    };
    given.into_iter().map(constant).collect()
}

/// Integers from an attribute or a constant input.
pub(crate) fn ints(
    net: &Net,
    node: &Node,
    attribute: &str,
    input: usize,
) -> Result<Option<Vec<i64>>, Refusal> {
    if let Some(v) = node.attributes.ints(attribute) {
        return Ok(Some(v.to_vec()));
    }
    match node.input(input) {
        None => Ok(None),
        Some(v) => match net.value(v) {
            Some(t) => Ok(Some(t.int_values())),
            None => Err(Refusal::new(format!("`{attribute}` depends on an input, and with it a shape"))),
        },
    }
}

/// An axis that may count from the end.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Refusal> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(counted) {
        Ok(a) if a < rank.max(1) => Ok(a),
        _ => Err(Refusal::new(format!("axis {axis} of a tensor of {rank} dimensions"))),
    }
}

pub(crate) fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, Refusal> {
    axes.iter().map(|&a| axis(a, rank)).collect()
}

/// One live output of the first input's kind.
pub(crate) fn live(i: &Inference, dims: Vec<usize>) -> Result<Vec<Given>, Refusal> {
    Ok(vec![Given::Live(i.kind(0)?, dims)])
}

/// The first input's shape and kind; not computed where it is constant.
pub(crate) fn like_first(i: &Inference) -> Result<Vec<Given>, Refusal> {
    live(i, i.dims(0)?.to_vec())
}

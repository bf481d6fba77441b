//! Models that are only known at run time: the ops and the checks of `#[zk_model]`, called one by one.
//!
//! The macro and the builder feed the same IR through the same code ([`zkml_ir::ops`]): a model that is built as the macro
//! would build it has the macro's graph, node for node and name for name, so either verifies what the other proves.
//!
//! ```
//! use zkml_dsl::builder::{BuildError, Builder, Var};
//! use zkml_dsl::engine::{FloatTensor, FloatWeights};
//! use zkml_dsl::weights::Shape;
//! use zkml_dsl::Elem;
//!
//! /// A block is a function. Nodes are named `layer[0].matmul`, weights `fc.0.weight`.
//! fn layer(b: &Builder, x: Var, i: usize, width: usize) -> Result<Var, BuildError> {
//!     let b = b.scope(&format!("layer[{i}]")).weights_under(&format!("fc.{i}"));
//!     let rows = b.shape(x)?.dims()[1];
//!     let w = b.weight("weight", Elem::I8, [rows, width])?;
//!     let bias = b.weight("bias", Elem::I24, [width])?;
//!     let h = b.add(b.matmul(x, w)?, bias)?;
//!     b.relu(b.quantize(Elem::I8).of(h)?)
//! }
//!
//! # fn main() -> Result<(), zkml_dsl::Error> {
//! let b = Builder::new("mlp");
//! let mut h = b.input("x", Elem::U8, [1, 64])?;
//! for (i, width) in [32, 16].into_iter().enumerate() {
//!     h = layer(&b, h, i, width)?;
//! }
//! let head = b.weight("head", Elem::I8, [16, 10])?;
//! b.output("logits", b.op("matmul").of([h, head])?)?;
//! let mlp = b.finish()?;
//! println!("{}", mlp.report()?);
//!
//! # let wave = |dims: &[usize], phase: f32| {
//! #     let shape = Shape::new(dims);
//! #     let data = (0..shape.len()).map(|i| 0.1 * (i as f32 * 0.7 + phase).sin()).collect();
//! #     FloatTensor::new(shape, data)
//! # };
//! # let names = [("fc.0.weight", &[64, 32][..]), ("fc.0.bias", &[32]), ("fc.1.weight", &[32, 16]), ("fc.1.bias", &[16]),
//! #     ("head", &[16, 10])];
//! # let tensors = names.iter().map(|(n, dims)| (n.to_string(), wave(dims, n.len() as f32)));
//! # let weights = FloatWeights::from_tensors(tensors).unwrap();
//! let image: Vec<f32> = (0..64).map(|i| i as f32 / 64.0).collect();
//! let sample = vec![FloatTensor::new(Shape::new([1, 64]), image.clone())];
//! let model = mlp.calibrate(&weights, &[sample])?; // `FloatWeights::open("mlp.safetensors")`
//! let x = model.to_units("x", &image)?;
//! let (outputs, proof) = model.prove(&[x.clone()])?;
//! mlp.verify(&model.verifier_key(), &[x], &outputs, &proof)?;
//! println!("{:?}", model.to_real("logits", &outputs[0])?.data);
//! # Ok(())
//! # }
//! ```
//!
//! Every op of [`zkml_ir::ops::all`] is reached by name with [`Builder::op`]; the methods of the commonest are shorthands.
//! A refused call is a [`BuildError`] that says what the macro would say, and adds nothing: the builder can be used on.

mod arg;
mod call;
mod declare;
mod error;
mod ops;
mod var;

pub use arg::ArgValue;
pub use call::OpCall;
pub use error::{BuildError, CallError, Declared};
pub use var::{Operands, Var};
pub use zkml_ir::graph::Layout;

use crate::dynamic::DynamicInstance;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{Graph, GraphBuilder, Names, TensorType};
use zkml_ir::shape::Shape;

/// Builds one model. Clones, and what [`Builder::scope`] and [`Builder::weights_under`] give, build the same one under
/// other paths, so blocks are plain functions of `&Builder`.
#[derive(Clone, Debug)]
pub struct Builder {
    state: Rc<RefCell<State>>,
    /// Tells the handles of this model from those of others.
    id: u64,
    /// Of nodes: empty, or with its final dot.
    path: String,
    /// Of weights in files: empty, or with its final dot.
    weights: String,
}

#[derive(Debug)]
struct State {
    graph: GraphBuilder,
    names: Names,
}

impl Builder {
    /// A model of this name, which keys and proofs carry.
    pub fn new(model: impl Into<String>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let state = State { graph: GraphBuilder::new(model), names: Names::default() };
        Self {
            state: Rc::new(RefCell::new(state)),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            path: String::new(),
            weights: String::new(),
        }
    }

    /// The same model with nodes named under `name`: `blocks[3]` makes `blocks[3].matmul`. A name that is taken gets a
    /// number, as that of a model called twice does: `block.`, `block_2.`.
    pub fn scope(&self, name: &str) -> Self {
        let (base, indices) = split_indices(name);
        let path = self.state.borrow_mut().names.unique(&self.path, base, indices);
        Self { path: path + ".", ..self.clone() }
    }

    /// The same model with weights named under `path` in files: `h.3` makes `h.3.ln_1.weight`.
    pub fn weights_under(&self, path: &str) -> Self {
        Self { weights: format!("{}{path}.", self.weights), ..self.clone() }
    }

    /// The type of a tensor: element, shape, interval and step.
    pub fn ty(&self, x: Var) -> Result<TensorType, BuildError> {
        let node = x.node_of(self, || "the tensor asked for".to_owned())?;
        Ok(self.state.borrow().graph.ty(node).clone())
    }

    pub fn elem(&self, x: Var) -> Result<Elem, BuildError> {
        Ok(self.ty(x)?.elem)
    }

    pub fn shape(&self, x: Var) -> Result<Shape, BuildError> {
        Ok(self.ty(x)?.shape)
    }

    /// The model, if it has outputs and reads all its inputs and weights. What is still built with other clones of this
    /// builder is no part of it.
    pub fn finish(self) -> Result<DynamicInstance, BuildError> {
        Ok(DynamicInstance::new(self.graph()?))
    }

    /// [`Builder::finish`]'s graph.
    fn graph(self) -> Result<Graph, BuildError> {
        let graph = match Rc::try_unwrap(self.state) {
            Ok(state) => state.into_inner().graph.finish(),
            Err(shared) => shared.borrow().graph.graph().clone(),
        };
        if graph.outputs.is_empty() {
            return Err(BuildError::NoOutputs { model: graph.name });
        }
        let unused = graph.unused();
        if unused.is_empty() {
            return Ok(graph);
        }
        let inputs = graph.inputs.iter().map(|p| (Declared::Input, &p.name, p.node));
        let weights = graph.weights.iter().map(|w| (Declared::Weight, &w.name, w.node));
        let named = inputs.chain(weights).filter(|(.., node)| unused.contains(node));
        Err(BuildError::Unused(named.map(|(what, name, _)| (what, name.clone())).collect()))
    }
}

/// `add[3]` is `add` and `[3]`: numbers that make a name unique stand between them.
fn split_indices(name: &str) -> (&str, &str) {
    let last = name.rfind('.').map_or(0, |dot| dot + 1);
    match name[last..].find('[') {
        Some(bracket) if name.ends_with(']') => name.split_at(last + bracket),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::split_indices;

    #[test]
    fn indices_are_those_at_the_end() {
        for (name, base, indices) in [
            ("add", "add", ""),
            ("add[3]", "add", "[3]"),
            ("block[1].add", "block[1].add", ""),
            ("block[1].add[2][3]", "block[1].add", "[2][3]"),
            ("[0]", "", "[0]"),
            ("a[0]b", "a[0]b", ""),
            ("", "", ""),
        ] {
            assert_eq!(split_indices(name), (base, indices));
        }
    }
}

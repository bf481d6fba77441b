//! A file's graph with every shape known: what is constant is a value, what is not is a node.

use crate::tensor::{Kind, Tensor};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A tensor of the graph.
pub type ValueId = usize;

/// A tensor: constant, or computed from the inputs.
#[derive(Clone, Debug)]
pub struct Value {
    /// The file's.
    pub name: String,
    pub kind: Kind,
    pub dims: Vec<usize>,
    pub constant: Option<Rc<Tensor>>,
}

/// A node that depends on the inputs.
#[derive(Clone, Debug)]
pub struct Node {
    /// The file's, with the scopes of the exporter: `/encoder/layer.0/Add`.
    pub name: String,
    pub op: String,
    /// Optional ones that are left out are `None`.
    pub inputs: Vec<Option<ValueId>>,
    pub outputs: Vec<ValueId>,
    pub attributes: Attributes,
}

/// The graph.
#[derive(Clone, Debug, Default)]
pub struct Net {
    pub values: Vec<Value>,
    pub nodes: Vec<Node>,
    pub inputs: Vec<ValueId>,
    pub outputs: Vec<ValueId>,
    /// Of the default domain.
    pub opset: i64,
    /// Least and largest integers of inputs, where samples told.
    pub ranges: BTreeMap<String, [i64; 2]>,
}

/// What a node is told beside tensors.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    Float(f32),
    Int(i64),
    Text(String),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
    Tensor(Rc<Tensor>),
    /// A subgraph, which only `If` reads.
    Graph,
}

/// Attributes by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(pub BTreeMap<String, Attribute>);

impl Attributes {
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Attribute::Int(v)) => Some(*v),
            _ => None,
        }
    }

    pub fn float(&self, name: &str) -> Option<f32> {
        match self.0.get(name) {
            Some(Attribute::Float(v)) => Some(*v),
            _ => None,
        }
    }

    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.0.get(name) {
            Some(Attribute::Ints(v)) => Some(v),
            _ => None,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Attribute::Text(v)) => Some(v),
            _ => None,
        }
    }

    pub fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.int(name).map_or(otherwise, |v| v != 0)
    }

    /// The same with one more.
    pub fn with(mut self, name: &str, value: Attribute) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

impl std::fmt::Display for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, (name, value)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{name} = ")?;
            match value {
                Attribute::Float(v) => write!(f, "{v}"),
                Attribute::Int(v) => write!(f, "{v}"),
                Attribute::Text(v) => write!(f, "{v:?}"),
                Attribute::Floats(v) => write!(f, "{v:?}"),
                Attribute::Ints(v) => write!(f, "{v:?}"),
                Attribute::Texts(v) => write!(f, "{v:?}"),
                Attribute::Tensor(t) => write!(f, "a tensor {:?}", t.dims()),
                Attribute::Graph => f.write_str("a graph"),
            }?;
        }
        Ok(())
    }
}

impl Net {
    pub fn add(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        self.values.len() - 1
    }

    /// A constant that passes and folds made.
    pub fn constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        self.add(Value {
            name: name.into(),
            kind: tensor.kind(),
            dims: tensor.dims().to_vec(),
            constant: Some(Rc::new(tensor)),
        })
    }

    pub fn dims(&self, id: ValueId) -> &[usize] {
        &self.values[id].dims
    }

    pub fn value(&self, id: ValueId) -> Option<&Tensor> {
        self.values[id].constant.as_deref()
    }

    /// The node that computes each value.
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut producers = vec![None; self.values.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            node.outputs.iter().for_each(|&v| producers[v] = Some(i));
        }
        producers
    }

    /// How often each value is read, by nodes and as an output.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.values.len()];
        let read = self.nodes.iter().flat_map(|n| n.inputs.iter().flatten());
        read.chain(&self.outputs).for_each(|&v| uses[v] += 1);
        uses
    }

    /// Drops nodes that no output needs.
    pub fn prune(&mut self) {
        let mut needed = vec![false; self.values.len()];
        self.outputs.iter().for_each(|&v| needed[v] = true);
        let mut keep = vec![false; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate().rev() {
            keep[i] = node.outputs.iter().any(|&v| needed[v]);
            if keep[i] {
                node.inputs.iter().flatten().for_each(|&v| needed[v] = true);
            }
        }
        let mut keep = keep.into_iter();
        self.nodes.retain(|_| keep.next() == Some(true));
    }
}

impl Node {
    /// The first output.
    pub fn output(&self) -> ValueId {
        self.outputs[0]
    }

    pub fn input(&self, i: usize) -> Option<ValueId> {
        self.inputs.get(i).copied().flatten()
    }
}

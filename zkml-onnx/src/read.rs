//! From a file to a [`Net`]: nodes are walked in order, shapes inferred, constants computed.

use crate::error::{ImportError, Problem, Refusal};
use crate::net::{Attribute, Attributes, Net, Node, Value, ValueId};
use crate::ops::{self, Given, Inference};
use crate::proto::{AttributeProto, Dimension, GraphProto, ModelProto, NodeProto};
use crate::tensor::{Kind, Tensor};
use ndarray::{ArrayD, IxDyn};
use prost::Message;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Before this one ops had inputs in other places.
const OLDEST: i64 = 5;

/// What a file leaves open.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Extents of inputs, by input: those of samples.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// Inputs that are no inputs of the model that is proven: each is this number everywhere.
    pub constants: BTreeMap<String, f64>,
    /// The same with values of their own: parameters that a file takes as inputs.
    pub values: BTreeMap<String, crate::samples::Array>,
    /// Extents of named dimensions: `batch = 1`.
    pub dims: BTreeMap<String, usize>,
    /// The least and the largest of integers, by input: those of samples. Inputs get the narrowest type that holds them; tokens and
    /// what is not told get 24 bits.
    pub ranges: BTreeMap<String, [i64; 2]>,
}

impl Options {
    /// With what samples say of inputs: shapes, and how large integers are. An array is one sample, or has a first axis of several where
    /// `several` says so.
    pub fn with_samples(mut self, arrays: &crate::samples::Arrays, several: bool) -> Self {
        for (name, array) in arrays.iter().filter(|(name, _)| !self.constants.contains_key(*name)) {
            let dims = if several { &array.dims[1..] } else { &array.dims[..] };
            self.shapes.insert(name.clone(), dims.to_vec());
            let ends = array
                .values
                .iter()
                .fold([i64::MAX, i64::MIN], |[lo, hi], &v| [lo.min(v as i64), hi.max(v as i64)]);
            if array.values.iter().all(|v| v.fract() == 0.0) && !array.values.is_empty() {
                self.ranges.insert(name.clone(), ends);
            }
        }
        self
    }
}

/// Reads a file.
pub fn open(path: &Path, given: &Options) -> Result<Net, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Io { path: path.to_owned(), source })?;
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    decode(&bytes, &folder, given)
}

/// The names of a file's inputs, in its order.
pub fn inputs(path: &Path) -> Result<Vec<String>, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Io { path: path.to_owned(), source })?;
    let graph = ModelProto::decode(&bytes[..])?.graph.ok_or(ImportError::NoGraph)?;
    let initialised = |name: &str| graph.initializer.iter().any(|t| t.name == name);
    Ok(graph.input.iter().map(|i| i.name.clone()).filter(|n| !initialised(n)).collect())
}

/// Reads a file's bytes; `folder` is where data outside of it lies.
pub fn decode(bytes: &[u8], folder: &Path, given: &Options) -> Result<Net, ImportError> {
    let model = ModelProto::decode(bytes)?;
    let graph = model.graph.ok_or(ImportError::NoGraph)?;
    let default = model.opset_import.iter().find(|o| matches!(o.domain.as_str(), "" | "ai.onnx"));
    let opset = default.map_or(1, |o| o.version);
    if opset < OLDEST {
        return Err(ImportError::Opset { got: opset, oldest: OLDEST });
    }
    let net = Net { opset, ..Net::default() };
    let mut reader = Reader { net, folder, given, problems: vec![], unknown: vec![] };
    let mut scope = HashMap::new();
    reader.inputs(&graph, &mut scope)?;
    let outputs = reader.graph(&graph, &mut scope)?;
    if !reader.problems.is_empty() {
        return Err(ImportError::Unsupported(reader.problems));
    }
    reader.net.ranges = given.ranges.clone();
    reader.net.outputs = outputs;
    reader.net.prune();
    Ok(reader.net)
}

struct Reader<'a> {
    net: Net,
    folder: &'a Path,
    given: &'a Options,
    problems: Vec<Problem>,
    /// Values behind a node that was refused: what reads them is not looked at.
    unknown: Vec<ValueId>,
}

type Scope = HashMap<String, ValueId>;

impl Reader<'_> {
    fn inputs(&mut self, graph: &GraphProto, scope: &mut Scope) -> Result<(), ImportError> {
        let initialised = |name: &str| graph.initializer.iter().any(|t| t.name == name);
        let ports: Vec<_> = graph.input.iter().filter(|i| !initialised(&i.name)).collect();
        let given = self.given;
        for name in given.constants.keys().chain(given.shapes.keys()).chain(given.values.keys()) {
            if !ports.iter().any(|p| p.name == *name) {
                let there = ports.iter().map(|p| p.name.clone()).collect();
                return Err(ImportError::NoInput { name: name.clone(), there });
            }
        }
        for port in ports {
            let fail = |problem: String| ImportError::Input { name: port.name.clone(), problem };
            let ty = port.ty.as_ref().and_then(|t| t.tensor_type.as_ref());
            let ty = ty.ok_or_else(|| fail("is no tensor".into()))?;
            let kind = Kind::of(ty.elem_type).map_err(|e| fail(e.to_string()))?;
            let declared = ty.shape.as_ref().map(|s| &s.dim[..]);
            if let Some(array) = given.values.get(&port.name) {
                let tensor = Tensor::Float(crate::samples::to_ndarray(array)).cast(kind);
                scope.insert(port.name.clone(), self.net.constant(&port.name, tensor));
                continue;
            }
            let dims = match (given.shapes.get(&port.name), declared) {
                (Some(dims), declared) => {
                    let fits = declared.is_none_or(|d| {
                        d.len() == dims.len()
                            && d.iter().zip(dims).all(|(d, &n)| match d.value {
                                Some(Dimension::Value(v)) => v == n as i64,
                                _ => true,
                            })
                    });
                    match fits {
                        true => dims.clone(),
                        false => {
                            let declared: Vec<String> =
                                declared.unwrap_or_default().iter().map(dim).collect();
                            return Err(fail(format!("expected [{}], got {dims:?}", declared.join(", "))));
                        }
                    }
                }
                (None, None) => return Err(fail("has no shape; samples say it".into())),
                (None, Some(declared)) => {
                    let known = |d: &crate::proto::DimensionProto| match &d.value {
                        Some(Dimension::Value(v)) if *v > 0 => Some(*v as usize),
                        Some(Dimension::Name(name)) => given.dims.get(name).copied(),
                        _ => None,
                    };
                    let dims: Option<Vec<usize>> = declared.iter().map(known).collect();
                    let names: Vec<String> = declared.iter().map(dim).collect();
                    dims.ok_or_else(|| {
                        fail(format!(
                            "has open dimensions, [{}]; samples or `--dim name=extent` say them",
                            names.join(", ")
                        ))
                    })?
                }
            };
            let id = match given.constants.get(&port.name) {
                Some(&v) => {
                    let float = Tensor::Float(ArrayD::from_elem(IxDyn(&dims), v as f32));
                    self.net.constant(&port.name, float.cast(kind))
                }
                None => {
                    let value = Value { name: port.name.clone(), kind, dims, constant: None };
                    let id = self.net.add(value);
                    self.net.inputs.push(id);
                    id
                }
            };
            scope.insert(port.name.clone(), id);
        }
        Ok(())
    }

    /// The outputs of a graph or a subgraph.
    fn graph(&mut self, graph: &GraphProto, scope: &mut Scope) -> Result<Vec<ValueId>, ImportError> {
        if let Some(t) = graph.sparse_initializer.first() {
            let source = crate::tensor::TensorError::Dims(t.dims.clone());
            return Err(ImportError::Tensor { name: "a sparse one".into(), source });
        }
        for proto in &graph.initializer {
            let tensor = Tensor::read(proto, self.folder)
                .map_err(|source| ImportError::Tensor { name: proto.name.clone(), source })?;
            let id = self.net.constant(&proto.name, tensor);
            scope.insert(proto.name.clone(), id);
        }
        for node in &graph.node {
            self.node(node, scope)?;
        }
        let find = |o: &crate::proto::ValueInfoProto| {
            scope.get(&o.name).copied().ok_or_else(|| ImportError::Unknown { name: o.name.clone() })
        };
        graph.output.iter().map(find).collect()
    }

    fn node(&mut self, proto: &NodeProto, scope: &mut Scope) -> Result<(), ImportError> {
        let input = |name: &String| match name.is_empty() {
            true => Ok(None),
            false => {
                scope.get(name).map(|&id| Some(id)).ok_or_else(|| ImportError::Unknown { name: name.clone() })
            }
        };
        let inputs: Vec<Option<ValueId>> = proto.input.iter().map(input).collect::<Result<_, _>>()?;
        if proto.op_type == "If" {
            return self.branch(proto, inputs[0], scope);
        }
        let attributes = attributes(proto, self.folder)?;
        let own = match proto.name.is_empty() {
            true => proto.output.iter().find(|o| !o.is_empty()).cloned().unwrap_or_default(),
            false => proto.name.clone(),
        };
        let name = match scope_of(proto) {
            Some(scope) if !own.starts_with('/') => format!("/{scope}/{own}"),
            _ => own,
        };
        let node = Node { name, op: proto.op_type.clone(), inputs, outputs: vec![], attributes };
        let blocked = node.inputs.iter().flatten().any(|v| self.unknown.contains(v));
        let op = match proto.domain.as_str() {
            "" | "ai.onnx" => ops::find(&node.op),
            _ => None,
        };
        let given = match op {
            None => Err(ops::unknown(&proto.domain, &node.op)),
            Some(_) if blocked => Ok(vec![]),
            Some(op) => {
                let inference = Inference { node: &node, net: &self.net, outputs: proto.output.len() };
                (op.infer)(&inference)
            }
        };
        let given = match given {
            Ok(given) => given,
            Err(refusal) => {
                self.problems.push(problem(&self.net, &node, refusal));
                vec![]
            }
        };
        let mut given = given.into_iter();
        let (mut outputs, mut live) = (vec![], false);
        for name in &proto.output {
            let value = match given.next() {
                Some(Given::Constant(t)) => {
                    let (kind, dims) = (t.kind(), t.dims().to_vec());
                    Value { name: name.clone(), kind, dims, constant: Some(Rc::new(t)) }
                }
                Some(Given::Live(kind, dims)) => {
                    live = true;
                    Value { name: name.clone(), kind, dims, constant: None }
                }
                None => Value { name: name.clone(), kind: Kind::Float, dims: vec![], constant: None },
            };
            let known = value.constant.is_some() || live;
            let id = self.net.add(value);
            if !known {
                self.unknown.push(id);
            }
            outputs.push(id);
            if !name.is_empty() {
                scope.insert(name.clone(), id);
            }
        }
        if live {
            self.net.nodes.push(Node { outputs, ..node });
        }
        Ok(())
    }

    /// The branch of an `If` that a constant chooses.
    fn branch(
        &mut self,
        proto: &NodeProto,
        cond: Option<ValueId>,
        scope: &mut Scope,
    ) -> Result<(), ImportError> {
        let known = cond.and_then(|c| self.net.value(c)).and_then(|t| t.to_bool().iter().next().copied());
        let Some(chosen) = known else {
            let refusal = Refusal::new("which branch is taken depends on an input")
                .help("make that input a constant: `--constant name=value`");
            let node = Node {
                name: proto.name.clone(),
                op: proto.op_type.clone(),
                inputs: vec![cond],
                outputs: vec![],
                attributes: Attributes::default(),
            };
            self.problems.push(problem(&self.net, &node, refusal));
            for name in &proto.output {
                let id = self.net.add(Value {
                    name: name.clone(),
                    kind: Kind::Float,
                    dims: vec![],
                    constant: None,
                });
                self.unknown.push(id);
                scope.insert(name.clone(), id);
            }
            return Ok(());
        };
        let name = if chosen { "then_branch" } else { "else_branch" };
        let graph = proto.attribute.iter().find(|a| a.name == name).and_then(|a| a.g.as_ref());
        let graph = graph.ok_or(ImportError::NoGraph)?;
        let outputs = self.graph(graph, &mut scope.clone())?;
        for (name, id) in proto.output.iter().zip(outputs) {
            scope.insert(name.clone(), id);
        }
        Ok(())
    }
}

/// The module that PyTorch's newer exporter notes beside a node: the last but one of `['', 'h.0', 'h.0.attn', 'view_3']`.
fn scope_of(proto: &NodeProto) -> Option<String> {
    let scopes = proto.metadata_props.iter().find(|p| p.key == "pkg.torch.onnx.name_scopes")?;
    let mut all: Vec<&str> = scopes.value.split('\'').skip(1).step_by(2).collect();
    all.pop()?;
    all.pop().filter(|s| !s.is_empty()).map(str::to_owned)
}

/// A node with what it reads, for people.
pub(crate) fn problem(net: &Net, node: &Node, refusal: Refusal) -> Problem {
    let input = |v: &Option<ValueId>| match v {
        None => "-".to_owned(),
        Some(v) => {
            let value = &net.values[*v];
            let constant = if value.constant.is_some() { "constant " } else { "" };
            format!("{} {constant}{} {:?}", value.name, value.kind, value.dims)
        }
    };
    Problem {
        node: node.name.clone(),
        op: node.op.clone(),
        inputs: node.inputs.iter().map(input).collect(),
        attributes: node.attributes.to_string(),
        why: refusal.why,
        help: refusal.help,
    }
}

fn dim(d: &crate::proto::DimensionProto) -> String {
    match &d.value {
        Some(Dimension::Value(v)) => v.to_string(),
        Some(Dimension::Name(name)) => name.clone(),
        None => "?".to_owned(),
    }
}

fn attributes(proto: &NodeProto, folder: &Path) -> Result<Attributes, ImportError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let attribute = |a: &AttributeProto| {
        let value = match a.kind {
            AttributeProto::FLOAT => Attribute::Float(a.f),
            AttributeProto::INT => Attribute::Int(a.i),
            AttributeProto::STRING => Attribute::Text(text(&a.s)),
            AttributeProto::FLOATS => Attribute::Floats(a.floats.clone()),
            AttributeProto::INTS => Attribute::Ints(a.ints.clone()),
            AttributeProto::STRINGS => Attribute::Texts(a.strings.iter().map(|s| text(s)).collect()),
            AttributeProto::TENSOR => {
                let proto = a.t.clone().unwrap_or_default();
                let tensor = Tensor::read(&proto, folder)
                    .map_err(|source| ImportError::Tensor { name: a.name.clone(), source })?;
                Attribute::Tensor(Rc::new(tensor))
            }
            _ => Attribute::Graph,
        };
        Ok((a.name.clone(), value))
    };
    proto.attribute.iter().map(attribute).collect::<Result<_, _>>().map(Attributes)
}

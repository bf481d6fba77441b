//! A model as calls of zkml's ops: what Rust is written from, and graphs are built from.

use std::collections::{BTreeMap, HashMap};
use zkml_dsl::builder::{ArgValue, BuildError, Builder, Layout, Var};
use zkml_dsl::weights::FloatTensor;
use zkml_dsl::{DynamicInstance, Elem};

/// A tensor of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ref {
    /// An input or a weight.
    Param(usize),
    /// A result of a step.
    Step(usize, usize),
}

#[derive(Clone, Debug)]
pub struct Param {
    /// In Rust.
    pub ident: String,
    /// In files: the graph's name.
    pub name: String,
    pub elem: Elem,
    pub dims: Vec<usize>,
    pub kind: ParamKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    Input,
    Weight(Layout),
}

/// A named argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    Tensor(Ref),
    Int(i64),
    Real(f64),
    Bool(bool),
    Range(i64, i64),
    Ints(Vec<i64>),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Step {
    pub op: &'static str,
    pub elem: Option<Elem>,
    pub tensors: Vec<Ref>,
    pub named: Vec<(&'static str, Arg)>,
    /// How many tensors it gives.
    pub results: usize,
    /// What a person would call it: from the node it came from.
    pub name: String,
    /// The node of the file, by number: steps of one node belong together.
    pub node: usize,
}

/// A model.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// An identifier.
    pub name: String,
    pub params: Vec<Param>,
    pub steps: Vec<Step>,
    /// Outputs by name.
    pub results: Vec<(String, Ref)>,
    /// Real values of the weights, by name, as they lie in files.
    pub weights: BTreeMap<String, FloatTensor>,
    /// What the one step [`LAYERS`] stands for, if there is one.
    pub layers: Option<Box<Layers>>,
}

/// Handles of parameters, but for those of layers, and of the steps' results.
type Built = (Vec<Option<Var>>, Vec<Vec<Var>>);

/// The op of a step that stands for all layers: of the tensor that goes through them, then of what all of them read.
pub const LAYERS: &str = "layers";

/// Layers that are alike.
#[derive(Clone, Debug)]
pub struct Layers {
    /// One of them: its inputs are those of the step, its weights are named from the layer's number on.
    pub block: Program,
    /// Of the list in files: `encoder.layer`.
    pub path: String,
    /// Of the list in Rust.
    pub list: String,
    /// By layer: the block's weights, in order, among the program's parameters.
    pub weights: Vec<Vec<usize>>,
}

impl Program {
    /// The model: the graph that the macro makes of [`Program::rust`](crate::rust).
    pub fn instance(&self) -> Result<DynamicInstance, BuildError> {
        let b = Builder::new(&self.name);
        let (params, steps) = self.build(&b)?;
        for (name, r) in &self.results {
            b.output(name, var(&params, &steps, r))?;
        }
        b.finish()
    }

    /// Element and shape of everything, if it is a model.
    pub fn types(&self) -> Option<HashMap<Ref, (Elem, Vec<usize>)>> {
        let b = Builder::new(&self.name);
        let (params, steps) = self.build(&b).ok()?;
        let params = params.iter().enumerate().filter_map(|(i, v)| Some((Ref::Param(i), (*v)?)));
        let steps = steps
            .iter()
            .enumerate()
            .flat_map(|(s, all)| all.iter().enumerate().map(move |(k, v)| (Ref::Step(s, k), *v)));
        let ty = |(r, v): (Ref, Var)| b.ty(v).ok().map(|ty| (r, (ty.elem, ty.shape.dims().to_vec())));
        params.chain(steps).map(ty).collect()
    }

    fn build(&self, b: &Builder) -> Result<Built, BuildError> {
        // Weights of layers are declared where these are called, as the macro does it.
        let of_layers =
            |i: usize| self.layers.as_ref().is_some_and(|l| l.weights.iter().flatten().any(|&w| w == i));
        let declare = |(i, p): (usize, &Param)| match of_layers(i) {
            true => Ok(None),
            false => p.declare(b).map(Some),
        };
        let params = self.params.iter().enumerate().map(declare).collect::<Result<Vec<_>, BuildError>>()?;
        let mut steps: Vec<Vec<Var>> = vec![];
        for step in &self.steps {
            let results = match &self.layers {
                Some(layers) if step.op == LAYERS => {
                    let given: Vec<Var> = step.tensors.iter().map(|r| var(&params, &steps, r)).collect();
                    vec![layers.build(b, &given, &self.params)?]
                }
                _ => step.call(b, |r| var(&params, &steps, r))?,
            };
            steps.push(results);
        }
        Ok((params, steps))
    }

    pub fn inputs(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|p| p.kind == ParamKind::Input)
    }
}

fn var(params: &[Option<Var>], steps: &[Vec<Var>], r: &Ref) -> Var {
    match *r {
        Ref::Param(i) => params[i].expect("a layer's weights are read by the layer"),
        Ref::Step(s, k) => steps[s][k],
    }
}

impl Param {
    fn declare(&self, b: &Builder) -> Result<Var, BuildError> {
        match self.kind {
            ParamKind::Input => b.input(&self.ident, self.elem, self.dims.clone()),
            ParamKind::Weight(layout) => b.weight_with(&self.name, self.elem, self.dims.clone(), layout),
        }
    }
}

impl Layers {
    /// All of them, one after the other, of these tensors; nodes are named as those of a function that is called in a loop.
    fn build(&self, b: &Builder, given: &[Var], params: &[Param]) -> Result<Var, BuildError> {
        let mut x = given[0];
        for (l, weights) in self.weights.iter().enumerate() {
            let scope = b.scope(&format!("{}[{l}]", self.block.name));
            let weights = weights.iter().map(|&w| params[w].declare(b)).collect::<Result<Vec<_>, _>>()?;
            let given = std::iter::once(x).chain(given[1..].iter().copied());
            let own: Vec<Option<Var>> = given.chain(weights).map(Some).collect();
            let mut steps: Vec<Vec<Var>> = vec![];
            for step in &self.block.steps {
                let results = step.call(&scope, |r| var(&own, &steps, r))?;
                steps.push(results);
            }
            x = var(&own, &steps, &self.block.results[0].1);
        }
        Ok(x)
    }
}

impl Step {
    /// Adds the call to a builder.
    pub(crate) fn call(&self, b: &Builder, var: impl Fn(&Ref) -> Var) -> Result<Vec<Var>, BuildError> {
        let tensors: Vec<Var> = self.tensors.iter().map(&var).collect();
        let mut call = b.op(self.op).on(tensors);
        if let Some(elem) = self.elem {
            call = call.elem(elem);
        }
        for (name, arg) in &self.named {
            let value = match arg {
                Arg::Tensor(r) => ArgValue::Tensor(var(r)),
                Arg::Int(v) => ArgValue::Int(*v),
                Arg::Real(v) => ArgValue::Real(*v),
                Arg::Bool(v) => ArgValue::Bool(*v),
                Arg::Range(a, b) => ArgValue::Range(*a, *b),
                Arg::Ints(v) => ArgValue::Ints(v.clone()),
            };
            call = call.arg(name, value);
        }
        call.build_all()
    }

    /// Every tensor that it reads, in the order in which a reader meets them.
    pub fn reads(&self) -> impl Iterator<Item = Ref> + '_ {
        let named = self.named.iter().filter_map(|(_, a)| match a {
            Arg::Tensor(r) => Some(*r),
            _ => None,
        });
        self.tensors.iter().copied().chain(named)
    }
}

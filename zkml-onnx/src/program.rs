//! A model as calls of zkml's ops: what Rust is written from, and graphs are built from.

use std::collections::BTreeMap;
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
}

impl Program {
    /// The model: the graph that the macro makes of [`Program::rust`](crate::rust).
    pub fn instance(&self) -> Result<DynamicInstance, BuildError> {
        let b = Builder::new(&self.name);
        let declare = |p: &Param| match p.kind {
            ParamKind::Input => b.input(&p.ident, p.elem, p.dims.clone()),
            ParamKind::Weight(layout) => b.weight_with(&p.name, p.elem, p.dims.clone(), layout),
        };
        let params = self.params.iter().map(declare).collect::<Result<Vec<Var>, _>>()?;
        let mut steps: Vec<Vec<Var>> = vec![];
        for step in &self.steps {
            let var = |r: &Ref| match *r {
                Ref::Param(i) => params[i],
                Ref::Step(s, k) => steps[s][k],
            };
            let results = step.call(&b, var)?;
            steps.push(results);
        }
        for (name, r) in &self.results {
            let var = match *r {
                Ref::Param(i) => params[i],
                Ref::Step(s, k) => steps[s][k],
            };
            b.output(name, var)?;
        }
        b.finish()
    }

    pub fn inputs(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|p| p.kind == ParamKind::Input)
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

//! From a symbolic module to a concrete graph.

use super::ast::{Expr, Module, Origin, Param, TensorSpec};
use super::diag::Diagnostic;
use super::scope::Frame;
use super::show::Show;
use super::value::{Spec, Value, WeightSet};
use crate::graph::{Graph, GraphBuilder, Names, NodeId};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Elaborates `module` with its default dimensions, changed by `dims`.
///
/// Every mistake is found in one go: what depends on a mistake is poisoned and reports nothing. The error is empty if
/// nothing is wrong here but a callee failed to compile.
pub fn elaborate(module: &Module, dims: &[(String, usize)]) -> Result<Graph, Vec<Diagnostic>> {
    let mut e = Elaborator::new(&module.name);
    let mut frame = Frame::new(module, String::new(), None);
    e.override_dims(&mut frame, dims);
    e.declare_params(&mut frame);
    let result = e.run_body(&mut frame);
    if e.diags.is_empty() && !result.is_poison() {
        e.finish_outputs(&frame, &result);
        e.check_unused(&frame);
    }
    match e.diags.is_empty() && !result.is_poison() && !e.poisoned {
        true => Ok(e.builder.finish()),
        false => Err(e.diags),
    }
}

pub(super) struct Elaborator<'m> {
    pub builder: GraphBuilder,
    pub diags: Vec<Diagnostic>,
    /// Something is missing that was reported elsewhere.
    pub poisoned: bool,
    /// The elaborated module's own inputs and weights.
    pub declared: Vec<(&'m Param, NodeId)>,
    /// Declared weights by their path in files.
    pub weights: HashMap<String, NodeId>,
    /// Every declared set of callee's weights, and the paths of those that a call took.
    pub sets: Vec<Rc<WeightSet<'m>>>,
    pub used_sets: HashSet<String>,
    names: Names,
    /// Dimensions that were reported, by frame and name.
    pub bad_dims: HashSet<String>,
    /// The expression being elaborated, for mistakes inside callees, whose tokens are out of reach.
    pub place: Option<&'m Expr>,
}

/// A mistake before it is known in which frame it lies.
pub(super) struct Problem {
    origin: Origin,
    message: String,
    notes: Vec<String>,
    help: Option<String>,
}

impl Problem {
    pub fn new(origin: Origin, message: impl Into<String>) -> Self {
        Self { origin, message: message.into(), notes: vec![], help: None }
    }

    pub fn notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}

impl<'m> Elaborator<'m> {
    fn new(name: &str) -> Self {
        Self {
            builder: GraphBuilder::new(name),
            diags: vec![],
            poisoned: false,
            declared: vec![],
            weights: HashMap::new(),
            sets: vec![],
            used_sets: HashSet::new(),
            names: Names::default(),
            bad_dims: HashSet::new(),
            place: None,
        }
    }

    /// Reports a mistake: at its token, or at the outermost call if it lies in a callee.
    pub fn report(&mut self, frame: &Frame<'m>, p: Problem) {
        let mut d = Diagnostic { origin: p.origin, message: p.message, notes: p.notes, help: p.help };
        if let Some(call) = frame.call {
            d.origin = call;
            d.message = format!("in `{}`: {}", frame.module.name, d.message);
            d.notes.extend(self.place.map(|e| format!("at `{}`", Show(frame.module, e))));
        }
        if !self.diags.contains(&d) {
            self.diags.push(d);
        }
    }

    pub fn fail(&mut self, frame: &Frame<'m>, p: Problem) -> Value<'m> {
        self.report(frame, p);
        Value::Poison
    }

    /// A path for a node or a call, made unique: `block[3].matmul`, `block[3].matmul_2`.
    pub fn unique_name(&mut self, frame: &Frame<'m>, base: &str) -> String {
        let indices: String = frame.loops.iter().map(|i| format!("[{i}]")).collect();
        self.names.unique(&frame.prefix, base, &indices)
    }

    pub fn spec_of(&self, node: NodeId) -> Spec {
        let ty = self.builder.ty(node);
        Spec { elem: ty.elem, shape: ty.shape.clone() }
    }

    /// Statements, then the result, checked against the declared return type.
    pub fn run_body(&mut self, frame: &mut Frame<'m>) -> Value<'m> {
        let module = frame.module;
        self.statements(frame, &module.body);
        let result = self.eval(frame, &module.result);
        let declared = &module.returns;
        let specs: Vec<_> = declared.types.iter().map(|(_, t)| (t, self.spec(frame, t))).collect();
        if result.is_poison() {
            return Value::Poison;
        }
        let items = match (&result, declared.tuple) {
            (Value::Tuple(items), true) if items.len() == specs.len() => items.clone(),
            (_, false) => vec![result.clone()],
            _ => {
                let want = format!("a tuple of {}", specs.len());
                return self.wrong_result(frame, &want, &result);
            }
        };
        let mut fine = true;
        for (value, (t, spec)) in items.iter().zip(specs) {
            fine &= self.check_result(frame, value, t, spec);
        }
        if fine {
            result
        } else {
            Value::Poison
        }
    }

    fn wrong_result(&mut self, frame: &Frame<'m>, want: &str, got: &Value<'m>) -> Value<'m> {
        let message = format!("`{}` returns {want}, got {}", frame.module.name, got.kind());
        self.fail(frame, Problem::new(frame.module.result.origin, message))
    }

    fn check_result(
        &mut self,
        frame: &Frame<'m>,
        value: &Value<'m>,
        t: &TensorSpec,
        want: Option<Spec>,
    ) -> bool {
        let Some(want) = want else { return false };
        let Value::Tensor(node) = *value else {
            return !self.wrong_result(frame, "a tensor", value).is_poison();
        };
        let got = self.spec_of(node);
        if got == want {
            return true;
        }
        let message =
            format!("`{}` returns `Tensor<{}, {}>`, got `{got}`", frame.module.name, want.elem, want.shape);
        let help = (got.shape == want.shape).then(|| format!("declare it `{}`, or quantize to it", got.elem));
        // At the declaration: the result may be a long expression, and either may be the one that is wrong.
        self.report(frame, Problem::new(t.origin, message).help(help));
        false
    }

    fn finish_outputs(&mut self, frame: &Frame<'m>, result: &Value<'m>) {
        let items = match result {
            Value::Tuple(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for ((name, _), value) in frame.module.returns.types.iter().zip(items) {
            if let Value::Tensor(node) = value {
                self.builder.output(name.clone(), *node);
            }
        }
    }
}

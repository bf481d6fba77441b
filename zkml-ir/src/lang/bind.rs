//! Arguments of a model call: which parameter each belongs to, and the callee's dimensions.

use super::ast::{ExprKind, Module, Origin, Param, ParamType, TensorSpec};
use super::dims::is_free;
use super::elaborate::Elaborator;
use super::value::{Value, WeightSet};
use std::collections::HashMap;
use std::rc::Rc;

/// The arguments of a call by parameter, in the order of the parameters.
pub(super) struct Bound<'m> {
    /// `None` for a parameter that the weight set provides.
    pub args: Vec<(&'m Param, Option<(Value<'m>, Origin)>)>,
    pub set: Option<Rc<WeightSet<'m>>>,
}

/// Either an argument for every parameter, or the tensors and then one weight set of the callee for all weights.
pub(super) fn bind_args<'m>(callee: &'m Module, mut args: Vec<(Value<'m>, Origin)>) -> Option<Bound<'m>> {
    let is_tensor = |p: &&Param| matches!(p.ty, ParamType::Tensor(_));
    let tensors = callee.params.iter().filter(is_tensor).count();
    let set = match args.last() {
        Some((Value::Weights(set), _)) if tensors < callee.params.len() && is_of(set, callee) => {
            Some(set.clone())
        }
        _ => None,
    };
    let wanted = if set.is_some() { tensors + 1 } else { callee.params.len() };
    if args.len() != wanted {
        return None;
    }
    if set.is_some() {
        args.pop();
    }
    let mut rest = args.into_iter();
    let all = callee.params.iter();
    let args = all.map(|p| (p, if set.is_some() && !is_tensor(&p) { None } else { rest.next() })).collect();
    Some(Bound { args, set })
}

/// Whether these are weights of `callee`, whatever path either is written with.
pub(super) fn is_of(set: &WeightSet, callee: &Module) -> bool {
    set.module.is_none_or(|m| std::ptr::eq(m, callee) || m == callee)
}

impl<'m> Elaborator<'m> {
    /// The callee's dimensions that the arguments' shapes tell: those that stand alone in a parameter's type.
    pub fn infer_dims(&self, callee: &'m Module, bound: &Bound<'m>) -> HashMap<&'m str, i64> {
        let free: Vec<_> = callee.dims.iter().filter(|d| is_free(d)).map(|d| d.name.text.as_str()).collect();
        let mut found = HashMap::new();
        for (p, arg) in &bound.args {
            let (ParamType::Tensor(t) | ParamType::Weight(t), Some((Value::Tensor(node), _))) = (&p.ty, arg)
            else {
                continue;
            };
            let shape = self.builder.ty(*node).shape.dims();
            for (name, &d) in named_dims(t).zip(shape).filter_map(|(n, d)| n.map(|n| (n, d))) {
                if free.contains(&name) && shape.len() == t.dims.len() {
                    found.entry(name).or_insert(d as i64);
                }
            }
        }
        found
    }
}

fn named_dims(t: &TensorSpec) -> impl Iterator<Item = Option<&str>> {
    t.dims.iter().map(|e| match &e.kind {
        ExprKind::Name(n) => Some(n.as_str()),
        _ => None,
    })
}

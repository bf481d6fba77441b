//! Parameters: inputs, weights, and the weight sets of callees.

use super::ast::{Bundle, Param, ParamType};
use super::body::MAX_ITERATIONS;
use super::elaborate::{Elaborator, Problem};
use super::scope::Frame;
use super::value::{Spec, Value, WeightSet};
use std::rc::Rc;

impl<'m> Elaborator<'m> {
    /// The parameters of the elaborated module itself.
    pub fn declare_params(&mut self, frame: &mut Frame<'m>) {
        let params = &frame.module.params;
        for (i, p) in params.iter().enumerate() {
            let value = match &p.ty {
                ParamType::Tensor(t) => match self.spec(frame, t) {
                    Some(s) => Value::Tensor(self.builder.input(&p.name.text, s.elem, s.shape, p.private)),
                    None => Value::Poison,
                },
                _ => {
                    let twin =
                        |q: &&Param| !matches!(q.ty, ParamType::Tensor(_)) && q.segment() == p.segment();
                    if let Some(q) = params[..i].iter().find(twin) {
                        let (a, b) = (&q.name.text, &p.name.text);
                        let message = format!("`{a}` and `{b}` are both `{}` in a file", p.segment());
                        self.report(frame, Problem::new(p.name.origin, message));
                    }
                    self.weight_param(frame, p, "", "")
                }
            };
            if let Value::Tensor(node) = value {
                self.declared.push((p, node));
            }
            frame.bind(&p.name.text, value, p.mutable);
        }
    }

    /// A weight or weight set whose path in files starts with `path` and in the source with `shown`.
    pub fn weight_param(
        &mut self,
        frame: &mut Frame<'m>,
        p: &'m Param,
        path: &str,
        shown: &str,
    ) -> Value<'m> {
        let path = format!("{path}{}", p.segment());
        match &p.ty {
            ParamType::Tensor(_) => Value::Poison,
            ParamType::Weight(t) => match self.spec(frame, t) {
                Some(spec) => self.weight(frame, p, path, spec),
                None => Value::Poison,
            },
            ParamType::Weights(bundle) => {
                self.weight_set(frame, bundle, p, path, format!("{shown}{}", p.name.text))
            }
        }
    }

    /// The weight of this path; a set that several calls share declares it once.
    fn weight(&mut self, frame: &Frame<'m>, p: &Param, path: String, spec: Spec) -> Value<'m> {
        if let Some(&node) = self.weights.get(&path) {
            let got = self.spec_of(node);
            if got != spec {
                let message = format!("weight `{path}` is `{got}` in another call, here it is `{spec}`");
                return self.fail(frame, Problem::new(p.name.origin, message));
            }
            return Value::Tensor(node);
        }
        let node = self.builder.weight(&path, spec.elem, spec.shape, p.layout);
        self.weights.insert(path, node);
        Value::Tensor(node)
    }

    fn weight_set(
        &mut self,
        frame: &mut Frame<'m>,
        bundle: &'m Bundle,
        p: &'m Param,
        path: String,
        shown: String,
    ) -> Value<'m> {
        match bundle {
            Bundle::Model(i) => {
                let callee = &frame.module.callees[*i];
                let set = Rc::new(WeightSet {
                    module: callee.module.as_ref(),
                    model: callee.path.clone(),
                    path,
                    shown,
                    origin: frame.call.unwrap_or(p.name.origin),
                });
                self.sets.push(set.clone());
                Value::Weights(set)
            }
            Bundle::Array(inner, len) => {
                let Some(n) = self.dim(frame, len) else { return Value::Poison };
                if n > MAX_ITERATIONS {
                    let message = format!("{n} weight sets are more than {MAX_ITERATIONS}");
                    return self.fail(frame, Problem::new(len.origin, message));
                }
                let item = |e: &mut Self, i: i64, frame: &mut Frame<'m>| {
                    e.weight_set(frame, inner, p, format!("{path}.{i}"), format!("{shown}[{i}]"))
                };
                Value::Array((0..n).map(|i| item(self, i, frame)).collect())
            }
        }
    }

    /// What is declared and never read is a mistake ([`Graph::unused`](crate::graph::Graph::unused)).
    pub fn check_unused(&mut self, frame: &Frame<'m>) {
        let unused = self.builder.graph().unused();
        for (p, node) in std::mem::take(&mut self.declared) {
            if unused.contains(&node) {
                let what = if matches!(p.ty, ParamType::Tensor(_)) { "input" } else { "weight" };
                let message = format!("{what} `{}` is never used", p.name.text);
                self.report(frame, Problem::new(p.name.origin, message));
            }
        }
        let mut by_origin: Vec<(u32, Vec<String>)> = vec![];
        for set in std::mem::take(&mut self.sets) {
            if self.used_sets.contains(&set.path) {
                continue;
            }
            match by_origin.iter_mut().find(|(o, _)| *o == set.origin) {
                Some((_, shown)) => shown.push(set.shown.clone()),
                None => by_origin.push((set.origin, vec![set.shown.clone()])),
            }
        }
        for (origin, shown) in by_origin {
            let more = if shown.len() > 3 { format!(" and {} more", shown.len() - 3) } else { String::new() };
            let list = shown[..shown.len().min(3)].join("`, `");
            self.report(frame, Problem::new(origin, format!("weights `{list}`{more} are never used")));
        }
    }
}

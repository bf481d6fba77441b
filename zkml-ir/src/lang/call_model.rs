//! Calls of models: the callee is inlined.

use super::ast::{CallExpr, Callee, Expr, Module, Named, Origin, Param, ParamType};
use super::bind::{bind_args, is_of, Bound};
use super::dims::is_free;
use super::elaborate::{Elaborator, Problem};
use super::scope::Frame;
use super::value::Value;
use std::collections::HashMap;

impl<'m> Elaborator<'m> {
    pub fn call_model(
        &mut self,
        frame: &mut Frame<'m>,
        e: &'m Expr,
        call: &'m CallExpr,
        callee: &'m Callee,
        args: Vec<(Value<'m>, Origin)>,
    ) -> Value<'m> {
        for (v, _) in &args {
            if let Value::Weights(set) = v {
                self.used_sets.insert(set.path.clone());
            }
        }
        let Some(module) = &callee.module else {
            self.poisoned = true;
            return Value::Poison;
        };
        if let Some((_, origin)) = call.turbofish {
            let message = format!("`{}` is a model and takes no element type", callee.path);
            return self.fail(frame, Problem::new(origin, message));
        }
        let set_dims = self.dim_args(frame, callee, module, &call.named);
        if args.iter().any(|(v, _)| v.is_poison()) {
            return Value::Poison;
        }
        let got = args.len();
        let wrong_set = args.iter().find_map(|(v, origin)| match v {
            Value::Weights(s) if !is_of(s, module) => Some((s.model.clone(), *origin)),
            _ => None,
        });
        let Some(bound) = bind_args(module, args) else {
            return self.wrong_args(frame, call, callee, module, got, wrong_set);
        };
        let Some(set_dims) = set_dims else { return Value::Poison };
        let mut dims = self.infer_dims(module, &bound);
        dims.extend(set_dims);
        let prefix = self.unique_name(frame, &module.name) + ".";
        let mut inner = Frame::new(module, prefix, Some(frame.call.unwrap_or(e.origin)));
        self.bind_dims(&mut inner, &dims);
        if !self.bind_params(frame, &mut inner, callee, bound) {
            return Value::Poison;
        }
        self.run_body(&mut inner)
    }

    /// Binds the callee's parameters; false if an argument does not fit.
    fn bind_params(
        &mut self,
        frame: &Frame<'m>,
        inner: &mut Frame<'m>,
        callee: &Callee,
        bound: Bound<'m>,
    ) -> bool {
        let (path, shown) = match &bound.set {
            Some(set) => (format!("{}.", set.path), format!("{}.", set.shown)),
            None => (String::new(), String::new()),
        };
        let mut fine = true;
        for (p, arg) in bound.args {
            let value = match arg {
                None => self.weight_param(inner, p, &path, &shown),
                Some((v, at)) => self.check_arg(frame, inner, callee, p, v, at),
            };
            fine &= !value.is_poison();
            inner.bind(&p.name.text, value, p.mutable);
        }
        fine
    }

    /// An argument against its parameter's type. Mistakes lie in the caller.
    fn check_arg(
        &mut self,
        frame: &Frame<'m>,
        inner: &mut Frame<'m>,
        callee: &Callee,
        p: &'m Param,
        value: Value<'m>,
        at: Origin,
    ) -> Value<'m> {
        let name = &p.name.text;
        let path = &callee.path;
        match (&p.ty, value) {
            (ParamType::Tensor(t) | ParamType::Weight(t), Value::Tensor(node)) => {
                let got = self.spec_of(node);
                let Some(want) = self.spec(inner, t) else { return Value::Poison };
                if got == want {
                    return Value::Tensor(node);
                }
                let kind = if matches!(p.ty, ParamType::Tensor(_)) { "Tensor" } else { "Weight" };
                let message =
                    format!("`{path}` expects `{name}: {kind}<{}, {}>`, got `{got}`", want.elem, want.shape);
                let help = (got.elem != want.elem && got.shape == want.shape)
                    .then(|| format!("quantize it first: `quantize::<{}>(..)`", want.elem));
                self.fail(frame, Problem::new(at, message).help(help))
            }
            // A weight set or an array of sets that is handed on: its shapes are checked where a model takes it.
            (ParamType::Weights(_), v @ (Value::Weights(_) | Value::Array(_))) => v,
            (ParamType::Weights(_), v) => {
                let message = format!("`{path}` expects weights as `{name}`, got {}", v.kind());
                self.fail(frame, Problem::new(at, message))
            }
            (_, Value::Weights(s)) => {
                let message = format!("`{path}` expects `{path}::Weights`, got `{}::Weights`", s.model);
                self.fail(frame, Problem::new(at, message))
            }
            (_, v) => {
                let message = format!("`{path}` expects a tensor as `{name}`, got {}", v.kind());
                self.fail(frame, Problem::new(at, message))
            }
        }
    }

    /// Named arguments of a model call set dimensions that no shape tells: `block(x, w, HEADS = 16)`.
    fn dim_args(
        &mut self,
        frame: &mut Frame<'m>,
        callee: &Callee,
        module: &'m Module,
        named: &'m [Named],
    ) -> Option<HashMap<&'m str, i64>> {
        let mut dims = HashMap::new();
        let mut fine = true;
        for n in named {
            let value = self.dim(frame, &n.value);
            match (module.dims.iter().find(|d| d.name.text == n.name.text && is_free(d)), value) {
                (Some(d), Some(v)) => drop(dims.insert(d.name.text.as_str(), v)),
                (Some(_), None) => fine = false,
                (None, _) => {
                    fine = false;
                    let names: Vec<_> = module.free_dims().collect();
                    let p = format!("`{}` has no dimension `{}`", callee.path, n.name.text);
                    let help =
                        (!names.is_empty()).then(|| format!("its dimensions are `{}`", names.join("`, `")));
                    self.report(frame, Problem::new(n.name.origin, p).help(help));
                }
            }
        }
        fine.then_some(dims)
    }

    fn wrong_args(
        &mut self,
        frame: &Frame<'m>,
        call: &CallExpr,
        callee: &Callee,
        module: &Module,
        got: usize,
        wrong_set: Option<(String, Origin)>,
    ) -> Value<'m> {
        let path = &callee.path;
        if let Some((model, origin)) = wrong_set {
            let message = format!("`{path}` expects `{path}::Weights`, got `{model}::Weights`");
            return self.fail(frame, Problem::new(origin, message));
        }
        let all: Vec<_> = module.params.iter().map(|p| p.name.text.as_str()).collect();
        let tensors = module.params.iter().filter(|p| matches!(p.ty, ParamType::Tensor(_)));
        let mut short: Vec<_> = tensors.map(|p| p.name.text.as_str()).collect();
        let help = if short.len() < all.len() {
            short.push("weights");
            format!("`{path}({})`, where `weights` is a `{path}::Weights`", short.join(", "))
        } else {
            format!("`{path}({})`", all.join(", "))
        };
        let message = format!("`{path}` takes {} arguments, got {got}", short.len());
        self.fail(frame, Problem::new(call.head, message).help(help))
    }
}

//! Statements.

use super::ast::{Expr, Name, Origin, Pattern, Stmt, TypeSpec};
use super::elaborate::{Elaborator, Problem};
use super::scope::Frame;
use super::value::Value;

/// Loops are unrolled: a longer one is a mistake, and must not hang the compiler.
pub(super) const MAX_ITERATIONS: i64 = 4096;

impl<'m> Elaborator<'m> {
    pub fn statements(&mut self, frame: &mut Frame<'m>, body: &'m [Stmt]) {
        for s in body {
            match s {
                Stmt::Let { pattern, ty, value } => {
                    let v = self.eval(frame, value);
                    let v = match ty {
                        Some(t) => self.check_annotation(frame, t, v),
                        None => v,
                    };
                    self.bind_pattern(frame, pattern, v);
                }
                Stmt::Assign { name, value } => {
                    let v = self.eval(frame, value);
                    self.assign(frame, name, v, value.origin);
                }
                Stmt::Const { name, value } => {
                    let v = self.eval(frame, value);
                    frame.bind(&name.text, v, false);
                }
                Stmt::For { var, start, end, body } => self.unroll(frame, var, start, end, body),
            }
        }
    }

    fn unroll(
        &mut self,
        frame: &mut Frame<'m>,
        var: &'m Name,
        start: &'m Expr,
        end: &'m Expr,
        body: &'m [Stmt],
    ) {
        let (Some(a), Some(b)) = (self.dim(frame, start), self.dim(frame, end)) else {
            return self.poison_assigned(frame, body);
        };
        if b - a > MAX_ITERATIONS {
            let message = format!("a loop is unrolled: {} iterations are more than {MAX_ITERATIONS}", b - a);
            self.report(frame, Problem::new(end.origin, message));
            return self.poison_assigned(frame, body);
        }
        let before = self.diags.len();
        for i in a..b {
            frame.enter();
            frame.bind(&var.text, Value::Int(i), false);
            frame.loops.push(i);
            self.statements(frame, body);
            frame.loops.pop();
            frame.leave();
            // The next iteration would only repeat the mistake.
            if self.diags.len() > before {
                return self.poison_assigned(frame, body);
            }
        }
    }

    /// What a failed loop was to compute is unknown.
    fn poison_assigned(&mut self, frame: &mut Frame<'m>, body: &'m [Stmt]) {
        for s in body {
            match s {
                Stmt::Assign { name, .. } => {
                    if let Some(b) = frame.get_mut(&name.text) {
                        b.value = Value::Poison;
                    }
                }
                Stmt::For { body, .. } => self.poison_assigned(frame, body),
                _ => {}
            }
        }
    }

    fn assign(&mut self, frame: &mut Frame<'m>, name: &'m Name, value: Value<'m>, at: Origin) {
        let problem = match frame.get(&name.text) {
            None => Some(Problem::new(name.origin, format!("`{}` is not defined", name.text))),
            Some(b) if !b.mutable => {
                let p = Problem::new(name.origin, format!("`{}` is not mutable", name.text));
                Some(p.help(format!("bind it with `let mut {}`", name.text)))
            }
            Some(b) => self.carried(&name.text, &b.value, &value, at),
        };
        let value = match problem {
            Some(p) => self.fail(frame, p),
            None => value,
        };
        if let Some(b) = frame.get_mut(&name.text) {
            b.value = value;
        }
    }

    /// An assignment keeps element type and shape, as it would in Rust: loops then mean the same at every length.
    fn carried(&self, name: &str, old: &Value<'m>, new: &Value<'m>, at: Origin) -> Option<Problem> {
        match (old, new) {
            (Value::Poison, _) | (_, Value::Poison) => None,
            (Value::Tensor(old), Value::Tensor(new)) => {
                let (want, got) = (self.spec_of(*old), self.spec_of(*new));
                let help = (want.shape == got.shape)
                    .then(|| format!("quantize it back: `quantize::<{}>(..)`", want.elem));
                (want != got).then(|| {
                    Problem::new(at, format!("`{name}` is `{want}` and stays so, got `{got}`")).help(help)
                })
            }
            (Value::Tuple(a), Value::Tuple(b)) if a.len() == b.len() => {
                a.iter().zip(b).find_map(|(a, b)| self.carried(name, a, b, at))
            }
            (Value::Int(_), Value::Int(_)) | (Value::Real(_), Value::Real(_)) => None,
            (old, new) => {
                let message = format!("`{name}` is {} and stays so, got {}", old.kind(), new.kind());
                Some(Problem::new(at, message))
            }
        }
    }

    fn bind_pattern(&mut self, frame: &mut Frame<'m>, p: &'m Pattern, value: Value<'m>) {
        match (p, value) {
            (Pattern::Ignore, _) => {}
            (Pattern::Name { name, mutable }, v) => frame.bind(&name.text, v, *mutable),
            (Pattern::Tuple(items, _), Value::Tuple(values)) if items.len() == values.len() => {
                for (p, v) in items.iter().zip(values) {
                    self.bind_pattern(frame, p, v);
                }
            }
            (Pattern::Tuple(items, origin), v) => {
                let got = match &v {
                    Value::Tuple(t) => format!("a tuple of {}", t.len()),
                    other => other.kind().to_string(),
                };
                if !v.is_poison() {
                    let message = format!("expected a tuple of {}, got {got}", items.len());
                    self.report(frame, Problem::new(*origin, message));
                }
                for p in items {
                    self.bind_pattern(frame, p, Value::Poison);
                }
            }
        }
    }

    fn check_annotation(&mut self, frame: &mut Frame<'m>, t: &'m TypeSpec, v: Value<'m>) -> Value<'m> {
        match (t, v) {
            (_, Value::Poison) => Value::Poison,
            (TypeSpec::Tensor(t), Value::Tensor(node)) => {
                let got = self.spec_of(node);
                match self.spec(frame, t) {
                    Some(want) if want == got => Value::Tensor(node),
                    Some(want) => {
                        let message = format!("declared `{want}`, got `{got}`");
                        self.fail(frame, Problem::new(t.origin, message))
                    }
                    None => Value::Poison,
                }
            }
            (TypeSpec::Tuple(types, _), Value::Tuple(values)) if types.len() == values.len() => {
                let checked = types.iter().zip(values).map(|(t, v)| self.check_annotation(frame, t, v));
                Value::Tuple(checked.collect())
            }
            (t, v) => {
                let (want, origin) = match t {
                    TypeSpec::Tensor(t) => ("a tensor".to_string(), t.origin),
                    TypeSpec::Tuple(types, origin) => (format!("a tuple of {}", types.len()), *origin),
                };
                let message = format!("declared {want}, got {}", v.kind());
                self.fail(frame, Problem::new(origin, message))
            }
        }
    }
}

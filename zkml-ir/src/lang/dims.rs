//! Dimensions: their values, and shapes that are made of them.

use super::ast::{Dim, Expr, ExprKind, TensorSpec};
use super::elaborate::{Elaborator, Problem};
use super::scope::Frame;
use super::value::{Spec, Value};
use crate::shape::{Shape, MAX_LEN, MAX_RANK};
use std::collections::HashMap;

/// Whether a dimension can be set: one whose value names other dimensions follows from them.
pub(super) fn is_free(dim: &Dim) -> bool {
    fn names(e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Name(_) => true,
            ExprKind::Neg(e) => names(e),
            ExprKind::Binary { left, right, .. } => names(left) || names(right),
            _ => false,
        }
    }
    !names(&dim.value)
}

impl super::ast::Module {
    /// Names of the dimensions that can be set.
    pub fn free_dims(&self) -> impl Iterator<Item = &str> {
        self.dims.iter().filter(|d| is_free(d)).map(|d| d.name.text.as_str())
    }
}

impl<'m> Elaborator<'m> {
    /// The elaborated module's dimensions, some set by the caller.
    pub fn override_dims(&mut self, frame: &mut Frame<'m>, set: &[(String, usize)]) {
        let module = frame.module;
        for (name, _) in set {
            let problem = match module.dims.iter().find(|d| d.name.text == *name) {
                Some(d) if is_free(d) => continue,
                Some(_) => format!("dimension `{name}` follows from others and cannot be set"),
                None => format!("`{}` has no dimension `{name}`", module.name),
            };
            self.report(frame, Problem::new(0, problem));
        }
        let given = set.iter().map(|(n, v)| (n.as_str(), *v as i64)).collect();
        self.bind_dims(frame, &given);
    }

    /// Binds every dimension of the frame's module: as given, else to its default.
    pub fn bind_dims(&mut self, frame: &mut Frame<'m>, given: &HashMap<&str, i64>) {
        let module = frame.module;
        for dim in &module.dims {
            let value = match given.get(dim.name.text.as_str()).filter(|_| is_free(dim)) {
                Some(v) => Value::Int(*v),
                None => self.dim(frame, &dim.value).map_or(Value::Poison, Value::Int),
            };
            frame.bind(&dim.name.text, value, false);
        }
    }

    /// An integer expression that is not negative.
    pub fn dim(&mut self, frame: &mut Frame<'m>, e: &'m Expr) -> Option<i64> {
        if let ExprKind::Name(name) = &e.kind {
            if frame.get(name).is_none() {
                self.unknown_dim(frame, e, name);
                return None;
            }
        }
        match self.eval(frame, e) {
            Value::Int(v) if v >= 0 => Some(v),
            Value::Int(v) => {
                self.report(frame, Problem::new(e.origin, format!("a dimension is {v}")));
                None
            }
            Value::Poison => None,
            other => {
                let message = format!("a dimension is an integer, got {}", other.kind());
                self.report(frame, Problem::new(e.origin, message));
                None
            }
        }
    }

    /// Once for each name, wherever it stands.
    fn zero_dim(&mut self, frame: &Frame<'m>, e: &Expr) {
        let message = match &e.kind {
            ExprKind::Name(name) if !self.bad_dims.insert(format!("{}{name}", frame.prefix)) => return,
            ExprKind::Name(name) => format!("dimension `{name}` of a shape is zero"),
            _ => "a dimension of a shape is zero".to_string(),
        };
        self.report(frame, Problem::new(e.origin, message));
    }

    /// Once for each name, wherever it stands.
    pub fn unknown_dim(&mut self, frame: &Frame<'m>, e: &Expr, name: &str) {
        if !self.bad_dims.insert(format!("{}{name}", frame.prefix)) {
            return;
        }
        let help = match frame.module.dims.iter().any(|d| d.name.text == name) {
            true => "a dimension can use those before it only".to_string(),
            false => format!("give it a value: `#[zk_model({name} = 64)]`"),
        };
        let message = format!("cannot resolve dimension `{name}`");
        self.report(frame, Problem::new(e.origin, message).help(help));
    }

    /// A declared type with its dimensions resolved.
    pub fn spec(&mut self, frame: &mut Frame<'m>, t: &'m TensorSpec) -> Option<Spec> {
        let mut dims = vec![];
        for e in &t.dims {
            let Some(v) = self.dim(frame, e) else { continue };
            if v == 0 {
                self.zero_dim(frame, e);
                continue;
            }
            dims.push(v as usize);
        }
        // A dimension that failed is reported; the shape is unknown.
        if dims.len() != t.dims.len() || dims.is_empty() || dims.len() > MAX_RANK {
            return None;
        }
        let len = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if len.is_none_or(|n| n > MAX_LEN) {
            let message = format!("shape {dims:?} has more than 2^40 elements");
            self.report(frame, Problem::new(t.origin, message));
            return None;
        }
        Some(Spec { elem: t.elem, shape: Shape::new(dims) })
    }
}

/// The value of an integer expression over known dimensions, if it has one.
fn int_value(e: &Expr, dims: &HashMap<&str, i64>) -> Option<i64> {
    use super::ast::BinOp;
    match &e.kind {
        ExprKind::Int(v) => Some(*v),
        ExprKind::Name(n) => dims.get(n.as_str()).copied(),
        ExprKind::Neg(e) => int_value(e, dims)?.checked_neg(),
        ExprKind::Binary { op, left, right, .. } => {
            let (a, b) = (int_value(left, dims)?, int_value(right, dims)?);
            match op {
                BinOp::Add => a.checked_add(b),
                BinOp::Sub => a.checked_sub(b),
                BinOp::Mul => a.checked_mul(b),
                BinOp::Div => (b != 0 && a % b == 0).then(|| a / b),
            }
        }
        _ => None,
    }
}

/// Default values, for the types that a front end writes. What is wrong with them, elaboration reports.
pub struct DefaultDims<'a>(HashMap<&'a str, i64>);

impl<'a> DefaultDims<'a> {
    pub fn new(dims: &'a [Dim]) -> Self {
        let mut known = HashMap::new();
        for d in dims {
            if let Some(v) = int_value(&d.value, &known) {
                known.insert(d.name.text.as_str(), v);
            }
        }
        Self(known)
    }

    pub fn get(&self, name: &str) -> Option<usize> {
        self.0.get(name).and_then(|&v| v.try_into().ok())
    }

    /// The shape's dimensions; 1 for one that is unknown.
    pub fn shape(&self, t: &TensorSpec) -> Vec<usize> {
        let value = |e| int_value(e, &self.0).and_then(|v| usize::try_from(v).ok()).unwrap_or(1);
        t.dims.iter().map(value).collect()
    }
}

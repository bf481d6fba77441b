//! Expressions of the body, and dimensions.

use super::{show_path, Context};
use syn::{BinOp, Expr as Syn, GenericArgument, Lit, PathArguments, RangeLimits, UnOp};
use zkml_ir::elem::Elem;
use zkml_ir::lang::{self, nearest, CallExpr, CalleeRef, Expr, ExprKind, Name, Named, Origin};
use zkml_ir::ops;

/// Operators have names, but nobody means one by a misspelt call.
const OPERATORS: [&str; 4] = ["add", "sub", "mul", "neg"];

fn op_names() -> impl Iterator<Item = &'static str> {
    ops::all().iter().map(|o| o.name()).filter(|n| !OPERATORS.contains(n))
}

impl Context<'_> {
    pub(super) fn expr(&mut self, e: &Syn) -> Expr {
        // Parentheses and the groups that `macro_rules` leaves mean nothing.
        match e {
            Syn::Paren(p) => return self.expr(&p.expr),
            Syn::Group(g) => return self.expr(&g.expr),
            _ => {}
        }
        let kind = self.kind(e).unwrap_or(ExprKind::Poison);
        Expr { kind, origin: self.origins.add(e) }
    }

    fn boxed(&mut self, e: &Syn) -> Box<Expr> {
        Box::new(self.expr(e))
    }

    fn kind(&mut self, e: &Syn) -> Option<ExprKind> {
        match e {
            Syn::Lit(l) => match &l.lit {
                Lit::Int(i) if i.suffix().is_empty() => match i.base10_parse() {
                    Ok(v) => return Some(ExprKind::Int(v)),
                    Err(e) => self.errors.push(e),
                },
                Lit::Float(f) if f.suffix().is_empty() => match f.base10_parse() {
                    Ok(v) => return Some(ExprKind::Real(v)),
                    Err(e) => self.errors.push(e),
                },
                Lit::Bool(b) => return Some(ExprKind::Bool(b.value)),
                Lit::Int(_) | Lit::Float(_) => self.errors.at(l, "a number in a model has no suffix"),
                _ => self.refuse(e),
            },
            Syn::Path(p) => match p.path.get_ident() {
                Some(name) if p.qself.is_none() => return Some(ExprKind::Name(name.to_string())),
                _ => self.refuse(e),
            },
            Syn::Unary(u) if matches!(u.op, UnOp::Neg(_)) => return Some(ExprKind::Neg(self.boxed(&u.expr))),
            Syn::Binary(b) => {
                let op = match b.op {
                    BinOp::Add(_) => lang::BinOp::Add,
                    BinOp::Sub(_) => lang::BinOp::Sub,
                    BinOp::Mul(_) => lang::BinOp::Mul,
                    BinOp::Div(_) => lang::BinOp::Div,
                    _ => {
                        self.refuse(e);
                        return None;
                    }
                };
                let at = self.origins.add(b.op);
                return Some(ExprKind::Binary {
                    op,
                    at,
                    left: self.boxed(&b.left),
                    right: self.boxed(&b.right),
                });
            }
            Syn::Call(c) => return self.call(c),
            Syn::MethodCall(m) => return self.method(m),
            Syn::Index(i) => {
                return Some(ExprKind::Index { base: self.boxed(&i.expr), index: self.boxed(&i.index) })
            }
            Syn::Range(r) => match (&r.start, &r.limits, &r.end) {
                (Some(a), RangeLimits::HalfOpen(_), Some(b)) => {
                    return Some(ExprKind::Range { start: self.boxed(a), end: self.boxed(b) })
                }
                _ => self.refuse(e),
            },
            Syn::Array(a) => return Some(ExprKind::List(a.elems.iter().map(|e| self.expr(e)).collect())),
            Syn::Tuple(t) => return Some(ExprKind::Tuple(t.elems.iter().map(|e| self.expr(e)).collect())),
            _ => self.refuse(e),
        }
        None
    }

    fn call(&mut self, c: &syn::ExprCall) -> Option<ExprKind> {
        let func = peel(&c.func);
        let Syn::Path(p) = func else {
            self.refuse(&Syn::Call(c.clone()));
            return None;
        };
        if p.qself.is_some() {
            self.refuse(&Syn::Call(c.clone()));
            return None;
        }
        let last = p.path.segments.last().expect("a path has a segment");
        let turbofish = self.turbofish(&last.arguments);
        let name = last.ident.to_string();
        let bare = p.path.segments.len() == 1 && p.path.leading_colon.is_none();
        let callee = if bare && ops::find(&name).is_some() {
            Some(CalleeRef::Op(name))
        } else if self.is_own(&p.path) {
            let message = format!("`{}` calls itself, which never ends", self.own);
            self.errors.at(&last.ident, message);
            None
        } else if let Some(op) = bare.then(|| nearest(&name, op_names(), 1)).flatten() {
            let message = format!(
                "unknown op `{name}`\n  help: did you mean `{op}`? a model of that name is called `self::{name}`"
            );
            self.errors.at(&last.ident, message);
            None
        } else {
            let mut path = p.path.clone();
            path.segments.iter_mut().for_each(|s| s.arguments = PathArguments::None);
            Some(CalleeRef::Model(self.callee(&path)))
        };
        let head = self.origins.add(&last.ident);
        let (args, named) = self.args(c.args.iter());
        Some(ExprKind::Call(CallExpr { callee: callee?, head, turbofish: turbofish?, args, named }))
    }

    fn method(&mut self, m: &syn::ExprMethodCall) -> Option<ExprKind> {
        let name = m.method.to_string();
        if name == "rev" && m.args.is_empty() && matches!(peel(&m.receiver), Syn::Range(_)) {
            return Some(ExprKind::Reversed(self.boxed(&m.receiver)));
        }
        let known = ops::find(&name).is_some();
        if !known {
            let help = match nearest(&name, op_names(), 2) {
                Some(op) => format!("did you mean `{op}`?"),
                None => format!("methods are ops; a model is called as `{name}(x, ..)`"),
            };
            self.errors.at(&m.method, format!("unknown op `{name}`\n  help: {help}"));
        }
        let turbofish = match &m.turbofish {
            Some(t) => self.turbofish(&PathArguments::AngleBracketed(t.clone())),
            None => Some(None),
        };
        let receiver = self.expr(&m.receiver);
        let (mut args, named) = self.args(m.args.iter());
        args.insert(0, receiver);
        let head = self.origins.add(&m.method);
        let callee = CalleeRef::Op(name);
        known.then_some(ExprKind::Call(CallExpr { callee, head, turbofish: turbofish?, args, named }))
    }

    /// Positional arguments, then named ones.
    fn args<'s>(&mut self, list: impl Iterator<Item = &'s Syn>) -> (Vec<Expr>, Vec<Named>) {
        let (mut args, mut named) = (vec![], vec![]);
        for a in list {
            match a {
                Syn::Assign(a) => match peel(&a.left) {
                    Syn::Path(p) if p.path.get_ident().is_some() => {
                        let name = Name { text: show_path(&p.path), origin: self.origins.add(p) };
                        named.push(Named { name, value: self.expr(&a.right) });
                    }
                    other => self.errors.at(other, "a named argument is written `name = value`"),
                },
                a => {
                    if !named.is_empty() {
                        self.errors.at(a, "named arguments come last");
                    }
                    args.push(self.expr(a));
                }
            }
        }
        (args, named)
    }

    /// `None` if there is a mistake in it.
    fn turbofish(&mut self, args: &PathArguments) -> Option<Option<(Elem, Origin)>> {
        let PathArguments::AngleBracketed(list) = args else {
            return Some(None);
        };
        if let (1, Some(GenericArgument::Type(t))) = (list.args.len(), list.args.first()) {
            if let syn::Type::Path(p) = super::types::peel(t) {
                let name = p.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                if let Some(elem) = Elem::from_name(&name) {
                    return Some(Some((elem, self.origins.add(t))));
                }
            }
        }
        self.errors.at(&list.args, "expected one element type: I8, I12, I16, I24 or U8");
        None
    }

    /// A dimension: numbers, names and arithmetic.
    pub(super) fn dim(&mut self, e: &Syn) -> Expr {
        match self.not_a_dim(e) {
            Some(at) => {
                self.errors.at(at, "a dimension is made of numbers, names and `+ - * /`");
                Expr { kind: ExprKind::Poison, origin: self.origins.add(e) }
            }
            None => self.expr(e),
        }
    }

    fn not_a_dim<'e>(&self, e: &'e Syn) -> Option<&'e Syn> {
        match e {
            Syn::Paren(p) => self.not_a_dim(&p.expr),
            Syn::Group(g) => self.not_a_dim(&g.expr),
            Syn::Unary(u) => self.not_a_dim(&u.expr),
            Syn::Binary(b) => self.not_a_dim(&b.left).or_else(|| self.not_a_dim(&b.right)),
            Syn::Lit(l) if matches!(l.lit, Lit::Int(_)) => None,
            Syn::Path(_) => None,
            other => Some(other),
        }
    }
}

/// Without parentheses and invisible groups.
pub(super) fn peel(e: &Syn) -> &Syn {
    match e {
        Syn::Paren(p) => peel(&p.expr),
        Syn::Group(g) => peel(&g.expr),
        _ => e,
    }
}

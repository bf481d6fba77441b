//! Statements of the body.

use super::expr::peel;
use super::Context;
use syn::{Expr as Syn, Pat, Stmt as SynStmt};
use zkml_ir::lang::{Expr, ExprKind, Name, Origin, Pattern, Stmt, TypeSpec};

impl Context<'_> {
    /// Statements and the final expression.
    pub(super) fn body(&mut self, block: &syn::Block) -> (Vec<Stmt>, Expr) {
        let (last, rest) = match block.stmts.split_last() {
            Some((SynStmt::Expr(e, None), rest)) if !is_statement(e) => (Some(e), rest),
            _ => (None, block.stmts.as_slice()),
        };
        let body = rest.iter().map(|s| self.statement(s)).collect();
        let result = match last {
            Some(e) => self.expr(e),
            None => {
                let own = self.own.clone();
                self.errors.at(own, "a model ends with the expression it returns");
                self.poison()
            }
        };
        (body, result)
    }

    /// Stands for what was reported.
    pub(super) fn poison(&mut self) -> Expr {
        let origin: Origin = self.origins.add(self.own.clone());
        Expr { kind: ExprKind::Poison, origin }
    }

    /// A statement that was refused still stands for something unknown.
    fn poisoned(&mut self) -> Stmt {
        Stmt::Let { pattern: Pattern::Ignore, ty: None, value: self.poison() }
    }

    fn statement(&mut self, s: &SynStmt) -> Stmt {
        match s {
            SynStmt::Local(l) => self.binding(l),
            SynStmt::Item(syn::Item::Const(c)) => {
                let name = self.name(&c.ident);
                Stmt::Const { name, value: self.expr(&c.expr) }
            }
            SynStmt::Expr(Syn::ForLoop(f), _) => self.for_loop(f),
            SynStmt::Expr(Syn::Assign(a), _) => match peel(&a.left) {
                Syn::Path(p) if p.path.get_ident().is_some() => {
                    let name = self.name(p.path.get_ident().expect("checked"));
                    Stmt::Assign { name, value: self.expr(&a.right) }
                }
                other => {
                    self.errors.at(other, "only a name is assigned to");
                    self.poisoned()
                }
            },
            SynStmt::Expr(e, _) if is_value(e) => {
                let value = self.expr(e);
                if !matches!(value.kind, ExprKind::Poison) {
                    self.errors.at(e, "this value is never used\n  help: bind it with `let`, or end with it");
                }
                self.poisoned()
            }
            other => {
                self.refuse_statement(other);
                self.poisoned()
            }
        }
    }

    fn binding(&mut self, l: &syn::Local) -> Stmt {
        if let Some(a) = l.attrs.first() {
            self.errors.at(a, "attributes inside a model mean nothing");
        }
        let (pat, ty) = match &l.pat {
            Pat::Type(t) => (&*t.pat, Some(&*t.ty)),
            other => (other, None),
        };
        let ty = ty.and_then(|t| self.annotation(t));
        let value = match &l.init {
            Some(init) => {
                if let Some((token, _)) = &init.diverge {
                    self.errors.at(token, "`else` is not part of a model; use a mask: `x * mask`");
                }
                self.expr(&init.expr)
            }
            None => {
                self.errors.at(l, "a binding needs a value");
                self.poison()
            }
        };
        Stmt::Let { pattern: self.pattern(pat), ty, value }
    }

    fn annotation(&mut self, t: &syn::Type) -> Option<TypeSpec> {
        match t {
            syn::Type::Tuple(tuple) => {
                let types = tuple.elems.iter().map(|t| self.annotation(t)).collect::<Option<Vec<_>>>()?;
                Some(TypeSpec::Tuple(types, self.origins.add(t)))
            }
            // `let x: _`
            syn::Type::Infer(_) => None,
            _ => self.tensor_type(t, "Tensor").map(TypeSpec::Tensor),
        }
    }

    fn pattern(&mut self, p: &Pat) -> Pattern {
        match p {
            Pat::Ident(i) if i.by_ref.is_none() && i.subpat.is_none() => {
                Pattern::Name { name: self.name(&i.ident), mutable: i.mutability.is_some() }
            }
            Pat::Tuple(t) => {
                Pattern::Tuple(t.elems.iter().map(|p| self.pattern(p)).collect(), self.origins.add(t))
            }
            Pat::Paren(p) => self.pattern(&p.pat),
            Pat::Wild(_) => Pattern::Ignore,
            other => {
                self.errors.at(other, "a pattern is a name or a tuple of names");
                Pattern::Ignore
            }
        }
    }

    fn for_loop(&mut self, f: &syn::ExprForLoop) -> Stmt {
        if let Some(l) = &f.label {
            self.errors.at(l, "a label is not part of a model; bound the loop");
        }
        let var = match &*f.pat {
            Pat::Ident(i) => Some(self.name(&i.ident)),
            Pat::Wild(w) => Some(Name { text: "_".into(), origin: self.origins.add(w) }),
            other => {
                self.errors.at(other, "a loop runs over one name");
                None
            }
        };
        let range = match peel(&f.expr) {
            Syn::Range(r) => match (&r.start, &r.limits, &r.end) {
                (Some(a), syn::RangeLimits::HalfOpen(_), Some(b)) => Some((self.expr(a), self.expr(b))),
                _ => None,
            },
            _ => None,
        };
        if range.is_none() {
            self.errors.at(&f.expr, "a loop runs over a range of dimensions: `0..L`");
        }
        let body = f.body.stmts.iter().map(|s| self.statement(s)).collect();
        match (var, range) {
            (Some(var), Some((start, end))) => Stmt::For { var, start, end, body },
            _ => self.poisoned(),
        }
    }

    pub(super) fn name(&mut self, ident: &syn::Ident) -> Name {
        Name { text: ident.to_string(), origin: self.origins.add(ident) }
    }
}

/// Expressions that stand as statements of their own.
fn is_statement(e: &Syn) -> bool {
    matches!(e, Syn::ForLoop(_) | Syn::Assign(_) | Syn::While(_) | Syn::Loop(_))
}

/// Expressions of the language, which compute something.
fn is_value(e: &Syn) -> bool {
    matches!(
        peel(e),
        Syn::Call(_) | Syn::MethodCall(_) | Syn::Path(_) | Syn::Tuple(_) | Syn::Index(_) | Syn::Lit(_)
    ) || matches!(peel(e), Syn::Binary(b) if matches!(
        b.op, syn::BinOp::Add(_) | syn::BinOp::Sub(_) | syn::BinOp::Mul(_)
    ))
}

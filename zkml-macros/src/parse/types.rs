//! Types of parameters and results.

use super::{show_path, Context};
use crate::model::{BundleTokens, TypeTokens};
use quote::quote;
use syn::{GenericArgument, Path, PathArguments, Type};
use zkml_ir::elem::Elem;
use zkml_ir::lang::{Bundle, DefaultDims, Expr, TensorSpec};
use zkml_ir::shape::MAX_RANK;

/// A parameter's type as written.
pub(super) enum Written {
    Tensor(TensorSpec, Path),
    Weight(TensorSpec, Path),
    Weights(Bundle, BundleTokens),
}

impl Context<'_> {
    pub(super) fn param_type(&mut self, t: &Type) -> Option<Written> {
        match peel(t) {
            Type::Path(p) if p.qself.is_none() => {
                let last = p.path.segments.last().expect("a path has a segment");
                match last.ident.to_string().as_str() {
                    "Tensor" => Some(Written::Tensor(self.tensor_type(t, "Tensor")?, p.path.clone())),
                    "Weight" => Some(Written::Weight(self.tensor_type(t, "Weight")?, p.path.clone())),
                    "Weights" => {
                        let (bundle, tokens) = self.bundle(t)?;
                        Some(Written::Weights(bundle, tokens))
                    }
                    other => {
                        let message = format!(
                            "`{other}` is not a type of a model\n  help: use `Tensor<I8, 1, 784>`, \
                             `Weight<I8, 784, 10>` or a model's `block::Weights`"
                        );
                        self.errors.at(t, message);
                        None
                    }
                }
            }
            Type::Array(_) => {
                let (bundle, tokens) = self.bundle(t)?;
                Some(Written::Weights(bundle, tokens))
            }
            Type::Reference(r) => {
                self.errors
                    .at(r.and_token, "`&` is not part of a model; tensors are values: write it without");
                None
            }
            Type::ImplTrait(i) => {
                self.errors.at(i, "`impl Trait` is not part of a model; name the tensor's type");
                None
            }
            other => {
                self.errors.at(other, "expected `Tensor<..>`, `Weight<..>` or a model's `block::Weights`");
                None
            }
        }
    }

    /// `block::Weights`, `[block::Weights; L]`
    fn bundle(&mut self, t: &Type) -> Option<(Bundle, BundleTokens)> {
        match peel(t) {
            Type::Array(a) => {
                let inner = self.bundle(&a.elem);
                let len = self.dim(&a.len);
                let (bundle, tokens) = inner?;
                Some((Bundle::Array(Box::new(bundle), len), BundleTokens::Many(Box::new(tokens))))
            }
            Type::Path(p) if p.qself.is_none() && is_weights(&p.path) => {
                let mut model = p.path.clone();
                model.segments.pop();
                model.segments.pop_punct();
                if self.is_own(&model) {
                    self.errors.at(t, format!("`{}` calls itself, which never ends", self.own));
                    return None;
                }
                let callee = self.callee(&model);
                Some((Bundle::Model(callee), BundleTokens::One(p.path.clone())))
            }
            other => {
                self.errors.at(other, "an array holds the weights of a model: `[block::Weights; L]`");
                None
            }
        }
    }

    /// `Tensor<I8, SEQ, { 3 * D }>`
    pub(super) fn tensor_type(&mut self, t: &Type, kind: &str) -> Option<TensorSpec> {
        let args = match peel(t) {
            Type::Path(p) if p.qself.is_none() => p.path.segments.last().filter(|s| s.ident == kind),
            _ => None,
        };
        let Some(PathArguments::AngleBracketed(args)) = args.map(|s| &s.arguments) else {
            self.errors.at(t, format!("expected `{kind}<I8, 1, 784>`: an element type, then dimensions"));
            return None;
        };
        let mut list = args.args.iter();
        let elem = list.next().and_then(|first| match first {
            GenericArgument::Type(t) => match peel(t) {
                Type::Path(p) => Elem::from_name(&p.path.segments.last()?.ident.to_string()),
                _ => None,
            },
            _ => None,
        });
        let mut dims: Vec<Expr> = vec![];
        for a in list {
            dims.extend(self.dim_arg(a));
        }
        if elem.is_none() {
            let message = "expected an element type: I8, I12, I16, I24, U8 or Acc";
            match args.args.first() {
                Some(a) => self.errors.at(a, message),
                None => self.errors.at(t, message),
            }
        } else if args.args.len() < 2 {
            self.errors.at(t, "a tensor has one dimension at least");
            dims = vec![self.poison()];
        } else if args.args.len() > MAX_RANK + 1 {
            let message = format!("a tensor has {MAX_RANK} dimensions at most, got {}", args.args.len() - 1);
            self.errors.at(t, message);
            dims = vec![self.poison()];
        }
        Some(TensorSpec { elem: elem?, dims, origin: self.origins.add(t) })
    }

    fn dim_arg(&mut self, a: &GenericArgument) -> Option<Expr> {
        match a {
            GenericArgument::Const(syn::Expr::Block(b)) => match b.block.stmts.as_slice() {
                [syn::Stmt::Expr(e, None)] => Some(self.dim(e)),
                _ => {
                    self.errors.at(a, "a dimension is one expression");
                    None
                }
            },
            GenericArgument::Const(e) => Some(self.dim(e)),
            GenericArgument::Type(t) => match peel(t) {
                Type::Path(p) if p.path.get_ident().is_some() => {
                    let path = p.path.clone();
                    Some(self.dim(&syn::Expr::Path(syn::ExprPath { attrs: vec![], qself: None, path })))
                }
                other => {
                    self.errors.at(other, "a dimension is made of numbers, names and `+ - * /`");
                    None
                }
            },
            other => {
                self.errors.at(other, "a dimension is made of numbers, names and `+ - * /`");
                None
            }
        }
    }

    pub(super) fn type_tokens(&self, t: &TensorSpec, path: &Path, dims: &DefaultDims) -> TypeTokens {
        let values = dims.shape(t);
        let literals = values.clone().into_iter().map(proc_macro2::Literal::usize_unsuffixed);
        let mut path = path.clone();
        let last = path.segments.last_mut().expect("a path has a segment");
        let elem = match &last.arguments {
            PathArguments::AngleBracketed(a) => a.args.first().cloned(),
            _ => None,
        };
        last.arguments = PathArguments::None;
        TypeTokens { elem: t.elem, dims: values, written: quote!(#path<#elem #(, #literals)*>) }
    }
}

/// Without parentheses and invisible groups.
pub(super) fn peel(t: &Type) -> &Type {
    match t {
        Type::Paren(p) => peel(&p.elem),
        Type::Group(g) => peel(&g.elem),
        _ => t,
    }
}

fn is_weights(path: &Path) -> bool {
    let text = show_path(path);
    path.segments.len() > 1 && text.ends_with("::Weights")
}

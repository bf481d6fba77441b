//! The function around the body: its attributes, parameters and results.

use super::attr::Args;
use super::types::{peel, Written};
use super::Context;
use crate::model::{Model, OutputTokens, ParamKind, ParamTokens};
use syn::{Attribute, Expr as Syn, FnArg, Ident, ItemFn, Lit, Meta, Pat, Path, ReturnType, Signature, Type};
use zkml_ir::elem::Elem;
use zkml_ir::graph::Layout;
use zkml_ir::lang::{DefaultDims, Dim, Module, Param, ParamType, Returns};

/// `None` if the signature is not a model's; the body may still be wrong.
pub(super) fn model(cx: &mut Context, args: Args, f: &ItemFn) -> Option<Model> {
    cx.signature(&f.sig);
    let mut dims: Vec<Dim> =
        args.dims.iter().map(|(n, e)| Dim { name: cx.name(n), value: cx.dim(e) }).collect();
    // They are refused; what uses them need not be.
    for p in f.sig.generics.const_params() {
        dims.push(Dim { name: cx.name(&p.ident), value: cx.poison() });
    }
    let params: Vec<_> = f.sig.inputs.iter().map(|p| cx.param(p)).collect();
    let returns = cx.returns(&f.sig, &f.block);
    let (body, result) = cx.body(&f.block);

    let defaults = DefaultDims::new(&dims);
    let params = params.into_iter().collect::<Option<Vec<_>>>()?;
    let (returns, outputs) = returns?;
    let tokens = params.iter().map(|p| p.tokens(cx, &defaults)).collect();
    let outputs = outputs
        .into_iter()
        .zip(&returns.types)
        .map(|((ident, path), (_, t))| OutputTokens { ident, ty: cx.type_tokens(t, &path, &defaults) })
        .collect();
    let (cfgs, attrs) = f.attrs.iter().cloned().partition(|a: &Attribute| a.path().is_ident("cfg"));
    let params = params.into_iter().map(|p| p.param).collect();
    Some(Model {
        module: Module {
            name: f.sig.ident.to_string(),
            dims,
            params,
            returns,
            body,
            result,
            callees: std::mem::take(&mut cx.callees),
        },
        origins: std::mem::take(&mut cx.origins),
        options: args.options,
        callees: std::mem::take(&mut cx.paths),
        vis: f.vis.clone(),
        ident: f.sig.ident.clone(),
        cfgs,
        attrs,
        params: tokens,
        outputs,
    })
}

/// A parameter with what its tokens were.
struct Parsed {
    param: Param,
    ident: Ident,
    written: Option<Path>,
    bundle: Option<crate::model::BundleTokens>,
}

impl Parsed {
    fn tokens(&self, cx: &Context, dims: &DefaultDims) -> ParamTokens {
        let path = || self.written.as_ref().expect("tensors have a path");
        let kind = match (&self.param.ty, &self.bundle) {
            (ParamType::Tensor(t), _) => ParamKind::Tensor(cx.type_tokens(t, path(), dims)),
            (ParamType::Weight(t), _) => ParamKind::Weight(cx.type_tokens(t, path(), dims)),
            (ParamType::Weights(_), b) => ParamKind::Weights(b.clone().expect("weight sets have tokens")),
        };
        ParamTokens {
            ident: self.ident.clone(),
            private: self.param.private,
            segment: self.param.segment().to_string(),
            kind,
        }
    }
}

/// What is said about a parameter by attributes.
#[derive(Default)]
struct Said {
    private: Option<Attribute>,
    file: Option<String>,
    layout: Layout,
    name: Option<Attribute>,
}

impl Context<'_> {
    fn signature(&self, s: &Signature) {
        let name = s.ident.to_string();
        if zkml_ir::ops::find(&name).is_some() {
            // Calls of the name would mean the op, without a word.
            let message = format!("`{name}` is an op\n  help: give the model another name: `{name}_layer`");
            self.errors.at(&s.ident, message);
        }
        let no = |what: &str, why: &str| format!("a model is not `{what}`: {why}");
        if let Some(t) = &s.asyncness {
            self.errors.at(t, no("async", "an op cannot wait"));
        }
        if let Some(t) = &s.unsafety {
            self.errors.at(t, no("unsafe", "ops are safe"));
        }
        if let Some(t) = &s.constness {
            self.errors.at(t, no("const", "it runs at run time"));
        }
        if let Some(t) = &s.abi {
            self.errors.at(t, no("extern", "its arguments are tensors"));
        }
        if let Some(t) = &s.variadic {
            self.errors.at(t, no("variadic", "its arguments are tensors"));
        }
        if !s.generics.params.is_empty() {
            let message =
                "a model has no generics\n  help: name dimensions in the attribute: `#[zk_model(D = 768)]`";
            self.errors.at(&s.generics, message);
        } else if let Some(w) = &s.generics.where_clause {
            self.errors.at(w, "a model has no `where` clause");
        }
    }

    fn param(&mut self, p: &FnArg) -> Option<Parsed> {
        let p = match p {
            FnArg::Receiver(r) => {
                self.errors.at(r, "a model has no `self`: it is a free function");
                return None;
            }
            FnArg::Typed(p) => p,
        };
        let (ident, mutable) = match &*p.pat {
            Pat::Ident(i) if i.by_ref.is_none() && i.subpat.is_none() => {
                (Some(&i.ident), i.mutability.is_some())
            }
            other => {
                self.errors.at(other, "a parameter is a name");
                (None, false)
            }
        };
        let said = self.param_attrs(&p.attrs);
        let written = self.param_type(&p.ty);
        let (ident, written) = (ident?, written?);
        let (mut ty, path, bundle) = match written {
            Written::Tensor(t, path) => (ParamType::Tensor(t), Some(path), None),
            Written::Weight(t, path) => (ParamType::Weight(t), Some(path), None),
            Written::Weights(b, tokens) => (ParamType::Weights(b), None, Some(tokens)),
        };
        if let ParamType::Tensor(t) | ParamType::Weight(t) = &mut ty {
            if t.elem == Elem::Acc {
                let message = format!(
                    "`{ident}` is an `Acc`, which is never stored\n  \
                     help: give it a sized type: I8, I12, I16, I24 or U8"
                );
                self.errors.at(&p.ty, message);
                t.dims = vec![self.poison()];
            }
        }
        match (&ty, &said.private, &said.name) {
            (ParamType::Tensor(_), _, Some(a)) => {
                self.errors.at(a, "`#[name]` is for weights: an input is not read from the model's file");
            }
            (ParamType::Weight(_) | ParamType::Weights(_), Some(a), _) => {
                self.errors.at(a, "`#[private]` is for inputs: weights are never part of the statement");
            }
            (ParamType::Weights(_), _, Some(a)) if said.layout != Layout::InOut => {
                self.errors.at(a, "`layout` is for one weight, not for a set");
            }
            _ => {}
        }
        let param = Param {
            name: self.name(ident),
            mutable,
            ty,
            private: said.private.is_some(),
            file: said.file,
            layout: said.layout,
        };
        Some(Parsed { param, ident: ident.clone(), written: path, bundle })
    }

    /// `#[private]`, `#[name = ".."]`, `#[name("..", layout = "out_in")]`
    fn param_attrs(&self, attrs: &[Attribute]) -> Said {
        let mut said = Said::default();
        for a in attrs {
            match &a.meta {
                Meta::Path(p) if p.is_ident("private") => said.private = Some(a.clone()),
                Meta::NameValue(nv) if nv.path.is_ident("name") => {
                    said.name = Some(a.clone());
                    said.file = self.string(&nv.value);
                }
                Meta::List(l) if l.path.is_ident("name") => {
                    said.name = Some(a.clone());
                    let parser = syn::punctuated::Punctuated::<Syn, syn::Token![,]>::parse_terminated;
                    match a.parse_args_with(parser) {
                        Ok(args) => args.iter().for_each(|e| self.name_arg(e, &mut said)),
                        Err(e) => self.errors.push(e),
                    }
                }
                m if m.path().is_ident("doc") || m.path().is_ident("allow") => {}
                m => {
                    let message =
                        "unknown attribute\n  help: an input takes `#[private]`, a weight `#[name = \"..\"]`";
                    self.errors.at(m.path(), message);
                }
            }
        }
        said
    }

    fn name_arg(&self, e: &Syn, said: &mut Said) {
        match e {
            Syn::Assign(a) if matches!(&*a.left, Syn::Path(p) if p.path.is_ident("layout")) => {
                match self.string(&a.right).as_deref() {
                    Some("in_out") => said.layout = Layout::InOut,
                    Some("out_in") => said.layout = Layout::OutIn,
                    Some(other) => {
                        let message = format!("`layout` is \"in_out\" or \"out_in\", got \"{other}\"");
                        self.errors.at(&a.right, message);
                    }
                    None => {}
                }
            }
            e => said.file = self.string(e),
        }
    }

    fn string(&self, e: &Syn) -> Option<String> {
        match super::expr::peel(e) {
            Syn::Lit(syn::ExprLit { lit: Lit::Str(s), .. }) if !s.value().is_empty() => Some(s.value()),
            other => {
                self.errors.at(other, "expected a name in quotes");
                None
            }
        }
    }

    /// Result types, with the names of the results where the final expression tells them.
    fn returns(&mut self, s: &Signature, block: &syn::Block) -> Option<(Returns, Vec<(Ident, Path)>)> {
        let ReturnType::Type(_, ty) = &s.output else {
            self.errors.at(&s.ident, "a model returns a tensor: `-> Tensor<I8, 1, 10>`");
            return None;
        };
        let (types, tuple) = match peel(ty) {
            Type::Tuple(t) => (t.elems.iter().collect::<Vec<_>>(), true),
            _ => (vec![&**ty], false),
        };
        if types.is_empty() {
            self.errors.at(ty, "a model returns a tensor: `-> Tensor<I8, 1, 10>`");
            return None;
        }
        let names = result_names(block, types.len(), tuple);
        let specs: Vec<_> = types.iter().map(|t| self.tensor_type(t, "Tensor")).collect();
        let specs = specs.into_iter().collect::<Option<Vec<_>>>()?;
        let paths = types.iter().filter_map(|t| match peel(t) {
            Type::Path(p) => Some(p.path.clone()),
            _ => None,
        });
        let idents = names.iter().cloned().zip(paths).collect();
        let types = names.iter().map(|n| n.to_string()).zip(specs).collect();
        Some((Returns { types, tuple }, idents))
    }
}

/// `(q, k)` names its results; any other result is `output`, or `output0`, `output1`, ...
fn result_names(block: &syn::Block, n: usize, tuple: bool) -> Vec<Ident> {
    let last = match block.stmts.last() {
        Some(syn::Stmt::Expr(e, None)) => Some(super::expr::peel(e)),
        _ => None,
    };
    let ident = |e: &Syn| match super::expr::peel(e) {
        Syn::Path(p) => p.path.get_ident().cloned(),
        _ => None,
    };
    let found = match last {
        Some(Syn::Tuple(t)) if tuple && t.elems.len() == n => t.elems.iter().map(ident).collect(),
        Some(e) if !tuple => ident(e).map(|i| vec![i]),
        _ => None,
    };
    let distinct = |v: &Vec<Ident>| (1..v.len()).all(|i| !v[..i].contains(&v[i]));
    found.filter(distinct).unwrap_or_else(|| {
        let name = |i| if tuple { quote::format_ident!("output{i}") } else { quote::format_ident!("output") };
        (0..n).map(name).collect()
    })
}

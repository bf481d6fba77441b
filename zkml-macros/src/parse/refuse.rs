//! Rust that is no part of a model, and what to use instead.

use super::Context;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{BinOp, Expr, Stmt, UnOp};

const MASK: &str = "use a mask: `x * mask`";
const LOOP: &str = "use `for l in 0..N`";
const PLAIN: &str = "tensors are values: write it without";

impl Context<'_> {
    /// One error for a construct of the language that models do not have.
    pub(super) fn refuse(&self, e: &Expr) {
        let (at, what, instead): (TokenStream, String, &str) = match e {
            Expr::If(e) => (e.if_token.to_token_stream(), "`if`".into(), MASK),
            Expr::Match(e) => (e.match_token.to_token_stream(), "`match`".into(), MASK),
            Expr::While(e) => (e.while_token.to_token_stream(), "`while`".into(), LOOP),
            Expr::Loop(e) => (e.loop_token.to_token_stream(), "`loop`".into(), LOOP),
            Expr::ForLoop(e) => {
                (e.for_token.to_token_stream(), "`for` as a value".into(), "assign to a `let mut` binding")
            }
            Expr::Return(e) => (e.return_token.to_token_stream(), "`return`".into(), "end with the result"),
            Expr::Break(e) => (e.break_token.to_token_stream(), "`break`".into(), "bound the loop"),
            Expr::Continue(e) => (e.continue_token.to_token_stream(), "`continue`".into(), "bound the loop"),
            Expr::Closure(e) => (e.or1_token.to_token_stream(), "a closure".into(), "call another model"),
            Expr::Reference(e) => (e.and_token.to_token_stream(), "`&`".into(), PLAIN),
            Expr::Try(e) => (e.question_token.to_token_stream(), "`?`".into(), "an op cannot fail"),
            Expr::Await(e) => (e.await_token.to_token_stream(), "`await`".into(), "an op cannot wait"),
            Expr::Cast(e) => (e.as_token.to_token_stream(), "`as`".into(), "use `quantize::<I8>(x)`"),
            Expr::Field(e) => {
                (e.member.to_token_stream(), "a field".into(), "hand the weights whole to their model")
            }
            Expr::Unsafe(e) => (e.unsafe_token.to_token_stream(), "`unsafe`".into(), "leave it out"),
            Expr::Block(e) => (e.to_token_stream(), "a block".into(), "use `let`, or another model"),
            Expr::Const(e) => {
                (e.const_token.to_token_stream(), "a const block".into(), "use `const N: .. = ..;`")
            }
            Expr::Macro(e) => (
                e.mac.path.to_token_stream(),
                format!("`{}!`", super::show_path(&e.mac.path)),
                "a model holds ops and models only",
            ),
            Expr::Struct(e) => (e.path.to_token_stream(), "a struct".into(), "use a tuple"),
            Expr::Repeat(e) => (e.to_token_stream(), "an array".into(), "write each element"),
            Expr::Assign(e) => {
                (e.eq_token.to_token_stream(), "an assignment as a value".into(), "make it a statement")
            }
            Expr::Let(e) => (e.let_token.to_token_stream(), "`let` as a value".into(), MASK),
            Expr::Unary(e) => match e.op {
                UnOp::Deref(t) => (t.to_token_stream(), "`*x`".into(), PLAIN),
                _ => (e.op.to_token_stream(), "`!`".into(), MASK),
            },
            Expr::Binary(e) => {
                let op = e.op.to_token_stream();
                let name = format!("`{op}`");
                let instead = match e.op {
                    BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) => "write `x = x + ..`",
                    BinOp::Rem(_) | BinOp::DivAssign(_) | BinOp::RemAssign(_) => {
                        "multiply by a constant: `x * 0.125`"
                    }
                    BinOp::Shl(_) | BinOp::Shr(_) => "use `quantize_int8(x, shift = 8)`",
                    _ => MASK,
                };
                (op, name, instead)
            }
            Expr::Lit(e) => (e.to_token_stream(), "this literal".into(), "use numbers and booleans"),
            Expr::Range(e) => {
                (e.to_token_stream(), "an open or inclusive range".into(), "write both ends: `0..64`")
            }
            Expr::Path(e) => (e.to_token_stream(), "a path".into(), "use names of this function"),
            Expr::Call(e) => (e.func.to_token_stream(), "this call".into(), "call ops and models by name"),
            other => (other.to_token_stream(), "this expression".into(), "use ops and models"),
        };
        self.errors.at(at, format!("{what} is not part of a model; {instead}"));
    }

    pub(super) fn refuse_statement(&self, s: &Stmt) {
        match s {
            Stmt::Item(item) => {
                let first = item.to_token_stream().into_iter().find(|t| !is_attr(t));
                let what = first.as_ref().map(|t| format!("`{t}`")).unwrap_or_default();
                self.errors
                    .at(first, format!("{what} is not part of a model; put the item beside the model"));
            }
            Stmt::Macro(m) => {
                let message = format!(
                    "`{}!` is not part of a model; a model holds ops and models only",
                    super::show_path(&m.mac.path)
                );
                self.errors.at(&m.mac.path, message);
            }
            Stmt::Local(l) => self.errors.at(l, "this `let` is not part of a model"),
            Stmt::Expr(e, _) => self.refuse(e),
        }
    }
}

fn is_attr(t: &proc_macro2::TokenTree) -> bool {
    match t {
        proc_macro2::TokenTree::Punct(p) => p.as_char() == '#',
        proc_macro2::TokenTree::Group(g) => g.delimiter() == proc_macro2::Delimiter::Bracket,
        _ => false,
    }
}

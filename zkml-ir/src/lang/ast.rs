//! The symbolic IR: what a model's source says, without its tokens.

use crate::elem::Elem;
use crate::graph::Layout;
use serde::{Deserialize, Serialize};

/// Index into the front end's table of source tokens. Meaningless outside the front end that made the module.
pub type Origin = u32;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Name {
    pub text: String,
    pub origin: Origin,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    pub name: String,
    /// In the order of the attribute; a value may use dimensions before it.
    pub dims: Vec<Dim>,
    pub params: Vec<Param>,
    pub returns: Returns,
    pub body: Vec<Stmt>,
    pub result: Expr,
    /// The models this one calls, each with its own callees inside: a module is complete in itself.
    pub callees: Vec<Callee>,
}

/// A dimension and its default value. One whose value names other dimensions follows from them and cannot be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dim {
    pub name: Name,
    pub value: Expr,
}

/// A called model. `module` is `None` where it failed to compile: its own error is enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Callee {
    /// As the source writes it: `layers::block`.
    pub path: String,
    pub module: Option<Module>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    pub name: Name,
    pub mutable: bool,
    pub ty: ParamType,
    /// `#[private]`
    pub private: bool,
    /// `#[name = ".."]`: the segment of the weight's path in a file, if it is not the parameter's name.
    pub file: Option<String>,
    pub layout: Layout,
}

impl Param {
    /// The segment of the weight's path in a file.
    pub fn segment(&self) -> &str {
        self.file.as_deref().unwrap_or(&self.name.text)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ParamType {
    Tensor(TensorSpec),
    Weight(TensorSpec),
    Weights(Bundle),
}

/// The weights of a callee, or an array of such.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bundle {
    /// Index in [`Module::callees`].
    Model(usize),
    Array(Box<Bundle>, Expr),
}

/// `Tensor<I8, SEQ, { 3 * D }>`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorSpec {
    pub elem: Elem,
    pub dims: Vec<Expr>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TypeSpec {
    Tensor(TensorSpec),
    Tuple(Vec<TypeSpec>, Origin),
}

/// What the model returns: named tensors, as a tuple if there are several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Returns {
    pub types: Vec<(String, TensorSpec)>,
    pub tuple: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stmt {
    Let {
        pattern: Pattern,
        ty: Option<TypeSpec>,
        value: Expr,
    },
    /// To a `mut` binding.
    Assign {
        name: Name,
        value: Expr,
    },
    Const {
        name: Name,
        value: Expr,
    },
    For {
        var: Name,
        start: Expr,
        end: Expr,
        body: Vec<Stmt>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pattern {
    Name { name: Name, mutable: bool },
    Tuple(Vec<Pattern>, Origin),
    Ignore,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    pub kind: ExprKind,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    Int(i64),
    Real(f64),
    Bool(bool),
    Name(String),
    Neg(Box<Expr>),
    /// `at` is the operator.
    Binary {
        op: BinOp,
        at: Origin,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Call(CallExpr),
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    Range {
        start: Box<Expr>,
        end: Box<Expr>,
    },
    /// `(0..64).rev()`, in a list.
    Reversed(Box<Expr>),
    /// Of integers and ranges of them.
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    /// What could not be parsed; its error is reported.
    Poison,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    /// Of dimensions only, and exact.
    Div,
}

impl BinOp {
    pub fn symbol(self) -> &'static str {
        match self {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::Div => "/",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallExpr {
    pub callee: CalleeRef,
    /// The callee's name in the source.
    pub head: Origin,
    pub turbofish: Option<(Elem, Origin)>,
    /// A method's receiver is the first.
    pub args: Vec<Expr>,
    pub named: Vec<Named>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CalleeRef {
    Op(String),
    /// Index in [`Module::callees`].
    Model(usize),
}

/// `heads = 12`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    pub name: Name,
    pub value: Expr,
}

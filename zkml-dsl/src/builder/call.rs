//! One call of an op: gathered, then checked against its signature and its rules, as the macro's are.

use super::{split_indices, ArgValue, BuildError, Builder, CallError, Operands, State, Var};
use zkml_ir::elem::Elem;
use zkml_ir::graph::NodeId;
use zkml_ir::lang::nearest;
use zkml_ir::ops::{all, find, Arg, Call, OpDef};

/// A call that is being put together. [`OpCall::build`], [`OpCall::build_n`], [`OpCall::build_all`] and [`OpCall::of`] end
/// it; what is wrong with any part is told there.
#[derive(Clone)]
#[must_use = "an op is added by `build` or `of`"]
pub struct OpCall<'b> {
    builder: &'b Builder,
    /// The first mistake is the one told.
    op: Result<&'static dyn OpDef, BuildError>,
    call: Call,
    name: Option<String>,
}

impl<'b> OpCall<'b> {
    pub(super) fn new(builder: &'b Builder, op: &str) -> Self {
        let unknown = || {
            let nearest = nearest(op, all().iter().map(|o| o.name()), 2);
            BuildError::UnknownOp { op: op.to_owned(), nearest }
        };
        Self { builder, op: find(op).ok_or_else(unknown), call: Call::default(), name: None }
    }

    /// The next tensors by position.
    pub fn on(mut self, tensors: impl Operands) -> Self {
        for &x in tensors.vars() {
            let Ok(op) = self.op else { break };
            let i = self.call.tensors.len();
            let place = || match op.signature().tensors.get(i) {
                Some(name) => format!("`{name}` of `{}`", op.name()),
                None => format!("argument {} of `{}`", i + 1, op.name()),
            };
            match x.node_of(self.builder, place) {
                Ok(node) => self.call.tensors.push(node),
                Err(e) => self.op = Err(e),
            }
        }
        self
    }

    /// A named argument: `.arg("heads", 12)`, `.arg("causal", true)`, `.arg("b_qkv", bias)`, `.arg("range", 0..64)`.
    pub fn arg(mut self, name: &str, value: impl Into<ArgValue>) -> Self {
        let Ok(op) = self.op else { return self };
        let arg = match value.into() {
            ArgValue::Tensor(x) => {
                let place = || format!("`{name}` of `{}`", op.name());
                match x.node_of(self.builder, place) {
                    Ok(node) => Arg::Tensor(node),
                    Err(e) => return Self { op: Err(e), ..self },
                }
            }
            ArgValue::Int(v) => Arg::Int(v),
            ArgValue::Real(v) => Arg::Real(v),
            ArgValue::Bool(v) => Arg::Bool(v),
            ArgValue::Range(a, b) => Arg::Range(a, b),
            ArgValue::Ints(v) => Arg::Ints(v),
        };
        if self.call.named.insert(name.to_owned(), arg).is_some() {
            self.op = Err(BuildError::GivenTwice { op: op.name(), argument: name.to_owned() });
        }
        self
    }

    /// The element type in turbofish: `quantize::<I12>`.
    pub fn elem(mut self, elem: Elem) -> Self {
        self.call.elem = Some(elem);
        self
    }

    /// The node's name instead of the op's. One that is taken gets a number: `up`, `up_2`; indices at its end stay there:
    /// `up[3]`, `up_2[3]`.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Ends the call with the last of its tensors by position: `b.quantize(Elem::I12).arg("window", 16).of(h)`.
    pub fn of(self, tensors: impl Operands) -> Result<Var, BuildError> {
        self.on(tensors).build()
    }

    /// The one result.
    pub fn build(self) -> Result<Var, BuildError> {
        self.build_n::<1>().map(|[x]| x)
    }

    /// All N results.
    pub fn build_n<const N: usize>(self) -> Result<[Var; N], BuildError> {
        let nodes = self.add(|got| got == N, N)?;
        Ok(std::array::from_fn(|i| nodes[i]))
    }

    /// The results, however many there are.
    pub fn build_all(self) -> Result<Vec<Var>, BuildError> {
        self.add(|_| true, 1)
    }

    /// Adds the nodes if there are as many results as are wanted.
    fn add(self, wanted: impl Fn(usize) -> bool, expected: usize) -> Result<Vec<Var>, BuildError> {
        let (b, op, mut call) = (self.builder, self.op?, self.call);
        let mut state = b.state.borrow_mut();
        let State { graph, names } = &mut *state;
        let name = self.name.filter(|n| !n.is_empty()).unwrap_or_else(|| op.name().to_owned());
        let (base, indices) = split_indices(&name);
        call.name = names.peek(&b.path, base, indices);
        let nodes: Vec<NodeId> = graph.attempt(|graph| {
            let nodes = op.build(graph, &call).map_err(|e| CallError::new(graph, op, &call, e))?;
            match wanted(nodes.len()) {
                true => Ok(nodes),
                false => Err(BuildError::Results { op: op.name(), expected, got: nodes.len() }),
            }
        })?;
        names.unique(&b.path, base, indices);
        Ok(nodes.into_iter().map(|node| Var::new(b, node)).collect())
    }
}

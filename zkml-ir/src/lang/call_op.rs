//! Calls of ops: arguments against the op's signature, then its own checks.

use super::ast::{CallExpr, CalleeRef, Expr, Named, Origin};
use super::elaborate::{Elaborator, Problem};
use super::scope::Frame;
use super::show::usage;
use super::suggest::nearest;
use super::value::Value;
use crate::graph::NodeId;
use crate::ops::{find, Arg, ArgKind, At, Call, OpDef, OpError, Signature};

/// Where the parts of a call are.
struct Places {
    call: Origin,
    head: Origin,
    tensors: Vec<Origin>,
    named: Vec<(String, Origin)>,
    turbofish: Origin,
}

impl Places {
    fn of(&self, at: &At) -> Origin {
        match at {
            At::Op => self.head,
            At::Call => self.call,
            At::Turbofish => self.turbofish,
            At::Tensor(i) => self.tensors.get(*i).copied().unwrap_or(self.head),
            At::Named(n) => self.named.iter().find(|(m, _)| m == n).map_or(self.head, |(_, o)| *o),
        }
    }
}

impl<'m> Elaborator<'m> {
    pub fn eval_call(&mut self, frame: &mut Frame<'m>, e: &'m Expr, call: &'m CallExpr) -> Value<'m> {
        let outer = self.place.replace(e);
        let args: Vec<_> = call.args.iter().map(|a| (self.eval(frame, a), a.origin)).collect();
        let value = match &call.callee {
            CalleeRef::Model(i) => self.call_model(frame, e, call, &frame.module.callees[*i], args),
            CalleeRef::Op(name) => match find(name) {
                Some(op) => self.call_op(frame, e, call, op, args),
                // The front end names unknown ops; this is a module of a newer version.
                None => self.fail(frame, Problem::new(call.head, format!("unknown op `{name}`"))),
            },
        };
        self.place = outer;
        value
    }

    fn call_op(
        &mut self,
        frame: &mut Frame<'m>,
        e: &'m Expr,
        call: &'m CallExpr,
        op: &dyn OpDef,
        args: Vec<(Value<'m>, Origin)>,
    ) -> Value<'m> {
        let sig = op.signature();
        let before = self.diags.len();
        let mut poison = false;
        let mut built = Call::default();
        for (i, (value, origin)) in args.iter().enumerate() {
            match value {
                Value::Tensor(node) => built.tensors.push(*node),
                Value::Poison => poison = true,
                other => self.not_a_tensor(frame, op, i, other, *origin),
            }
        }
        if self.diags.len() == before {
            self.check_counts(frame, op, &sig, call, args.len());
        }
        for n in &call.named {
            let value = self.eval(frame, &n.value);
            if built.named.contains_key(&n.name.text) {
                let message = format!("`{}` is given twice", n.name.text);
                self.report(frame, Problem::new(n.name.origin, message));
            }
            match self.named_arg(frame, op, &sig, n, value) {
                Some(arg) => drop(built.named.insert(n.name.text.clone(), arg)),
                None => poison = true,
            }
        }
        built.elem = call.turbofish.map(|(e, _)| e);
        if poison || self.diags.len() > before {
            return Value::Poison;
        }
        let places = Places {
            call: e.origin,
            head: call.head,
            tensors: args.iter().map(|(_, o)| *o).collect(),
            named: call.named.iter().map(|n| (n.name.text.clone(), n.value.origin)).collect(),
            turbofish: call.turbofish.map_or(call.head, |(_, o)| o),
        };
        self.build(frame, op, built, &places)
    }

    /// An operator; a number beside the tensor is the argument `by`.
    pub fn operator(
        &mut self,
        frame: &Frame<'m>,
        e: &'m Expr,
        at: Origin,
        name: &str,
        tensors: &[(NodeId, Origin)],
        by: Option<(Arg, Origin)>,
    ) -> Value<'m> {
        let Some(op) = find(name) else {
            return self.fail(frame, Problem::new(at, format!("unknown op `{name}`")));
        };
        let places = Places {
            call: e.origin,
            head: at,
            tensors: tensors.iter().map(|(_, o)| *o).collect(),
            named: by.iter().map(|(_, o)| ("by".to_string(), *o)).collect(),
            turbofish: at,
        };
        let call = Call {
            tensors: tensors.iter().map(|(n, _)| *n).collect(),
            named: by.into_iter().map(|(a, _)| ("by".to_string(), a)).collect(),
            ..Call::default()
        };
        let outer = self.place.replace(e);
        let value = self.build(frame, op, call, &places);
        self.place = outer;
        value
    }

    fn build(&mut self, frame: &Frame<'m>, op: &dyn OpDef, mut call: Call, places: &Places) -> Value<'m> {
        call.name = self.unique_name(frame, op.name());
        match op.build(&mut self.builder, &call) {
            Ok(nodes) => match nodes.as_slice() {
                [one] => Value::Tensor(*one),
                many => Value::Tuple(many.iter().map(|n| Value::Tensor(*n)).collect()),
            },
            Err(OpError { at, message, notes, help }) => {
                self.fail(frame, Problem::new(places.of(&at), message).notes(notes).help(help))
            }
        }
    }

    fn not_a_tensor(&mut self, frame: &Frame<'m>, op: &dyn OpDef, i: usize, got: &Value<'m>, origin: Origin) {
        let sig = op.signature();
        let (name, kind) = (op.name(), got.kind());
        let what = sig.tensors.get(i).map_or_else(|| format!("argument {}", i + 1), |n| format!("`{n}`"));
        let p = Problem::new(origin, format!("{what} of `{name}` is a tensor, got {kind}"));
        let help = (!matches!(got, Value::Weights(_) | Value::Array(_) | Value::Tuple(_)))
            .then(|| sig.named.first().map(|(n, ..)| format!("other arguments are named: `{n} = ..`")))
            .flatten();
        self.report(frame, p.help(help));
    }

    fn check_counts(
        &mut self,
        frame: &Frame<'m>,
        op: &dyn OpDef,
        sig: &Signature,
        call: &CallExpr,
        got: usize,
    ) {
        let name = op.name();
        if got < sig.min_tensors || got > sig.max_tensors {
            let want = match (sig.min_tensors, sig.max_tensors) {
                (1, 1) => "1 tensor".to_string(),
                (a, b) if a == b => format!("{a} tensors"),
                (a, usize::MAX) => format!("{a} or more tensors"),
                (a, b) if b == a + 1 => format!("{a} or {b} tensors"),
                (a, b) => format!("{a} to {b} tensors"),
            };
            let p = Problem::new(call.head, format!("`{name}` takes {want}, got {got}"));
            self.report(frame, p.help(format!("`{}`", usage(name))));
        }
        match (&call.turbofish, sig.turbofish) {
            (Some((_, origin)), false) => {
                self.report(frame, Problem::new(*origin, format!("`{name}` takes no element type")));
            }
            (None, true) => {
                let p = Problem::new(call.head, format!("`{name}` needs an element type"));
                self.report(frame, p.help(format!("`{}`", usage(name))));
            }
            _ => {}
        }
        for (arg, _, required) in sig.named {
            if *required && !call.named.iter().any(|n| n.name.text == *arg) {
                let p = Problem::new(call.head, format!("`{name}` needs `{arg}`"));
                self.report(frame, p.help(format!("`{}`", usage(name))));
            }
        }
    }

    fn named_arg(
        &mut self,
        frame: &Frame<'m>,
        op: &dyn OpDef,
        sig: &Signature,
        n: &Named,
        value: Value<'m>,
    ) -> Option<Arg> {
        let name = n.name.text.as_str();
        // A name may stand with several kinds: the first that the value is.
        let kinds: Vec<ArgKind> = sig.named.iter().filter(|(m, ..)| *m == name).map(|n| n.1).collect();
        let Some(&first) = kinds.first() else {
            let names: Vec<_> = sig.named.iter().map(|(m, ..)| *m).collect();
            let help = match nearest(name, names.iter().copied(), 2) {
                Some(m) => Some(format!("did you mean `{m}`?")),
                None => (!names.is_empty()).then(|| format!("it takes `{}`", names.join("`, `"))),
            };
            let message = format!("`{}` has no argument `{name}`", op.name());
            self.report(frame, Problem::new(n.name.origin, message).help(help));
            return None;
        };
        let kind = kinds.iter().copied().find(|k| is_of(*k, &value)).unwrap_or(first);
        Some(match (kind, value) {
            (_, Value::Poison) => return None,
            (ArgKind::Tensor, Value::Tensor(x)) => Arg::Tensor(x),
            (ArgKind::Int, Value::Int(v)) => Arg::Int(v),
            (ArgKind::Real, Value::Int(v)) => Arg::Real(v as f64),
            (ArgKind::Real, Value::Real(v)) => Arg::Real(v),
            (ArgKind::Bool, Value::Bool(v)) => Arg::Bool(v),
            (ArgKind::Range, Value::Range(a, b)) => Arg::Range(a, b),
            (ArgKind::Ints, Value::List(v)) => Arg::Ints(v),
            (kind, other) => {
                let want = match kind {
                    ArgKind::Tensor => "a tensor",
                    ArgKind::Int => "an integer",
                    ArgKind::Real => "a real number",
                    ArgKind::Bool => "`true` or `false`",
                    ArgKind::Range => "a range like `0..64`",
                    ArgKind::Ints => "a list like `[0, 2, 1]`",
                };
                let message = format!("`{name}` is {want}, got {}", other.kind());
                self.report(frame, Problem::new(n.value.origin, message));
                return None;
            }
        })
    }
}

/// Is the value of this very kind? An integer also serves as a real number, but does not have to.
fn is_of(kind: ArgKind, value: &Value) -> bool {
    matches!(
        (kind, value),
        (ArgKind::Tensor, Value::Tensor(_))
            | (ArgKind::Int, Value::Int(_))
            | (ArgKind::Real, Value::Real(_))
            | (ArgKind::Bool, Value::Bool(_))
            | (ArgKind::Range, Value::Range(..))
            | (ArgKind::Ints, Value::List(_))
    )
}

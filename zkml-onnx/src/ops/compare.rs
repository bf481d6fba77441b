//! Comparisons, flags and choices.

use super::evaluate::{broadcast, compare, stretched};
use super::{Given, Inference, Op};
use crate::error::Refusal;
use crate::lift::Lift;
use crate::net::Node;
use crate::program::{Arg, Ref};
use crate::tensor::{Kind, Tensor};
use ndarray::{ArrayD, IxDyn};
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

pub const OPS: &[Op] = &[
    Op {
        names: &["Greater"],
        infer: |i| flags(i, |a, b| a > b),
        lift: |l, n| order(l, n, "greater", "less"),
    },
    Op {
        names: &["GreaterOrEqual"],
        infer: |i| flags(i, |a, b| a >= b),
        lift: |l, n| order(l, n, "greater_equal", "less_equal"),
    },
    Op { names: &["Less"], infer: |i| flags(i, |a, b| a < b), lift: |l, n| order(l, n, "less", "greater") },
    Op {
        names: &["LessOrEqual"],
        infer: |i| flags(i, |a, b| a <= b),
        lift: |l, n| order(l, n, "less_equal", "greater_equal"),
    },
    Op { names: &["Equal"], infer: |i| flags(i, |a, b| a == b), lift: |l, n| order(l, n, "equal", "equal") },
    Op { names: &["And"], infer: |i| flags(i, |a, b| a != 0.0 && b != 0.0), lift: |l, n| both(l, n, 1.5) },
    Op { names: &["Or"], infer: |i| flags(i, |a, b| a != 0.0 || b != 0.0), lift: |l, n| both(l, n, 0.5) },
    Op { names: &["Xor"], infer: |i| flags(i, |a, b| (a != 0.0) != (b != 0.0)), lift: xor },
    Op { names: &["Not"], infer: not_shape, lift: not },
    Op { names: &["Where"], infer: where_shape, lift: choose },
    Op { names: &["Sign"], infer: sign_shape, lift: sign },
    Op {
        names: &["IsNaN", "IsInf"],
        infer: nan_shape,
        lift: |_, _| Err(Refusal::new("integers are always numbers")),
    },
];

fn flags(i: &Inference, f: fn(f64, f64) -> bool) -> Result<Vec<Given>, Refusal> {
    if let (Some(a), Some(b)) = (i.constant(0), i.constant(1)) {
        return Ok(vec![Given::Constant(compare(a, b, f)?)]);
    }
    Ok(vec![Given::Live(Kind::Bool, broadcast(i.dims(0)?, i.dims(1)?)?)])
}

fn order(l: &mut Lift, n: &Node, op: &'static str, turned: &'static str) -> Result<(), Refusal> {
    let (a, b) = (l.input(n, 0)?, l.input(n, 1)?);
    let out = l.zk_dims(n.output());
    let number = |l: &Lift, v, other| -> Option<f32> {
        let t: Option<f32> = l.constant(v).and_then(Tensor::uniform);
        t.filter(|_| l.zk_dims(other) == out)
    };
    let name = |op: &str| if op == "equal" { "to" } else { "than" };
    let y = match (number(l, a, b), number(l, b, a)) {
        (_, Some(than)) => {
            let x = comparable(l, a)?;
            l.call(op).arg(name(op), Arg::Real(f64::from(than))).of([x])?
        }
        (Some(than), _) => {
            let x = comparable(l, b)?;
            l.call(turned).arg(name(op), Arg::Real(f64::from(than))).of([x])?
        }
        _ => {
            let (x, y) = (comparable(l, a)?, comparable(l, b)?);
            l.call(op).of([x, y])?
        }
    };
    l.give(n, 0, y)
}

fn comparable(l: &mut Lift, v: usize) -> Result<Ref, Refusal> {
    if l.constant(v).is_some() {
        return super::elementwise::bias(l, v, 1.0);
    }
    let (x, sums) = (l.get(v)?, l.widths.sums);
    match l.elem(x)? {
        Elem::Acc => l.sized(x, &[sums]),
        _ => Ok(x),
    }
}

/// Flags that add up to more than this.
fn both(l: &mut Lift, n: &Node, than: f64) -> Result<(), Refusal> {
    let sum = sum_of_flags(l, n)?;
    let y = l.call("greater").arg("than", Arg::Real(than)).of([sum])?;
    l.give(n, 0, y)
}

fn xor(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let sum = sum_of_flags(l, n)?;
    let y = l.call("equal").arg("to", Arg::Real(1.0)).of([sum])?;
    l.give(n, 0, y)
}

fn sum_of_flags(l: &mut Lift, n: &Node) -> Result<Ref, Refusal> {
    let (x, y) = (l.read(n, 0)?, l.read(n, 1)?);
    l.call("add").of([x, y])
}

fn not_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    match i.constant(0) {
        Some(t) => Ok(vec![Given::Constant(Tensor::Bool(t.to_bool().mapv(|v| !v)))]),
        None => Ok(vec![Given::Live(Kind::Bool, i.dims(0)?.to_vec())]),
    }
}

fn not(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let x = l.read(n, 0)?;
    let y = l.call("equal").arg("to", Arg::Real(0.0)).of([x])?;
    l.give(n, 0, y)
}

fn where_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let dims = broadcast(&broadcast(i.dims(0)?, i.dims(1)?)?, i.dims(2)?)?;
    if let (Some(c), Some(a), Some(b)) = (i.constant(0), i.constant(1), i.constant(2)) {
        let c = stretched(&c.to_bool(), &dims)?;
        macro_rules! pick {
            ($f:ident) => {{
                let (mut a, b) = (stretched(&a.$f(), &dims)?, stretched(&b.$f(), &dims)?);
                ndarray::Zip::from(&mut a).and(&b).and(&c).for_each(|a, &b, &c| {
                    if !c {
                        *a = b;
                    }
                });
                a
            }};
        }
        return Ok(vec![Given::Constant(match a.kind() {
            Kind::Float => Tensor::Float(pick!(to_float)),
            Kind::Int => Tensor::Int(pick!(to_int)),
            Kind::Bool => Tensor::Bool(pick!(to_bool)),
        })]);
    }
    Ok(vec![Given::Live(i.kind(1)?, dims)])
}

/// `select(c, a, b)`; a constant condition is a public pattern of zeros and ones to multiply with.
fn choose(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let [c, a, b] = [l.input(n, 0)?, l.input(n, 1)?, l.input(n, 2)?];
    let y = match l.constant(c) {
        None => {
            let (c, a, b) = (l.get(c)?, comparable(l, a)?, comparable(l, b)?);
            l.call("select").of([c, a, b])?
        }
        Some(chosen) => {
            let yes = chosen.to_float();
            let no = yes.mapv(|v| 1.0 - v);
            let mut sum: Option<Ref> = None;
            for (v, mask) in [(a, yes), (b, no)] {
                if l.constant(v).and_then(Tensor::uniform) == Some(0.0) || mask.iter().all(|&m| m == 0.0) {
                    continue;
                }
                let part = match l.constant(v) {
                    Some(t) => {
                        let dims = broadcast(mask.shape(), t.dims())?;
                        let values = stretched(&t.to_float(), &dims)? * stretched(&mask, &dims)?;
                        l.weight("", "chosen", &values, Elem::I24, Layout::InOut)?
                    }
                    None => {
                        let x = l.get(v)?;
                        let x = l.narrow(x)?;
                        let mask = l.weight("", "mask", &mask, Elem::I8, Layout::InOut)?;
                        let part = l.call("mul").of([x, mask])?;
                        l.sized(part, &[l.widths.sums])?
                    }
                };
                sum = Some(match sum {
                    None => part,
                    Some(other) => l.call("add").of([other, part])?,
                });
            }
            sum.ok_or_else(|| Refusal::new("a choice between zeros"))?
        }
    };
    l.give(n, 0, y)
}

fn sign_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    super::elementwise::unary(i, |v| if v == 0.0 { 0.0 } else { v.signum() })
}

fn sign(l: &mut Lift, n: &Node) -> Result<(), Refusal> {
    let v = l.input(n, 0)?;
    let x = comparable(l, v)?;
    let above = l.call("greater").arg("than", Arg::Real(0.0)).of([x])?;
    let below = l.call("less").arg("than", Arg::Real(0.0)).of([x])?;
    let y = l.call("sub").of([above, below])?;
    l.give(n, 0, y)
}

/// Of constants: what masks are mended with.
fn nan_shape(i: &Inference) -> Result<Vec<Given>, Refusal> {
    let nan = i.node.op == "IsNaN";
    match i.constant(0) {
        Some(t) => {
            let flags = t.to_float().mapv(|v| if nan { v.is_nan() } else { v.is_infinite() });
            Ok(vec![Given::Constant(Tensor::Bool(flags))])
        }
        // Nothing that is proven is no number.
        None => {
            let dims = i.dims(0)?;
            Ok(vec![Given::Constant(Tensor::Bool(ArrayD::from_elem(IxDyn(dims), false)))])
        }
    }
}

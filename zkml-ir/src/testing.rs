//! For tests: building calls, and a plain integer evaluator that shares no code with execution or lowering.
//!
//! Sums, products, views and quantisations are exact. Functions are computed in real numbers and rounded, within a unit of
//! the definitions.

use crate::elem::Elem;
use crate::float::{function, gelu, FloatTensor};
use crate::graph::{Graph, GraphBuilder, NodeId, Op, Params};
use crate::ops::quantize::scale::rescale;
use crate::ops::{find, Arg, Call, OpError};
use crate::shape::Shape;
use crate::tensor::IntTensor;

pub fn try_op(
    b: &mut GraphBuilder,
    op: &str,
    t: &[NodeId],
    named: &[(&str, Arg)],
) -> Result<NodeId, OpError> {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let call = Call { tensors: t.to_vec(), named, elem: None, name: op.into() };
    find(op).expect("known op").build(b, &call).map(|r| r[0])
}

pub fn op(b: &mut GraphBuilder, name: &str, t: &[NodeId], named: &[(&str, Arg)]) -> NodeId {
    try_op(b, name, t, named).unwrap_or_else(|e| panic!("{e:?}"))
}

pub fn try_quantize(b: &mut GraphBuilder, h: NodeId, elem: Elem) -> Result<NodeId, OpError> {
    let call = Call { tensors: vec![h], elem: Some(elem), name: format!("q{h}"), ..Call::default() };
    find("quantize").expect("known op").build(b, &call).map(|r| r[0])
}

pub fn quantize(b: &mut GraphBuilder, h: NodeId, elem: Elem) -> NodeId {
    try_quantize(b, h, elem).unwrap_or_else(|e| panic!("{e:?}"))
}

/// A small deterministic generator.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub fn between(&mut self, lo: i64, hi: i64) -> i64 {
        lo + (self.next() % (hi - lo + 1) as u64) as i64
    }

    /// Nearly normal, variance 1.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next() as f32 / (1u64 << 31) as f32).sum::<f32>() - 6.0
    }

    pub fn tensor(&mut self, dims: &[usize], scale: f32) -> FloatTensor {
        let shape = Shape::new(dims);
        let data = (0..shape.len()).map(|_| self.normal() * scale).collect();
        FloatTensor::new(shape, data)
    }
}

/// Every node's integers.
pub fn integers(g: &Graph, p: &Params, weights: &[IntTensor], inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let mut v: Vec<Vec<i64>> = vec![];
    for (id, node) in g.nodes.iter().enumerate() {
        let x: &[i64] = node.args.first().map_or(&[], |&a| &v[a]);
        let step = |id: NodeId| g.steps.value(&g.ty(id).step, &p.steps);
        let apply = |f: &dyn Fn(f64) -> f64| -> Vec<i64> {
            // A saturation to less than the element (tanh stays odd) is part of the definition.
            let range = match node.op {
                Op::Map(_) => node.ty.interval,
                _ => node.ty.elem.interval(),
            };
            let (sx, sy) = (step(node.args[0]), step(id));
            let y = |&x: &i64| ((f(x as f64 * sx) / sy).round() as i64).clamp(range.lo, range.hi);
            x.iter().map(y).collect()
        };
        let out = match &node.op {
            Op::Input(i) => inputs[*i].clone(),
            Op::Weight(i) => weights[*i].to_vec().iter().map(|&w| w as i64).collect(),
            Op::MulReal(_) => x.to_vec(),
            Op::Quantize { param, window, .. } => x
                .iter()
                .map(|&a| {
                    let q = rescale(a, p.rescales[*param]);
                    assert!(
                        q >= -(1 << (window - 1)) && q < 1 << (window - 1),
                        "{} leaves its window",
                        node.name
                    );
                    q.clamp(node.ty.interval.lo, node.ty.interval.hi)
                })
                .collect(),
            Op::Relu => apply(&|x| x.max(0.0)),
            Op::Gelu => apply(&gelu),
            Op::Exp => apply(&f64::exp),
            Op::Map(f) => apply(&|x| function(*f, x)),
            Op::Clamp { lo, hi } => apply(&|x| x.clamp(*lo, *hi)),
            Op::LayerNorm { .. } | Op::RmsNorm { .. } | Op::Softmax { .. } | Op::AttentionCore { .. } => {
                through_floats(g, p, id, &v)
            }
            op => linear(g, id, op, &v),
        };
        for (i, y) in out.iter().enumerate() {
            assert!(node.ty.interval.contains(*y), "{} [{i}] = {y} outside {}", node.name, node.ty.interval);
        }
        v.push(out);
    }
    v
}

/// A node's function over the real values of its arguments, rounded to its own step.
fn through_floats(g: &Graph, p: &Params, id: NodeId, v: &[Vec<i64>]) -> Vec<i64> {
    let node = g.node(id);
    let mut b = GraphBuilder::new("one");
    let step = |id: NodeId| g.steps.value(&g.ty(id).step, &p.steps);
    let mut values = vec![];
    for &a in &node.args {
        b.input(format!("a{a}"), g.ty(a).elem, g.ty(a).shape.clone(), false);
        let data = v[a].iter().map(|&x| (x as f64 * step(a)) as f32).collect();
        values.push(FloatTensor::new(g.ty(a).shape.clone(), data));
    }
    let y = b.push(node.op.clone(), (0..node.args.len()).collect(), node.ty.clone(), "y");
    b.output("y", y);
    let y = crate::float::eval(b.graph(), &[], &values).expect("evaluates").remove(0);
    y.data.iter().map(|&y| (y as f64 / step(id)).round() as i64).collect()
}

/// Sums, products and views by their definitions, one cell at a time.
fn linear(g: &Graph, id: NodeId, op: &Op, v: &[Vec<i64>]) -> Vec<i64> {
    let node = g.node(id);
    let (shape, args) = (&node.ty.shape, &node.args);
    let shapes: Vec<&Shape> = args.iter().map(|&a| &g.ty(a).shape).collect();
    // Broadcasting: the argument's cell under an output cell.
    let under = |i: usize, at: &[usize]| {
        let s = shapes[i];
        let lead = at.len() - s.rank();
        let strides = s.strides();
        let offset: usize =
            (0..s.rank()).filter(|&a| s.dims()[a] > 1).map(|a| strides[a] * at[lead + a]).sum();
        v[args[i]][offset]
    };
    // A row over the last axis of an argument.
    let row = |a: usize, r: usize| {
        let n = shapes[a].dims()[shapes[a].rank() - 1];
        &v[args[a]][r * n..][..n]
    };
    let at_index = |mut i: usize| {
        let mut at = vec![0; shape.rank()];
        for (a, d) in at.iter_mut().zip(shape.dims()).rev() {
            (*a, i) = (i % d, i / d);
        }
        at
    };
    (0..shape.len())
        .map(|i| {
            let at = at_index(i);
            match op {
                Op::Add => under(0, &at) + under(1, &at),
                Op::Sub => under(0, &at) - under(1, &at),
                Op::Mul => under(0, &at) * under(1, &at),
                Op::Neg => -v[args[0]][i],
                Op::MulInt(c) => c * v[args[0]][i],
                Op::Reshape => v[args[0]][i],
                Op::MatMul => {
                    let k = shapes[0].dims()[shapes[0].rank() - 1];
                    let lead = &at[..at.len() - 2];
                    let (row, col) = (at[at.len() - 2], at[at.len() - 1]);
                    let w_lead = &lead[..shapes[1].rank() - 2];
                    (0..k)
                        .map(|l| {
                            under(0, &[lead, &[row, l]].concat()) * under(1, &[w_lead, &[l, col]].concat())
                        })
                        .sum()
                }
                Op::Transpose { perm } => {
                    let mut source = vec![0; at.len()];
                    perm.iter().zip(&at).for_each(|(&p, &i)| source[p] = i);
                    under(0, &source)
                }
                Op::Slice { axis, start, .. } => {
                    let mut source = at;
                    source[*axis] += start;
                    under(0, &source)
                }
                Op::Concat { axis } => {
                    let (mut source, mut part) = (at, 0);
                    while source[*axis] >= shapes[part].dims()[*axis] {
                        source[*axis] -= shapes[part].dims()[*axis];
                        part += 1;
                    }
                    under(part, &source)
                }
                Op::DivInt(c) => v[args[0]][i].div_euclid(*c),
                Op::Select => under(if under(0, &at) == 1 { 1 } else { 2 }, &at),
                Op::Compare { test, number: None } => {
                    let d = under(0, &at) - under(1, &at);
                    use crate::graph::Comparison::*;
                    (match test {
                        Greater => d > 0,
                        GreaterEqual => d >= 0,
                        Less => d < 0,
                        LessEqual => d <= 0,
                        Equal => d == 0,
                    }) as i64
                }
                Op::Sum { axes } => {
                    let (dims, strides) = (shapes[0].dims(), shapes[0].strides());
                    let kept: Vec<usize> = (0..dims.len()).filter(|a| !axes.contains(a)).collect();
                    let here =
                        |&s: &usize| kept.iter().zip(&at).all(|(&k, &at)| s / strides[k] % dims[k] == at);
                    (0..v[args[0]].len()).filter(here).map(|s| v[args[0]][s]).sum()
                }
                Op::Max => *row(0, i).iter().max().expect("a row"),
                Op::FirstMax { valid } => {
                    let n = shapes[0].dims()[shapes[0].rank() - 1];
                    let (row, j) = (&row(0, i / n)[..*valid], i % n);
                    (j < *valid && row[..j].iter().all(|x| *x < row[j]) && row.iter().all(|x| *x <= row[j]))
                        as i64
                }
                Op::ChosenIndex => row(0, i).iter().position(|h| *h == 1).expect("a flag") as i64,
                Op::Chosen => row(0, i).iter().zip(row(1, i)).map(|(h, x)| h * x).sum(),
                other => unreachable!("{other:?} is not linear"),
            }
        })
        .collect()
}

/// Real inputs in their steps.
pub fn inputs_of(g: &Graph, p: &Params, values: &[FloatTensor]) -> Vec<Vec<i64>> {
    let port = |(port, t): (&crate::graph::Port, &FloatTensor)| {
        let ty = g.ty(port.node);
        let step = g.steps.value(&ty.step, &p.steps);
        t.data
            .iter()
            .map(|&v| ((v as f64 / step).round() as i64).clamp(ty.interval.lo, ty.interval.hi))
            .collect()
    };
    g.inputs.iter().zip(values).map(port).collect()
}

//! Transformers of any depth with random weights, for tests of calibration.

#![allow(dead_code)] // each test file uses some of it

use zkml_ir::elem::Elem;
use zkml_ir::float::FloatTensor;
use zkml_ir::graph::{Graph, GraphBuilder, Layout, NodeId, Params, Port};
use zkml_ir::ops::{find, Arg, Call};
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

pub fn op(
    b: &mut GraphBuilder,
    name: &str,
    t: &[NodeId],
    named: &[(&str, Arg)],
    elem: Option<Elem>,
) -> NodeId {
    let named = named.iter().map(|(n, a)| (n.to_string(), a.clone())).collect();
    let path = format!("{name}{}", b.graph().nodes.len());
    let call = Call { tensors: t.to_vec(), named, elem, name: path };
    find(name).unwrap().build(b, &call).unwrap_or_else(|e| panic!("{name}: {e:?}"))[0]
}

pub fn quantize(b: &mut GraphBuilder, h: NodeId, elem: Elem) -> NodeId {
    op(b, "quantize", &[h], &[], Some(elem))
}

pub struct Sizes {
    pub t: usize,
    pub d: usize,
    pub heads: i64,
    pub stream: Elem,
}

fn weights_of(b: &mut GraphBuilder, d: usize, path: &str) -> [NodeId; 8] {
    let mut w = |name: &str, elem, dims: &[usize]| {
        b.weight(format!("{path}{name}"), elem, Shape::new(dims), Layout::InOut)
    };
    [
        w("w_qkv", Elem::I8, &[d, 3 * d]),
        w("b_qkv", Elem::I24, &[3 * d]),
        w("w_out", Elem::I8, &[d, d]),
        w("b_out", Elem::I24, &[d]),
        w("w_fc", Elem::I8, &[d, 4 * d]),
        w("b_fc", Elem::I24, &[4 * d]),
        w("w_proj", Elem::I8, &[4 * d, d]),
        w("b_proj", Elem::I24, &[d]),
    ]
}

fn mlp(b: &mut GraphBuilder, x: NodeId, w: &[NodeId; 8], stream: Elem) -> NodeId {
    let h = op(b, "matmul", &[x, w[4]], &[], None);
    let h = op(b, "add", &[h, w[5]], &[], None);
    let h = op(b, "quantize_int8", &[h], &[], None);
    let h = op(b, "gelu", &[h], &[], None);
    let h = op(b, "matmul", &[h, w[6]], &[], None);
    let h = op(b, "add", &[h, w[7]], &[], None);
    quantize(b, h, stream)
}

/// Pre-norm, causal: gains and biases of the norms are in the matrices behind them.
pub fn gpt2(s: &Sizes) -> Graph {
    let mut b = GraphBuilder::new("gpt2");
    let x = b.input("x", s.stream, Shape::new([s.t, s.d]), false);
    let y = pre_norm(&mut b, x, s, "");
    b.output("y", y);
    b.finish()
}

/// A stack of such blocks, with the paths that a loop over `blocks` gives.
pub fn gpt2_stack(s: &Sizes, layers: usize) -> Graph {
    let mut b = GraphBuilder::new("gpt2");
    let mut x = b.input("x", s.stream, Shape::new([s.t, s.d]), false);
    let mut starts = vec![];
    for layer in 0..layers {
        starts.push(b.graph().nodes.len());
        x = pre_norm(&mut b, x, s, &format!("blocks[{layer}]."));
    }
    b.output("y", x);
    let mut g = b.finish();
    let end = g.nodes.len();
    for (layer, &start) in starts.iter().enumerate() {
        let path = format!("blocks[{layer}].");
        for (i, node) in g.nodes[start..*starts.get(layer + 1).unwrap_or(&end)].iter_mut().enumerate() {
            let kind = node.name.replace(|c: char| c.is_ascii_digit(), "");
            if !node.name.starts_with(&path) {
                node.name = format!("{path}{kind}_{i}");
            }
        }
    }
    g
}

fn pre_norm(b: &mut GraphBuilder, x: NodeId, s: &Sizes, path: &str) -> NodeId {
    let w = weights_of(b, s.d, path);
    let norm = |b: &mut GraphBuilder, x| {
        let x = quantize(b, x, Elem::I12);
        op(b, "layer_norm", &[x], &[], None)
    };
    let n = norm(b, x);
    let named = [
        ("heads", Arg::Int(s.heads)),
        ("causal", Arg::Bool(true)),
        ("b_qkv", Arg::Tensor(w[1])),
        ("b_out", Arg::Tensor(w[3])),
    ];
    let a = op(b, "attention", &[n, w[0], w[2]], &named, None);
    let a = quantize(b, a, s.stream);
    let x = op(b, "add", &[x, a], &[], None);
    let n = norm(b, x);
    let h = mlp(b, n, &w, s.stream);
    let y = op(b, "add", &[x, h], &[], None);
    quantize(b, y, s.stream)
}

/// Post-norm, with a mask over the keys and a gain and a bias behind each norm.
pub fn bert(s: &Sizes) -> Graph {
    let mut b = GraphBuilder::new("bert");
    let x = b.input("x", s.stream, Shape::new([s.t, s.d]), false);
    let mask = b.input("mask", Elem::U8, Shape::new([s.t]), false);
    let w = weights_of(&mut b, s.d, "");
    let norm = |b: &mut GraphBuilder, x, i: usize| {
        let g = b.weight(format!("g{i}"), Elem::I8, Shape::new([s.d]), Layout::InOut);
        let beta = b.weight(format!("beta{i}"), Elem::I24, Shape::new([s.d]), Layout::InOut);
        let x = quantize(b, x, Elem::I12);
        let n = op(b, "layer_norm", &[x], &[("epsilon", Arg::Real(1e-12))], None);
        let y = op(b, "mul", &[n, g], &[], None);
        let y = op(b, "add", &[y, beta], &[], None);
        quantize(b, y, s.stream)
    };
    let named = [
        ("heads", Arg::Int(s.heads)),
        ("mask", Arg::Tensor(mask)),
        ("b_qkv", Arg::Tensor(w[1])),
        ("b_out", Arg::Tensor(w[3])),
    ];
    let a = op(&mut b, "attention", &[x, w[0], w[2]], &named, None);
    let a = quantize(&mut b, a, s.stream);
    let x = op(&mut b, "add", &[x, a], &[], None);
    let x = norm(&mut b, x, 0);
    let h = mlp(&mut b, x, &w, s.stream);
    let y = op(&mut b, "add", &[x, h], &[], None);
    let y = norm(&mut b, y, 1);
    b.output("y", y);
    b.finish()
}

/// A small deterministic generator of nearly normal values.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    pub fn normal(&mut self) -> f32 {
        let mut uniform = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as f32 / (1u64 << 31) as f32
        };
        (0..12).map(|_| uniform()).sum::<f32>() - 6.0
    }

    pub fn tensor(&mut self, shape: &Shape, mean: f32, scale: f32) -> FloatTensor {
        FloatTensor::new(shape.clone(), (0..shape.len()).map(|_| mean + self.normal() * scale).collect())
    }

    pub fn weights(&mut self, g: &Graph) -> Vec<FloatTensor> {
        let scale = |name: &str, s: &Shape| match name {
            _ if s.rank() == 2 => (0.0, 0.6 / (s.dims()[0] as f32).sqrt()),
            _ if name.starts_with('g') => (1.0, 0.1),
            _ => (0.0, 0.05),
        };
        let weight = |w: &zkml_ir::graph::WeightDecl| {
            let shape = &g.ty(w.node).shape;
            let (mean, s) = scale(&w.name, shape);
            self.tensor(shape, mean, s)
        };
        g.weights.iter().map(weight).collect()
    }

    pub fn inputs(&mut self, g: &Graph) -> Vec<FloatTensor> {
        let input = |p: &Port| {
            let shape = &g.ty(p.node).shape;
            if p.name != "mask" {
                return self.tensor(shape, 0.0, 1.0);
            }
            let padding = shape.len() / 4;
            let flags = (0..shape.len()).map(|i| (i < shape.len() - padding) as u8 as f32).collect();
            FloatTensor::new(shape.clone(), flags)
        };
        g.inputs.iter().map(input).collect()
    }
}

pub fn to_integers(g: &Graph, p: &Params, inputs: &[FloatTensor]) -> Vec<IntTensor> {
    let integer = |(port, t): (&Port, &FloatTensor)| {
        let ty = g.ty(port.node);
        let step = g.steps.value(&ty.step, &p.steps);
        let clamp = |v: f64| v.round().clamp(ty.interval.lo as f64, ty.interval.hi as f64);
        let values: Vec<i32> = t.data.iter().map(|&v| clamp(v as f64 / step) as i32).collect();
        IntTensor::new(ty.shape.clone(), ty.elem, &values).unwrap()
    };
    g.inputs.iter().zip(inputs).map(integer).collect()
}

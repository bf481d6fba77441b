//! Graphs by hand, random values, and the attack on each committed cell.
#![allow(dead_code)] // each test file uses its own part

pub mod maps;

use std::collections::BTreeMap;
use zkml_ir::elem::{Elem, Interval};
use zkml_ir::exec::{debug_check, run, trace, DebugChecker, Violation, Witness};
use zkml_ir::graph::*;
use zkml_ir::lower::{lower, Lowered};
use zkml_ir::plan::Source;
use zkml_ir::shape::Shape;
use zkml_ir::tensor::IntTensor;

pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn within(&mut self, i: Interval) -> i32 {
        // The ends often.
        match self.below(16) {
            0 => i.lo as i32,
            1 => i.hi as i32,
            _ => (i.lo + (self.next() % (i.width() as u64 + 1)) as i64) as i32,
        }
    }
}

pub struct Model {
    pub b: GraphBuilder,
    pub params: Params,
    pub values: Vec<(bool, IntTensor)>,
    pub rng: Rng,
}

pub fn step(coef: f64) -> Step {
    Step { coef, powers: BTreeMap::new() }
}

impl Model {
    pub fn new(seed: u64) -> Self {
        Self { b: GraphBuilder::new("test"), params: Params::default(), values: vec![], rng: Rng(seed) }
    }

    pub fn push(
        &mut self,
        op: Op,
        args: &[NodeId],
        elem: Elem,
        dims: &[usize],
        i: Interval,
        s: f64,
    ) -> NodeId {
        let name = format!("n{}", self.b.graph().nodes.len());
        let ty = TensorType { elem, shape: Shape::new(dims.to_vec()), interval: i, step: step(s) };
        self.b.push(op, args.to_vec(), ty, name)
    }

    fn random(&mut self, elem: Elem, dims: &[usize], i: Interval) -> IntTensor {
        let shape = Shape::new(dims.to_vec());
        let values: Vec<i32> = (0..shape.len()).map(|_| self.rng.within(i)).collect();
        IntTensor::new(shape, elem, &values).unwrap()
    }

    pub fn input(&mut self, elem: Elem, dims: &[usize], s: f64) -> NodeId {
        self.input_as(elem, dims, s, false)
    }

    pub fn input_as(&mut self, elem: Elem, dims: &[usize], s: f64, private: bool) -> NodeId {
        let t = self.random(elem, dims, elem.interval());
        self.values.push((true, t));
        let index = self.b.graph().inputs.len();
        let node = self.push(Op::Input(index), &[], elem, dims, elem.interval(), s);
        self.b.declare_input(Port { name: format!("x{index}"), node, private });
        node
    }

    pub fn weight(&mut self, elem: Elem, dims: &[usize], s: f64) -> NodeId {
        let t = self.random(elem, dims, elem.interval());
        self.values.push((false, t));
        let index = self.b.graph().weights.len();
        let node = self.push(Op::Weight(index), &[], elem, dims, elem.interval(), s);
        self.b.declare_weight(WeightDecl { name: format!("w{index}"), node, layout: Layout::InOut });
        node
    }

    pub fn ty(&self, n: NodeId) -> TensorType {
        self.b.ty(n).clone()
    }

    pub fn dims(&self, n: NodeId) -> Vec<usize> {
        self.b.ty(n).shape.dims().to_vec()
    }

    pub fn matmul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let (ta, tb) = (self.ty(a), self.ty(b));
        let mut dims = ta.shape.dims().to_vec();
        let k = dims.pop().unwrap();
        dims.push(*tb.shape.dims().last().unwrap());
        let i = (ta.interval * tb.interval).scale(k as i64);
        self.push(Op::MatMul, &[a, b], Elem::Acc, &dims, i, ta.step.coef * tb.step.coef)
    }

    pub fn binary(&mut self, op: Op, a: NodeId, b: NodeId) -> NodeId {
        let (ta, tb) = (self.ty(a), self.ty(b));
        let i = match op {
            Op::Add => ta.interval + tb.interval,
            Op::Sub => ta.interval - tb.interval,
            _ => ta.interval * tb.interval,
        };
        let shape = ta.shape.broadcast(&tb.shape).unwrap();
        self.push(op, &[a, b], Elem::Acc, shape.dims(), i, ta.step.coef)
    }

    pub fn view(&mut self, op: Op, args: &[NodeId], dims: &[usize]) -> NodeId {
        let t = self.ty(args[0]);
        let i = args.iter().map(|&a| self.ty(a).interval).reduce(Interval::union).unwrap();
        self.push(op, args, t.elem, dims, i, t.step.coef)
    }

    pub fn quantize(&mut self, x: NodeId, to: Elem, window: u32, m: u32, s: u32) -> NodeId {
        let t = self.ty(x);
        let param = self.params.rescales.len();
        self.params.rescales.push(Rescale { m, s });
        let scale = (1u64 << s) as f64 / m as f64;
        let op = Op::Quantize { to, param, window };
        let n = self.push(op, &[x], to, t.shape.dims(), to.interval(), t.step.coef * scale);
        self.b.declare_rescale(format!("r{param}"), n, RescaleRule::Calibrated);
        n
    }

    pub fn unary(&mut self, op: Op, x: NodeId, elem: Elem, s: f64) -> NodeId {
        let dims = self.dims(x);
        self.push(op, &[x], elem, &dims, elem.interval(), s)
    }

    pub fn finish(mut self, out: NodeId) -> Case {
        self.b.output("y", out);
        let graph = self.b.finish();
        let pick = |input: bool| {
            self.values.iter().filter(|v| v.0 == input).map(|v| v.1.clone()).collect::<Vec<_>>()
        };
        let (inputs, weights) = (pick(true), pick(false));
        Case { graph, params: self.params, inputs, weights, rng: self.rng }
    }
}

pub struct Case {
    pub graph: Graph,
    pub params: Params,
    pub inputs: Vec<IntTensor>,
    pub weights: Vec<IntTensor>,
    pub rng: Rng,
}

impl Case {
    pub fn lower(&self) -> Lowered {
        lower(&self.graph, &self.params).unwrap()
    }

    pub fn trace(&self, l: &Lowered) -> Witness {
        trace(&self.graph, l, &self.params, &self.weights, &self.inputs).unwrap()
    }

    /// Runs, traces, checks every relation, and tries to change every kind of committed cell. Returns the output.
    pub fn verify(&mut self) -> Vec<i32> {
        let out = run(&self.graph, &self.params, &self.weights, &self.inputs).unwrap();
        let lowered = self.lower();
        let witness = self.trace(&lowered);
        assert_eq!(witness.outputs, out);
        debug_check(&lowered.plan, &witness, &self.weights).unwrap();
        self.attack(&lowered, &witness);
        out[0].to_vec()
    }

    /// No single cell can take another value.
    fn attack(&mut self, lowered: &Lowered, honest: &Witness) {
        let plan = &lowered.plan;
        let checker = DebugChecker::new(plan);
        let mut forged = honest.clone();
        let effort = (20_000 / plan.cells(|s| *s == Source::Trace).max(1)).clamp(1, 5);
        for (t, decl) in plan.tensors.iter().enumerate() {
            if !matches!(decl.source, Source::Trace | Source::PublicOutput(_)) {
                continue;
            }
            for _ in 0..effort {
                let at = self.rng.below(decl.axes.len());
                let was = honest.tensors[t].as_ref().unwrap()[at];
                let other = self.rng.within(decl.range);
                for v in [was - 1, was + 1, other, -was] {
                    if v == was {
                        continue;
                    }
                    forged.tensors[t].as_mut().unwrap()[at] = v;
                    match checker.check(&forged, &self.weights) {
                        Err(Violation::Lookup { .. } | Violation::Constraint { .. }) => {}
                        other => panic!("{} at {at}: {was} -> {v}: {other:?}", decl.name),
                    }
                }
                forged.tensors[t].as_mut().unwrap()[at] = was;
            }
        }
    }
}

//! Convolutional networks of few channels, whole, against a direct evaluation.

mod common;

use common::maps::{ints, narrow, op};
use common::{Case, Model};
use zkml_ir::elem::Elem;
use zkml_ir::graph::{NodeId, Op, Rescale};
use zkml_ir::ops::Arg;

/// A network as it is built, with its values by the definitions beside it.
struct Net {
    g: Model,
    /// Of every node made here.
    values: Vec<(NodeId, Vec<i64>)>,
}

impl Net {
    fn new(seed: u64) -> Self {
        Self { g: Model::new(seed), values: vec![] }
    }

    fn value(&self, n: NodeId) -> &[i64] {
        &self.values.iter().find(|v| v.0 == n).unwrap().1
    }

    fn input(&mut self, dims: &[usize]) -> NodeId {
        let x = self.g.input(Elem::I8, dims, 0.5);
        self.values.push((x, ints(&self.g.values.last().unwrap().1)));
        x
    }

    fn weight(&mut self, dims: &[usize]) -> (NodeId, Vec<i64>) {
        let w = self.g.weight(Elem::I8, dims, 0.25);
        (w, ints(&self.g.values.last().unwrap().1))
    }

    fn conv(
        &mut self,
        x: NodeId,
        co: usize,
        k: usize,
        stride: usize,
        padding: usize,
        groups: usize,
    ) -> NodeId {
        let dims = self.g.dims(x);
        let (c, h) = (dims[0], dims[1]);
        let (w, wv) = self.weight(&[co, c / groups, k, k]);
        let int = |v: usize| Arg::Int(v as i64);
        let named = [("stride", int(stride)), ("padding", int(padding)), ("groups", int(groups))];
        let y = op(&mut self.g, "conv2d", &[x, w], &named);
        let out = self.g.dims(y)[1];
        let xv = self.value(x);
        let cg = c / groups;
        let at = |c: usize, y: i64, x: i64| {
            let inside = |v: i64| (0..h as i64).contains(&v);
            if inside(y) && inside(x) {
                xv[(c * h + y as usize) * h + x as usize]
            } else {
                0
            }
        };
        let mut v = vec![0; co * out * out];
        for (i, v) in v.iter_mut().enumerate() {
            let (m, oy, ox) = (i / out / out, i / out % out, i % out);
            for tap in 0..cg * k * k {
                let (ci, ky, kx) = (tap / k / k, tap / k % k, tap % k);
                let position = |o: usize, k: usize| (o * stride + k) as i64 - padding as i64;
                let channel = m / (co / groups) * cg + ci;
                *v += wv[m * cg * k * k + tap] * at(channel, position(oy, ky), position(ox, kx));
            }
        }
        self.values.push((y, v));
        y
    }

    /// Rescaled to I8, and its positive part.
    fn relu(&mut self, h: NodeId) -> NodeId {
        let q = self.narrow(h);
        let v = self.value(q).iter().map(|v| *v.max(&0)).collect();
        let step = self.g.ty(q).step.coef;
        let y = self.g.unary(Op::Relu, q, Elem::I8, step);
        self.values.push((y, v));
        y
    }

    fn narrow(&mut self, h: NodeId) -> NodeId {
        let q = narrow(&mut self.g, h);
        let &Rescale { m, s } = self.g.params.rescales.last().unwrap();
        let round = |v: &i64| ((m as i64 * v + (1 << (s - 1))) >> s).clamp(-128, 127);
        let v = self.value(h).iter().map(round).collect();
        self.values.push((q, v));
        q
    }

    fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let v = self.value(a).iter().zip(self.value(b)).map(|(a, b)| a + b).collect();
        let y = self.g.binary(Op::Add, a, b);
        self.values.push((y, v));
        y
    }

    /// Windows of 2 x 2, side by side.
    fn pool(&mut self, name: &str, x: NodeId, f: fn([i64; 4]) -> i64) -> NodeId {
        let h = self.g.dims(x)[1];
        let y = op(&mut self.g, name, &[x], &[("kernel", Arg::Int(2))]);
        let mut v = vec![];
        for plane in self.value(x).chunks(h * h) {
            for i in 0..h / 2 * (h / 2) {
                let at = i / (h / 2) * 2 * h + i % (h / 2) * 2;
                v.push(f([0, 1, h, h + 1].map(|d| plane[at + d])));
            }
        }
        self.values.push((y, v));
        y
    }

    fn mean(&mut self, x: NodeId) -> NodeId {
        let maps = self.g.dims(x)[1] * self.g.dims(x)[2];
        let y = op(&mut self.g, "global_avg_pool", &[x], &[]);
        let v = self.value(x).chunks(maps).map(|c| c.iter().sum()).collect();
        self.values.push((y, v));
        y
    }

    fn linear(&mut self, x: NodeId, out: usize) -> NodeId {
        let n = self.value(x).len();
        let x_row = op(&mut self.g, "reshape", &[x], &[("shape", Arg::Ints(vec![1, n as i64]))]);
        let (w, wv) = self.weight(&[n, out]);
        let y = op(&mut self.g, "matmul", &[x_row, w], &[]);
        let xv = self.value(x);
        let v = (0..out).map(|j| (0..n).map(|i| xv[i] * wv[i * out + j]).sum()).collect();
        self.values.push((y, v));
        y
    }

    fn verify(self, y: NodeId) -> Case {
        let want = self.value(y).to_vec();
        let mut case = self.g.finish(y);
        let got: Vec<i64> = case.verify().iter().map(|&v| v as i64).collect();
        assert_eq!(got, want);
        // Not all saturated or zero.
        let distinct = want.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(distinct > want.len().min(20) / 4, "{distinct} values");
        case
    }
}

#[test]
fn lenet_of_32_x_32() {
    let mut n = Net::new(1);
    let x = n.input(&[1, 32, 32]);
    let h = n.conv(x, 6, 5, 1, 0, 1);
    let h = n.relu(h);
    let h = n.pool("max_pool", h, |v| v.into_iter().max().unwrap());
    let h = n.conv(h, 16, 5, 1, 0, 1);
    let h = n.relu(h);
    let h = n.pool("avg_pool", h, |v| v.into_iter().sum());
    let h = n.narrow(h);
    assert_eq!(n.g.dims(h), [16, 5, 5]);
    let h = n.linear(h, 12);
    let h = n.relu(h);
    let h = n.linear(h, 10);
    n.verify(h);
}

#[test]
fn a_basic_block_with_a_strided_shortcut() {
    let mut n = Net::new(2);
    let x = n.input(&[4, 16, 16]);
    let h = n.conv(x, 8, 3, 2, 1, 1);
    let h = n.relu(h);
    let h = n.conv(h, 8, 3, 1, 1, 1);
    let shortcut = n.conv(x, 8, 1, 2, 0, 1);
    let (h, shortcut) = (n.narrow(h), n.narrow(shortcut));
    let h = n.add(h, shortcut);
    let h = n.relu(h);
    let h = n.mean(h);
    let h = n.narrow(h);
    let h = n.linear(h, 10);
    n.verify(h);
}

#[test]
fn a_depthwise_separable_block() {
    let mut n = Net::new(3);
    let x = n.input(&[6, 14, 14]);
    let h = n.conv(x, 6, 3, 2, 1, 6);
    let h = n.relu(h);
    let h = n.conv(h, 12, 1, 1, 0, 1);
    let h = n.relu(h);
    let h = n.conv(h, 24, 3, 1, 1, 12);
    let h = n.narrow(h);
    n.verify(h);
}

//! Bounds and integer weights between the passes of [`super::rescales`]: what did not change is not computed again.
//!
//! A node's bound is a function of its arguments' bounds, of its rescale, and of the integers of the weights that it
//! multiplies by, which are functions of their steps' bits. So a bound whose arguments, rescale and steps are those of its
//! last evaluation stands. Memory: the integers of all weights, and an interval for each column of each node.

use super::bounds::{bound, reads, Bound, Known};
use super::integers;
use super::sharing::Sharing;
use crate::float::FloatTensor;
use crate::graph::{Graph, NodeId, Op, Rescale};
use crate::tensor::IntTensor;

pub(super) struct Cache<'a> {
    graph: &'a Graph,
    weights: &'a [FloatTensor],
    /// By weight: the bits of the step, the integers in it.
    integers: Vec<Option<(u64, IntTensor)>>,
    /// By node.
    bounds: Vec<Bound>,
    states: Vec<State>,
    /// Bounds evaluated.
    evaluated: u64,
}

#[derive(Clone, Default)]
struct State {
    /// Checked since steps or rescales last changed.
    current: bool,
    /// What the bound was computed from; `None` before the first time.
    from: Option<From>,
    /// Another number for another bound.
    version: u64,
    /// [`reads`]
    reads: Vec<usize>,
}

#[derive(Clone, PartialEq)]
struct From {
    arguments: Vec<u64>,
    steps: Vec<u64>,
    rescale: Option<Rescale>,
}

impl<'a> Cache<'a> {
    pub fn new(graph: &'a Graph, weights: &'a [FloatTensor]) -> Self {
        let n = graph.nodes.len();
        let states = (0..n).map(|id| State { reads: reads(graph, id), ..State::default() }).collect();
        let integers = weights.iter().map(|_| None).collect();
        Self { graph, weights, integers, bounds: vec![Bound::default(); n], states, evaluated: 0 }
    }

    /// Steps or rescales of these nodes may have changed, and with them the nodes' bounds. Bounds of nodes behind them must
    /// not have been asked for yet.
    pub fn expire(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        nodes.into_iter().for_each(|id| self.states[id].current = false);
    }

    pub fn bound(&mut self, id: NodeId, sharing: &Sharing, steps: &[f64], rescales: &[Rescale]) -> &Bound {
        self.refresh(id, sharing, steps, rescales);
        &self.bounds[id]
    }

    fn refresh(&mut self, id: NodeId, sharing: &Sharing, steps: &[f64], rescales: &[Rescale]) {
        if self.states[id].current {
            return;
        }
        let graph = self.graph;
        // A chain is as deep as the sums and products between two quantisations, which were refreshed before.
        let args = &graph.node(id).args;
        args.iter().for_each(|&a| self.refresh(a, sharing, steps, rescales));
        let from = From {
            arguments: args.iter().map(|&a| self.states[a].version).collect(),
            steps: self.states[id]
                .reads
                .iter()
                .map(|&w| sharing.weight_steps[w].at(steps).to_bits())
                .collect(),
            rescale: match graph.node(id).op {
                Op::Quantize { param, .. } => Some(rescales[param]),
                _ => None,
            },
        };
        self.states[id].current = true;
        if self.states[id].from.as_ref() == Some(&from) {
            return;
        }
        for (i, &bits) in from.steps.iter().enumerate() {
            self.update(self.states[id].reads[i], bits);
        }
        let integers = &self.integers;
        let weight = |w: usize| integers[w].as_ref().map(|(_, t)| t).expect("what `reads` names was made");
        let known = Known { graph, weight: &weight, rescale: &|i| rescales[i] };
        let new = bound(&known, id, &self.bounds);
        self.evaluated += 1;
        if self.states[id].from.replace(from).is_none() || new != self.bounds[id] {
            self.states[id].version = self.evaluated;
            self.bounds[id] = new;
        }
    }

    fn update(&mut self, w: usize, bits: u64) {
        if self.integers[w].as_ref().is_none_or(|(old, _)| *old != bits) {
            // Before the new ones are made: both need not fit.
            self.integers[w] = None;
            let range = self.graph.ty(self.graph.weights[w].node).interval;
            self.integers[w] = Some((bits, integers::round(&self.weights[w], f64::from_bits(bits), range)));
        }
    }

    /// All weights in these steps.
    pub fn into_integers(mut self, sharing: &Sharing, steps: &[f64]) -> Vec<IntTensor> {
        for w in 0..self.weights.len() {
            self.update(w, sharing.weight_steps[w].at(steps).to_bits());
        }
        self.integers.into_iter().map(|i| i.expect("all were made").1).collect()
    }
}

//! Picks every rescale, in node order, and refines the steps so that integers and real numbers agree exactly.
//!
//! A quantisation with a free step takes the admissible (m, s) nearest to the wanted ratio, lowered to what the window
//! allows for any input, and its step becomes `step(acc) * 2^s / m`. One whose step is tied to another tensor's cannot
//! move: there the weight behind the accumulator, if nothing else reads it, changes its step by the few per cent that
//! m / 2^s misses. If the window does not allow the tied ratio, the other tensor's step must be coarser: the pass runs
//! again from the initial steps with that one raised.

use super::bounds::{bound, Bound, Known};
use super::completeness::{check, fits};
use super::sharing::Sharing;
use super::{admissible, integers, CalibrateError};
use crate::elem::Interval;
use crate::float::FloatTensor;
use crate::graph::{Graph, NodeId, Op, Params, Rescale, StepId};
use crate::ops::quantize::pinned;
use crate::ops::quantize::scale::{ratio, Admissible};
use crate::tensor::IntTensor;
use std::cell::OnceCell;

/// Each pass raises every step that is too fine, so few are needed.
const PASSES: usize = 40;
/// A step is raised by a little more than it lacks.
const MARGIN: f64 = 1.02;
/// A ratio that is missed by more than this at the lower end would clip too much.
const CLIP: f64 = 1.5;

pub(super) fn solve(
    graph: &Graph,
    weights: &[FloatTensor],
    start: &[Option<f64>],
) -> Result<Params, CalibrateError> {
    let sharing = Sharing::new(graph);
    let mut raise = vec![1.0; graph.steps.len()];
    let mut too_fine = None;
    for _ in 0..PASSES {
        let mut pass = Pass::new(graph, weights, &sharing, start, raise);
        (0..graph.nodes.len()).try_for_each(|id| pass.visit(id))?;
        if pass.too_fine.is_none() {
            return Ok(Params { rescales: pass.rescales, steps: pass.steps });
        }
        (raise, too_fine) = (pass.raise, pass.too_fine);
    }
    let name = too_fine.map_or_else(String::new, |n| graph.node(n).name.clone());
    Err(CalibrateError::NoConvergence { name })
}

/// The rescale whose ratio is nearest to `target`, where a ratio above it, which clips, counts three times.
fn nearest(a: &Admissible, target: f64) -> Option<Rescale> {
    let (near, below) = (a.choose(target)?, a.at_most(target));
    let off = |r: Rescale| (ratio(r) / target).ln();
    Some(below.filter(|b| -off(*b) < 3.0 * off(near)).unwrap_or(near))
}

struct Pass<'a> {
    graph: &'a Graph,
    weights: &'a [FloatTensor],
    sharing: &'a Sharing,
    start: &'a [Option<f64>],
    /// By step; those of solved steps are not read.
    steps: Vec<f64>,
    /// By weight, in the present steps.
    integers: Vec<OnceCell<IntTensor>>,
    /// By rescale, up to the present node.
    rescales: Vec<Rescale>,
    /// By node, up to the present one.
    bounds: Vec<Bound>,
    /// By step: how much coarser than at the start.
    raise: Vec<f64>,
    /// A quantisation that a finer step than its window allows is forced upon.
    too_fine: Option<NodeId>,
}

impl<'a> Pass<'a> {
    fn new(
        graph: &'a Graph,
        weights: &'a [FloatTensor],
        sharing: &'a Sharing,
        start: &'a [Option<f64>],
        raise: Vec<f64>,
    ) -> Self {
        // A tensor of zeros fits any step.
        let steps = start.iter().zip(&raise).map(|(s, r)| s.unwrap_or(1.0 / 128.0) * r).collect();
        Self {
            graph,
            weights,
            sharing,
            start,
            steps,
            integers: weights.iter().map(|_| OnceCell::new()).collect(),
            rescales: vec![Rescale { m: 1, s: 1 }; graph.rescales.len()],
            bounds: Vec::with_capacity(graph.nodes.len()),
            raise,
            too_fine: None,
        }
    }

    fn visit(&mut self, id: NodeId) -> Result<(), CalibrateError> {
        if let (Op::Quantize { param, .. }, Some(a)) = (&self.graph.node(id).op, admissible(self.graph, id)) {
            self.rescales[*param] = self.choose(id, *param, &a)?;
        }
        let b = self.bound(id);
        self.bounds.push(b);
        Ok(())
    }

    fn choose(&mut self, id: NodeId, param: usize, a: &Admissible) -> Result<Rescale, CalibrateError> {
        let pin = pinned(a, self.graph.rescales[param].rule);
        if let Some(r) = pin.map_err(|_| self.no_scale(id, f64::NAN, a))? {
            check(self.graph, id, r, self.accumulator(id))?;
            return Ok(r);
        }
        match self.graph.ty(id).step.alone().filter(|s| !self.graph.steps.solved.contains_key(s)) {
            Some(step) => self.free(id, step, a),
            None => self.tied(id, a),
        }
    }

    /// The result's step follows the rescale.
    fn free(&mut self, id: NodeId, step: StepId, a: &Admissible) -> Result<Rescale, CalibrateError> {
        let acc = self.graph.node(id).args[0];
        let (least, most) = a.ratios().ok_or_else(|| self.no_scale(id, f64::NAN, a))?;
        // Zero on all samples: whatever the window allows.
        let wanted = |this: &Self| match this.start[step] {
            Some(_) => this.step(acc) / this.steps[step],
            None => this.cap(id, a),
        };
        let mut target = wanted(self);
        if target * CLIP < least {
            let weight = self.sharing.private_weight(acc, &self.sharing.steps[id]);
            let weight = weight.ok_or_else(|| self.no_scale(id, target, a))?;
            self.scale_weight(weight, least / target, acc);
            target = wanted(self);
        }
        let target = target.clamp(least, most);
        let fit = |r: &Rescale| fits(self.accumulator(id), a.window, *r);
        let r = nearest(a, target)
            .filter(fit)
            .or_else(|| a.at_most(target.min(self.cap(id, a))).filter(fit))
            .or_else(|| a.at_most(least * 1.5).filter(fit))
            .ok_or_else(|| self.no_scale(id, target, a))?;
        self.steps[step] = self.step(acc) / ratio(r);
        Ok(r)
    }

    /// The result's step is another tensor's.
    fn tied(&mut self, id: NodeId, a: &Admissible) -> Result<Rescale, CalibrateError> {
        let (acc, out) = (self.graph.node(id).args[0], &self.sharing.steps[id]);
        let target = self.step(acc) / self.step(id);
        let r = match self.sharing.private_weight(acc, out) {
            Some(weight) => {
                let r = a.at_least(target).or_else(|| a.at_most(target));
                let r = r.ok_or_else(|| self.no_scale(id, target, a))?;
                self.scale_weight(weight, ratio(r) / target, acc);
                r
            }
            None => a.choose(target).ok_or_else(|| self.no_scale(id, target, a))?,
        };
        if !fits(self.accumulator(id), a.window, r) {
            let free = out.alone().ok_or_else(|| self.no_scale(id, target, a))?;
            let lacks = ratio(r) / self.cap(id, a);
            self.raise[free] *= lacks.max(1.0) * MARGIN;
            self.too_fine = Some(id);
        }
        Ok(r)
    }

    /// Changes the step of a weight that only the rescale of `acc` reads.
    fn scale_weight(&mut self, step: StepId, factor: f64, acc: NodeId) {
        self.steps[step] *= factor;
        for (integers, weight_step) in self.integers.iter_mut().zip(&self.sharing.weight_steps) {
            if weight_step.contains(step) {
                *integers = OnceCell::new();
            }
        }
        for id in self.linear_ancestors(acc) {
            self.bounds[id] = self.bound(id);
        }
    }

    /// The node and what it is made of by sums, products and views, ascending.
    fn linear_ancestors(&self, id: NodeId) -> Vec<NodeId> {
        let (mut open, mut found) = (vec![id], vec![false; id + 1]);
        while let Some(n) = open.pop() {
            let cut = self.graph.node(n).op.primitive().reads_steps();
            if !cut && !std::mem::replace(&mut found[n], true) {
                open.extend(&self.graph.node(n).args);
            }
        }
        (0..=id).filter(|&n| found[n]).collect()
    }

    fn bound(&self, id: NodeId) -> Bound {
        let weight = |i: usize| {
            self.integers[i].get_or_init(|| integers::saturated(self.graph, i, &self.weights[i], &self.steps))
        };
        let known = Known { graph: self.graph, weight: &weight, rescale: &|i| self.rescales[i] };
        bound(&known, id, &self.bounds)
    }

    fn step(&self, id: NodeId) -> f64 {
        self.sharing.steps[id].at(&self.steps)
    }

    /// What the accumulator of a quantisation holds for any input.
    fn accumulator(&self, id: NodeId) -> Interval {
        self.bounds[self.graph.node(id).args[0]].whole()
    }

    /// Below this ratio every accumulator stays inside the window.
    fn cap(&self, id: NodeId, a: &Admissible) -> f64 {
        let reach = (1u64 << (a.window - 1)) as f64 - 0.5;
        reach / self.accumulator(id).max_abs().max(1) as f64 * (1.0 - 1e-9)
    }

    fn no_scale(&self, id: NodeId, target: f64, a: &Admissible) -> CalibrateError {
        let (least, most) = a.ratios().unwrap_or((f64::NAN, f64::NAN));
        CalibrateError::NoScale { name: self.graph.node(id).name.clone(), target, least, most }
    }
}

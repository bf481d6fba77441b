//! Picks every rescale, in node order, and refines the steps so that integers and real numbers agree exactly.
//!
//! A quantisation with a free step takes the admissible (m, s) nearest to the wanted ratio, lowered to what the window
//! allows for any input, and its step becomes `step(acc) * 2^s / m`. One whose step is tied to another tensor's cannot
//! move: there the weight behind the accumulator, if nothing else reads it, changes its step by the few per cent that
//! m / 2^s misses.
//!
//! Where no admissible ratio serves, some tensor has a finer step than the rest of the model can follow, and is made
//! coarser; the pass runs again from the initial steps with that one raised:
//!
//! * a tied ratio that the window does not allow, or that is above all admissible ones: the result's step;
//! * a ratio below all admissible ones: one of the tensors behind the accumulator, that with the most bits to spare;
//! * a bias that its accumulator's step takes out of its element type: likewise.
//!
//! Raising only ever coarsens, and each condition is met once its step is coarse enough; so the passes end, but for a
//! branch that amplifies its own stream, without a normalisation, beyond what any window holds: there the accumulator grows
//! with the step that was to hold it ([`CalibrateError::NoConvergence`]).

use super::cache::Cache;
use super::completeness::{check, fits};
use super::sharing::Sharing;
use super::stats::Stats;
use super::{admissible, integers, CalibrateError};
use crate::elem::Interval;
use crate::float::FloatTensor;
use crate::graph::{Graph, NodeId, Op, Params, Rescale, Step, StepId};
use crate::ops::quantize::pinned;
use crate::ops::quantize::scale::{ratio, Admissible};
use crate::tensor::IntTensor;

/// Each pass raises every step that is too fine, so few are needed; one costs what changed since the last.
const PASSES: usize = 100;
/// A step is raised by a little more than it lacks.
const MARGIN: f64 = 1.02;
/// A ratio that is missed by more than this at the lower end would clip too much.
const CLIP: f64 = 1.5;
/// How much a unit grows that is too small for a function.
const UNIT_GROWTH: f64 = 4.0;
/// A step raised by more follows what it was raised for: no step is coarse enough.
const RUNAWAY: f64 = 1e100;
/// A tied ratio above all admissible ones is missed by at most this.
const EDGE: f64 = 1.02;

/// Parameters and the integer weights that belong to them.
pub(super) fn solve(
    graph: &Graph,
    weights: &[FloatTensor],
    stats: &[Stats],
    start: &[Option<f64>],
) -> Result<(Params, Vec<IntTensor>), CalibrateError> {
    let sharing = Sharing::new(graph);
    let mut cache = Cache::new(graph, weights);
    let mut raise = vec![1.0; graph.steps.len()];
    let mut too_fine = None;
    for _ in 0..PASSES {
        let mut pass = Pass::new(graph, &sharing, &mut cache, stats, start, raise);
        (0..graph.nodes.len()).try_for_each(|id| pass.visit(id))?;
        pass.fit_forced_weights();
        pass.fit_functions();
        if pass.raise.iter().any(|r| *r > RUNAWAY) {
            return Err(no_convergence(graph, pass.too_fine));
        }
        if pass.too_fine.is_none() {
            let Pass { rescales, steps, .. } = pass;
            for (w, float) in weights.iter().enumerate() {
                integers::check(graph, w, float, &steps)?;
            }
            let integers = cache.into_integers(&sharing, &steps);
            return Ok((Params { rescales, steps }, integers));
        }
        (raise, too_fine) = (pass.raise, pass.too_fine);
    }
    Err(no_convergence(graph, too_fine))
}

fn no_convergence(graph: &Graph, node: Option<NodeId>) -> CalibrateError {
    let name = node.map_or_else(String::new, |n| graph.node(n).name.clone());
    CalibrateError::NoConvergence { name }
}

/// The rescale whose ratio is nearest to `target`, where a ratio above it, which clips, counts three times.
fn nearest(a: &Admissible, target: f64) -> Option<Rescale> {
    let (near, below) = (a.choose(target)?, a.at_most(target));
    let off = |r: Rescale| (ratio(r) / target).ln();
    Some(below.filter(|b| -off(*b) < 3.0 * off(near)).unwrap_or(near))
}

struct Pass<'a, 'g> {
    graph: &'a Graph,
    sharing: &'a Sharing,
    cache: &'a mut Cache<'g>,
    /// By node.
    stats: &'a [Stats],
    start: &'a [Option<f64>],
    /// By step; those of solved steps are not read.
    steps: Vec<f64>,
    /// By rescale, up to the present node.
    rescales: Vec<Rescale>,
    /// By step: how much coarser than at the start.
    raise: Vec<f64>,
    /// By step: that of `steps`. Several nodes may ask for the same step to be raised; each says what it lacks of this, and
    /// the most counts, not the product.
    present: Vec<f64>,
    /// A node that a finer step is forced upon than it can have.
    too_fine: Option<NodeId>,
}

impl<'a, 'g> Pass<'a, 'g> {
    fn new(
        graph: &'a Graph,
        sharing: &'a Sharing,
        cache: &'a mut Cache<'g>,
        stats: &'a [Stats],
        start: &'a [Option<f64>],
        raise: Vec<f64>,
    ) -> Self {
        // A tensor of zeros fits any step.
        let steps = start.iter().zip(&raise).map(|(s, r)| s.unwrap_or(1.0 / 128.0) * r).collect();
        cache.expire(0..graph.nodes.len());
        let rescales = vec![Rescale { m: 1, s: 1 }; graph.rescales.len()];
        let present = raise.clone();
        Self { graph, sharing, cache, stats, start, steps, rescales, raise, present, too_fine: None }
    }

    fn visit(&mut self, id: NodeId) -> Result<(), CalibrateError> {
        if let (Op::Quantize { param, .. }, Some(a)) = (&self.graph.node(id).op, admissible(self.graph, id)) {
            self.rescales[*param] = self.choose(id, *param, &a)?;
        }
        Ok(())
    }

    fn choose(&mut self, id: NodeId, param: usize, a: &Admissible) -> Result<Rescale, CalibrateError> {
        let pin = pinned(a, self.graph.rescales[param].rule);
        if let Some(r) = pin.map_err(|_| self.no_scale(id, f64::NAN, a))? {
            return self.pinned(id, r, a);
        }
        match self.graph.ty(id).step.alone().filter(|s| !self.graph.steps.solved.contains_key(s)) {
            Some(step) => self.free(id, step, a),
            None => self.tied(id, a),
        }
    }

    /// The source says which; only coarser weights make its accumulator smaller.
    fn pinned(&mut self, id: NodeId, r: Rescale, a: &Admissible) -> Result<Rescale, CalibrateError> {
        let bound = self.accumulator(id);
        if !fits(bound, a.window, r) {
            let acc = self.graph.node(id).args[0];
            let lacks = ratio(r) / self.cap(id, a);
            if !self.coarsen(id, &self.sharing.steps[acc], &Step::constant(1.0), lacks, true) {
                check(self.graph, id, r, bound)?;
            }
        }
        Ok(r)
    }

    /// The result's step follows the rescale.
    fn free(&mut self, id: NodeId, step: StepId, a: &Admissible) -> Result<Rescale, CalibrateError> {
        let acc = self.graph.node(id).args[0];
        let (least, most) = a.ratios().ok_or_else(|| self.no_scale(id, f64::NAN, a))?;
        // Zero on all samples: whatever the window allows.
        let wanted = |this: &mut Self| match this.start[step] {
            Some(_) => this.step(acc) / this.steps[step],
            None => this.cap(id, a) / this.raise[step],
        };
        let mut target = wanted(self);
        if target * CLIP < least {
            self.reach_least(id, target, least, a)?;
            target = wanted(self);
        }
        let target = target.clamp(least, most);
        let window = a.window;
        let bound = self.accumulator(id);
        let fit = |r: &Rescale| fits(bound, window, *r);
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
        let (least, most) = a.ratios().ok_or_else(|| self.no_scale(id, f64::NAN, a))?;
        if self.step(acc) / self.step(id) * CLIP < least {
            self.reach_least(id, self.step(acc) / self.step(id), least, a)?;
        }
        let target = self.step(acc) / self.step(id);
        let no_scale = self.no_scale(id, target, a);
        if target > most * EDGE && self.raise_result(id, target / most) {
            // This pass is lost for this node; what comes behind may still find what it needs.
            return a.at_most(target).ok_or(no_scale);
        }
        let r = match self.sharing.private_weight(acc, out) {
            Some(weight) => {
                let r = a.at_least(target).or_else(|| a.at_most(target)).ok_or(no_scale)?;
                self.scale_weight(weight, ratio(r) / target, acc);
                r
            }
            None => a.choose(target.max(least)).ok_or(no_scale)?,
        };
        if !fits(self.accumulator(id), a.window, r) {
            let cap = self.cap(id, a);
            if self.stats[id].max_abs() == 0.0 {
                // Zero on all samples: no ratio is wrong for those, and what other inputs give is clamped.
                return a.at_most(cap).ok_or_else(|| self.no_scale(id, cap, a));
            }
            let lacks = (ratio(r) / cap).max(1.0);
            if !self.raise_result(id, lacks) {
                return Err(no_convergence(self.graph, Some(id)));
            }
        }
        Ok(r)
    }

    /// Coarsens something behind the accumulator until the ratio `target` of its step to the result's is at least `least`.
    fn reach_least(
        &mut self,
        id: NodeId,
        target: f64,
        least: f64,
        a: &Admissible,
    ) -> Result<(), CalibrateError> {
        let acc = self.graph.node(id).args[0];
        let (of, out) = (&self.sharing.steps[acc], &self.sharing.steps[id]);
        let widest = self.widest(of, out, false);
        let private = self.sharing.private_weight(acc, out);
        match (widest.first(), private) {
            // At once and exactly, if nothing else has more to spare; a bias may need more on top of it, so it is kept.
            // Without anything to spare the branch is below its stream's resolution: its weight becomes zero, and what
            // lies before it stays as it is.
            (Some(&(spare, ..)), Some(w)) if spare <= self.spare(w).max(0.0) => {
                self.raise[w] *= least / target;
                self.present[w] *= least / target;
                self.scale_weight(w, least / target, acc);
            }
            _ if self.coarsen(id, of, out, least / target, false) => {}
            _ => return Err(self.no_scale(id, target, a)),
        }
        Ok(())
    }

    /// Makes the tied step of a result coarser; whether that changes the ratio.
    fn raise_result(&mut self, id: NodeId, lacks: f64) -> bool {
        let acc = &self.sharing.steps[self.graph.node(id).args[0]];
        let Some(free) = self.sharing.steps[id].alone() else { return false };
        if acc.powers.get(&free).is_some_and(|&power| power >= 1) {
            return false;
        }
        self.raise_to(id, free, lacks * MARGIN);
        true
    }

    /// Makes the tensor behind `of` that has the most bits to spare coarser, so that `of / than` grows, by up to `factor`;
    /// whether there is one. No further than to the bits of the next: another pass goes on from there.
    fn coarsen(&mut self, id: NodeId, of: &Step, than: &Step, factor: f64, weights: bool) -> bool {
        let widest = self.widest(of, than, weights);
        let Some(&(spare, power, step)) = widest.first() else { return false };
        let factor = factor.max(1.0).powf(1.0 / power as f64) * MARGIN;
        let next = widest.get(1).map_or(f64::INFINITY, |w| (spare - w.0).max(1.0).exp2());
        self.raise_to(id, step, factor.min(next));
        true
    }

    /// The next pass starts with this step coarser by `factor` than now, or by more if another node asked for that.
    fn raise_to(&mut self, id: NodeId, step: StepId, factor: f64) {
        self.raise[step] = self.raise[step].max(self.present[step] * factor);
        self.too_fine = Some(id);
    }

    /// (bits to spare, power, step) of the free steps whose growth makes `of / than` grow; the most to spare first.
    fn widest(&self, of: &Step, than: &Step, weights: bool) -> Vec<(f64, i32, StepId)> {
        let net = |(&id, &power): (&StepId, &i32)| (id, power - than.powers.get(&id).unwrap_or(&0));
        let grows = |(id, power): (StepId, i32)| {
            let may = power >= 1 && (!weights || self.sharing.is_weight(id));
            may.then(|| (self.spare(id), power, id))
        };
        let mut found: Vec<_> = of.powers.iter().map(net).filter_map(grows).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.2.cmp(&a.2)));
        found
    }

    fn spare(&self, step: StepId) -> f64 {
        self.sharing.bits[step] as f64 - self.raise[step].log2()
    }

    /// A weight that was forced into the step of what it is added to must fit its element type.
    fn fit_forced_weights(&mut self) {
        for (w, decl) in self.graph.weights.iter().enumerate() {
            if !integers::is_forced(self.graph, w) {
                continue;
            }
            let (range, s) = (self.graph.ty(decl.node).interval, &self.stats[decl.node]);
            let step = self.step(decl.node);
            let over = |v: f32, end: i64| match (v as f64 / step).round() {
                // A little less than the end: the float that rounds to it need not.
                u if u > end as f64 => u / (end as f64).max(0.5),
                _ => 1.0,
            };
            let lacks = over(s.max, range.hi).max(over(-s.min, -range.lo));
            if lacks > 1.0 {
                // Where nothing can give way, `integers::check` names the weight.
                self.coarsen(decl.node, &self.sharing.weight_steps[w], &Step::constant(1.0), lacks, false);
            }
        }
    }

    /// A function that has no table for so fine a unit gets a coarser one.
    fn fit_functions(&mut self) {
        let params = Params { rescales: self.rescales.clone(), steps: self.steps.clone() };
        for (id, node) in self.graph.nodes.iter().enumerate() {
            if let (Some(&x), false) =
                (node.args.first(), node.op.primitive().admits_steps(self.graph, &params, id))
            {
                // Where nothing can give way, lowering says what is wrong.
                self.coarsen(id, &self.sharing.steps[x], &Step::constant(1.0), UNIT_GROWTH, false);
            }
        }
    }

    /// Changes the step of a weight that only the rescale of `acc` reads.
    fn scale_weight(&mut self, step: StepId, factor: f64, acc: NodeId) {
        self.steps[step] *= factor;
        self.cache.expire(self.linear_ancestors(acc));
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

    fn step(&self, id: NodeId) -> f64 {
        self.sharing.steps[id].at(&self.steps)
    }

    /// What the accumulator of a quantisation holds for any input.
    fn accumulator(&mut self, id: NodeId) -> Interval {
        let acc = self.graph.node(id).args[0];
        self.cache.bound(acc, self.sharing, &self.steps, &self.rescales).whole()
    }

    /// Below this ratio every accumulator stays inside the window.
    fn cap(&mut self, id: NodeId, a: &Admissible) -> f64 {
        let reach = (1u64 << (a.window - 1)) as f64 - 0.5;
        reach / self.accumulator(id).max_abs().max(1) as f64 * (1.0 - 1e-9)
    }

    fn no_scale(&self, id: NodeId, target: f64, a: &Admissible) -> CalibrateError {
        let (least, most) = a.ratios().unwrap_or((f64::NAN, f64::NAN));
        CalibrateError::NoScale { name: self.graph.node(id).name.clone(), target, least, most }
    }
}

//! The prover's side of the batched sumcheck.

use super::fold::{fold, Role, Weights};
use super::operand::Operand;
use super::shape::{constraint_weights, eval_round};
use super::verifier::idle;
use super::{EinsumError, EinsumPoint, EinsumProof, Instance, OutputPools, Shape};
use crate::cells::Cells;
use crate::field::{eq_table, pow2, F};
use crate::transcript::{Tag, Transcript};
use num_traits::{One, Zero};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use stwo::core::channel::Channel;
use zkml_ir::plan::{Axis, Factor, Plan};

/// The products of a plan during the sumcheck, wherever they are kept: for each
/// `scale * sum_x,k eq(x) a(x, k) b(x, k)` over what is not bound yet.
pub trait Products {
    /// The sum of each, `scale` included, before the first round.
    fn claims(&self) -> Vec<F>;

    /// Coefficients 0, 2 and 3 of the sum of the round polynomials of all products of at least `left` variables, of which
    /// `left` are not bound: the polynomials are in the first of these.
    fn round(&mut self, left: usize) -> Result<[F; 3], EinsumError>;

    /// Binds that variable.
    fn bind(&mut self, left: usize, r: F) -> Result<(), EinsumError>;

    /// Both factors of each once all variables are bound.
    fn operands(&self) -> Result<Vec<[F; 2]>, EinsumError>;
}

/// Runs the argument. `cells` gives every tensor's cells, public ones too.
pub fn prove<'a, C: Channel>(
    t: &mut Transcript<C>,
    plan: &Plan,
    cells: impl Fn(usize) -> &'a Cells + Sync,
) -> (EinsumProof, EinsumPoint) {
    prove_products(t, plan, |shape, pools, scales| Ok(InMemory::new(shape, pools, scales, plan, cells)))
        .expect("memory does not fail")
}

/// [`prove`] over products that are kept elsewhere. `build` folds both factors of every product over the output axes that
/// only one of them has, and gives each its scale.
pub fn prove_products<C: Channel, P: Products>(
    t: &mut Transcript<C>,
    plan: &Plan,
    build: impl FnOnce(&Shape, &OutputPools, &[F]) -> Result<P, EinsumError>,
) -> Result<(EinsumProof, EinsumPoint), EinsumError> {
    let shape = Shape::new(plan);
    let pools = OutputPools::draw(t, plan);
    let gamma = t.draw();
    let weights = constraint_weights(gamma, plan.constraints.len());
    let scale = |i: &Instance| weights[i.constraint] * i.scale(&pools) * idle(&shape, i.vars);
    let scales: Vec<F> = shape.instances.iter().map(scale).collect();
    let mut products = tracing::info_span!("fold").in_scope(|| build(&shape, &pools, &scales))?;

    // The claim on the sum over all rounds' variables; an idle round halves a product's share and sums it twice.
    let claims = products.claims();
    let share = |(&claim, i): (&F, &Instance)| claim * F::from(pow2(shape.rounds - i.vars));
    let sum = claims.iter().zip(&shape.instances).map(share).fold(F::zero(), |a, b| a + b);
    t.absorb_felts(Tag::OutputClaim, &[sum]);

    let (mut rounds, mut messages) = (vec![], vec![]);
    let mut claim = sum;
    for round in 0..shape.rounds {
        let left = shape.rounds - round;
        let mut message = products.round(left)?;
        // Idle: constant in this variable and in the idle ones after it.
        for (&claim, i) in claims.iter().zip(&shape.instances).filter(|(_, i)| i.vars < left) {
            message[0] += claim * F::from(pow2(left - 1 - i.vars));
        }
        t.absorb_felts(Tag::EinsumRound, &message);
        let r = t.draw();
        products.bind(left, r)?;
        claim = eval_round(message, claim, r);
        messages.push(message);
        rounds.push(r);
    }
    let operands = products.operands()?;
    debug_assert_eq!(
        claim,
        shape
            .instances
            .iter()
            .zip(&scales)
            .zip(&operands)
            .fold(F::zero(), |sum, ((i, &s), [a, b])| { sum + s * i.batch_eq(&pools, &rounds) * *a * *b }),
        "the last round's claim is the products' value"
    );
    t.absorb_felts(Tag::OperandClaims, &operands.concat());
    Ok((EinsumProof { sum, rounds: messages, operands }, EinsumPoint { pools, gamma, rounds }))
}

/// Products in memory.
struct InMemory {
    states: Vec<State>,
    vars: Vec<usize>,
}

impl InMemory {
    fn new<'a>(
        shape: &Shape,
        pools: &OutputPools,
        scales: &[F],
        plan: &Plan,
        cells: impl Fn(usize) -> &'a Cells + Sync,
    ) -> Self {
        let build = |(i, &scale): (&Instance, &F)| {
            State::new(i, pools, scale, |f| fold_factor(i, f, pools, plan, &cells))
        };
        let states = shape.instances.par_iter().zip(scales).map(build).collect();
        Self { states, vars: shape.instances.iter().map(|i| i.vars).collect() }
    }
}

impl Products for InMemory {
    fn claims(&self) -> Vec<F> {
        self.states.iter().map(|s| s.claim).collect()
    }

    fn round(&mut self, left: usize) -> Result<[F; 3], EinsumError> {
        let active = self.states.par_iter().zip(&self.vars).filter(|(_, &vars)| vars >= left);
        let add = |x: [F; 3], y: [F; 3]| [x[0] + y[0], x[1] + y[1], x[2] + y[2]];
        Ok(active.map(|(s, _)| s.round()).reduce(|| [F::zero(); 3], add))
    }

    fn bind(&mut self, left: usize, r: F) -> Result<(), EinsumError> {
        let active = self.states.par_iter_mut().zip(&self.vars).filter(|(_, &vars)| vars >= left);
        active.for_each(|(s, _)| s.bind(r));
        Ok(())
    }

    fn operands(&self) -> Result<Vec<[F; 2]>, EinsumError> {
        Ok(self.states.iter().map(|s| [s.a.first(), s.b.first()]).collect())
    }
}

/// A product during the sumcheck.
struct State {
    /// Already bound eq factors, gamma's power, coefficient, indicators, idle rounds.
    scale: F,
    /// eq over the unbound batch variables.
    eq: Vec<F>,
    a: Operand,
    b: Operand,
    /// The claim before the first round, `scale` included.
    claim: F,
}

/// What becomes of the axes of a factor.
pub struct Folding {
    pub axes: Vec<Axis>,
    /// One for each axis.
    pub roles: Vec<Role>,
    /// Elements of the operand, the last variable fastest.
    pub len: usize,
}

impl Folding {
    /// `weights` gives those at this point, so many of them: instances share points.
    pub fn new(
        i: &Instance,
        factor: &Factor,
        pools: &OutputPools,
        mut weights: impl FnMut(&[F], usize) -> Arc<Weights>,
    ) -> Self {
        // Strides of the summed axes, the last variable fastest.
        let mut strides = std::collections::BTreeMap::new();
        let mut len = 1;
        for &k in i.summed_axes().iter().rev() {
            strides.insert(k, len);
            len <<= i.axis(k).vars();
        }
        let mut role = |&k: &usize| match strides.get(&k) {
            Some(&stride) => Role::Kept { stride },
            None => {
                let a = i.axis(k);
                Role::Folded(weights(&pools.axis_coords(k, a), a.extent()))
            }
        };
        Self { axes: i.factor_axes(factor), roles: factor.axes.iter().map(&mut role).collect(), len }
    }
}

/// A factor folded over its own output axes.
fn fold_factor<'a>(
    i: &Instance,
    factor: &Factor,
    pools: &OutputPools,
    plan: &Plan,
    cells: impl Fn(usize) -> &'a Cells,
) -> Operand {
    let weights = |point: &[F], n: usize| Arc::new(Weights::at(point, n));
    let Folding { axes, roles, len } = Folding::new(i, factor, pools, weights);
    if let Some(ints) = Operand::ints(&factor.expr, &axes, &roles, len, plan, &cells) {
        return ints;
    }
    Operand::Field(fold(&factor.expr, &axes, &roles, len, plan, cells))
}

impl State {
    fn new(i: &Instance, pools: &OutputPools, scale: F, fold: impl Fn(&Factor) -> Operand) -> Self {
        let a = fold(&i.product.a);
        let b = if i.product.a == i.product.b { a.clone() } else { fold(&i.product.b) };
        let [a, b] = Operand::alike(a, b);
        let eq = eq_table(&i.batch_point(pools));
        let inner = a.len() / eq.len();
        let dot = |x: usize| a.dot(&b, x * inner..(x + 1) * inner) * eq[x];
        let sum = (0..eq.len()).into_par_iter().with_min_len(256).map(dot).reduce(F::zero, |x, y| x + y);
        Self { scale, eq, a, b, claim: scale * sum }
    }

    /// Coefficients 0, 2 and 3 of the round polynomial in the first unbound variable.
    fn round(&self) -> [F; 3] {
        let half = self.a.len() / 2;
        let quadratic = |range: Range<usize>| self.a.quadratic(&self.b, range);
        let add = |x: [F; 3], y: [F; 3]| [x[0] + y[0], x[1] + y[1], x[2] + y[2]];
        if self.eq.len() == 1 {
            let chunks = half.div_ceil(CHUNK);
            let q = (0..chunks)
                .into_par_iter()
                .map(|c| quadratic(c * CHUNK..half.min((c + 1) * CHUNK)))
                .reduce(|| [F::zero(); 3], add);
            return [self.scale * q[0], self.scale * q[2], F::zero()];
        }
        let eq_half = self.eq.len() / 2;
        let inner = half / eq_half;
        let terms = |x: usize| {
            let e0 = self.eq[x];
            let e1 = self.eq[x + eq_half] - e0;
            let [low, mid, high] = quadratic(x * inner..(x + 1) * inner);
            [e0 * low, e0 * high + e1 * mid, e1 * high]
        };
        let c = (0..eq_half)
            .into_par_iter()
            .with_min_len(CHUNK.div_ceil(inner))
            .map(terms)
            .reduce(|| [F::zero(); 3], add);
        c.map(|v| self.scale * v)
    }

    fn bind(&mut self, r: F) {
        if self.eq.len() > 1 {
            bind(&mut self.eq, r);
            if self.eq.len() == 1 {
                // The batch variables are done: their eq joins the scale.
                self.scale *= self.eq[0];
                self.eq[0] = F::one();
            }
        }
        self.a.bind(r);
        self.b.bind(r);
    }
}

/// Elements in one task.
const CHUNK: usize = 1 << 10;

pub(super) fn bind(v: &mut Vec<F>, r: F) {
    let half = v.len() / 2;
    let (low, high) = v.split_at_mut(half);
    low.par_chunks_mut(CHUNK).zip(high.par_chunks(CHUNK)).for_each(|(low, high)| {
        low.iter_mut().zip(high).for_each(|(l, h)| *l += r * (*h - *l));
    });
    v.truncate(half);
}

//! The verifier's side, and the linear claims that both sides are left with.

use super::shape::{constraint_weights, eval_round};
use super::{EinsumError, EinsumPoint, EinsumProof, OutputPools, Shape};
use crate::claims::Functional;
use crate::field::{pow2, F};
use crate::transcript::{Tag, Transcript};
use num_traits::Zero;
use zkml_ir::plan::Plan;

/// Checks the sumcheck. The operands and the sum are left to be opened: see [`claims`].
pub fn verify(t: &mut Transcript, plan: &Plan, proof: &EinsumProof) -> Result<EinsumPoint, EinsumError> {
    let shape = Shape::new(plan);
    if proof.rounds.len() != shape.rounds {
        return Err(EinsumError::Rounds { expected: shape.rounds, got: proof.rounds.len() });
    }
    if proof.operands.len() != shape.instances.len() {
        return Err(EinsumError::Operands { expected: shape.instances.len(), got: proof.operands.len() });
    }
    let pools = OutputPools::draw(t, plan);
    let gamma = t.draw();
    t.absorb_felts(Tag::OutputClaim, &[proof.sum]);
    // The products have their claims as one sum: a further challenge is not needed, gamma came before it.
    let mut claim = proof.sum;
    let mut rounds = Vec::with_capacity(shape.rounds);
    for message in &proof.rounds {
        t.absorb_felts(Tag::EinsumRound, message);
        let r = t.draw();
        claim = eval_round(*message, claim, r);
        rounds.push(r);
    }
    let weights = constraint_weights(gamma, plan.constraints.len());
    // sum_t gamma^c coef eq(r_x, s_x) a b, each with the factor of the rounds that it sat out: a product constant in u
    // variables is summed 2^u times, so each idle round halves its share. It enters with 1/2^u.
    let expected = shape.instances.iter().zip(&proof.operands).fold(F::zero(), |sum, (i, [a, b])| {
        sum + weights[i.constraint]
            * i.scale(&pools)
            * i.batch_eq(&pools, &rounds)
            * *a
            * *b
            * idle(&shape, i.vars)
    });
    if claim != expected {
        return Err(EinsumError::FinalClaim);
    }
    t.absorb_felts(Tag::OperandClaims, &proof.operands.concat());
    Ok(EinsumPoint { pools, gamma, rounds })
}

/// `2^-(rounds that a product sits out)`. It is then part of the sum over all variables exactly once.
pub(super) fn idle(shape: &Shape, vars: usize) -> F {
    let inverse = (31 - (shape.rounds - vars) % 31) % 31; // 2^31 = 1
    F::from(pow2(inverse))
}

/// Adds the argument's linear claims to `f`, each times the next power of eta, and returns what they must add up to:
///
/// * `sum_c gamma^c linear_c(r) = -sum`;
/// * each factor at its point equals its operand.
pub fn claims(
    f: &mut Functional,
    powers: &mut impl Iterator<Item = F>,
    plan: &Plan,
    proof: &EinsumProof,
    at: &EinsumPoint,
) -> F {
    let mut power = || powers.next().expect("powers do not end");
    let first = power();
    let weights = constraint_weights(at.gamma, plan.constraints.len());
    for (c, w) in plan.constraints.iter().zip(weights) {
        f.add(first * w, &c.linear, &at.pools.point(c));
    }
    let mut value = -first * proof.sum;
    for (i, operands) in Shape::new(plan).instances.iter().zip(&proof.operands) {
        for (factor, v) in [&i.product.a, &i.product.b].into_iter().zip(operands) {
            let p = power();
            let axes = i.factor_axes(factor);
            f.add(p, &factor.expr, &i.factor_point(factor, &axes, &at.pools, &at.rounds));
            value += p * *v;
        }
    }
    value
}

/// Coordinates of the output point, for the error bound: each constraint's extension has degree one in each.
pub fn output_vars(plan: &Plan) -> usize {
    plan.constraints.iter().map(|c| c.space.axes().iter().map(|a| a.vars()).sum()).max().unwrap_or(0)
}

/// Degree times rounds, for the error bound (DESIGN 5.7).
pub fn degree_rounds(plan: &Plan) -> usize {
    3 * Shape::new(plan).rounds
}

//! All constraints of all layers in one batched sumcheck (DESIGN 5.3).
//!
//! A constraint says `linear(o) + sum_t coef_t sum_k a_t(o, k) b_t(o, k) = 0` for every cell o of its space. Both sides
//! evaluate its multilinear extension at a random r. The linear part is a linear claim on stored cells. In a product the
//! output axes that only one factor has are fixed to r at once (they fold into that factor); what is left is
//!
//! ```text
//! sum over batch axes x and contracted axes k of  eq(r_x, x) a(x, r_i, k) b(x, r_j, k)
//! ```
//!
//! The products of all constraints, scaled by powers of gamma, run in one sumcheck. It ends in the values of both
//! factors of each product at one point, which are linear claims again.
//!
//! # Shared challenges
//! The k-th output axis of every constraint takes its coordinates from the k-th pool of output challenges, lowest bit
//! first, and every product takes the last rounds of the sumcheck, so operands of equal shape and place end at equal
//! points in all layers, which is what makes their opening cheap. Sharing *between* constraints is sound, since each is a
//! polynomial identity of its own. *Within* a constraint every digit has its own coordinate: pools differ by axis. If
//! both axes of a square matrix shared coordinates, an antisymmetric error would vanish at every such point.

mod error;
#[cfg(feature = "prover")]
mod fold;
#[cfg(feature = "prover")]
mod operand;
#[cfg(feature = "prover")]
mod prover;
mod shape;
#[cfg(all(test, feature = "prover"))]
mod tests;
mod verifier;

pub use error::EinsumError;
#[cfg(feature = "prover")]
pub use fold::{folded_constant, ones, Nest, Role, Step, Weights};
#[cfg(feature = "prover")]
pub use prover::{prove, prove_products, Folding, Products};
pub use shape::{Instance, OutputPools, Shape};
pub use verifier::{claims, degree_rounds, output_vars, verify};

use crate::field::F;

/// What the prover sends: the claimed sum of all products, the round polynomials (coefficients 0, 2 and 3; the linear one
/// follows from the claim), and both factors of each product at the final point.
#[derive(Clone, Debug, PartialEq)]
pub struct EinsumProof {
    pub sum: F,
    pub rounds: Vec<[F; 3]>,
    pub operands: Vec<[F; 2]>,
}

/// The challenges of a finished argument.
#[derive(Clone, Debug, PartialEq)]
pub struct EinsumPoint {
    pub pools: OutputPools,
    pub gamma: F,
    /// One challenge per round.
    pub rounds: Vec<F>,
}

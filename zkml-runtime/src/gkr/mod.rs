//! LogUp by GKR: one fraction tree over all lookups, one over all tables.
//!
//! A lookup argument holds if, at a random alpha, the lookups' fractions `1 / (alpha - value)` add up to the tables'
//! `multiplicity / (alpha - entry)` (Haboeck, eprint 2022/1530). Both sums are computed by a binary tree of fraction
//! additions, and the trees are proven layer by layer from the root (Papini-Haboeck, "Improving logarithmic derivative
//! lookups using GKR", eprint 2023/1284, section 3; GKR in Thaler, "Proofs, Arguments, and Zero-Knowledge", section
//! 4.6). Nothing is committed. What remains is a claim on each tree's leaves at one point, that is, on the columns.
//!
//! # Leaves
//! A block of `2^k` leaves has `den[i] = constant - sum_j weight_j * column_j[i]`. Blocks stand one after the other, the
//! larger first, so that each begins at a multiple of its size. A lookup leaf is `1 / den`, a table leaf is
//! `-multiplicity / den`. The leaves beyond the last block are `1 / 1` in the lookup tree, which keeps "every
//! numerator is one" true of all of its leaves, and `0 / 1` in the table tree.
//!
//! # The sum check
//! With L lookups in a tree of `2^n` leaves the roots `(nl, dl)` and `(nt, dt)` must satisfy
//!
//! ```text
//! dl != 0,  dt != 0,  nl dt + nt dl - (2^n - L) dl dt = 0
//! ```
//!
//! # A layer
//! A node is the sum of its children: `num = n0 d1 + n1 d0`, `den = d0 d1`. So a claim `num + lambda den` on a layer at a
//! point z is a sum over the nodes x of the layer, to be proven by sumcheck:
//!
//! ```text
//! claim = sum_x eq(z, x) (n0 d1 + n1 d0 + lambda d0 d1)(x)
//! ```
//!
//! Both trees share every sumcheck, joined by a challenge gamma. They are aligned at the leaves: the smaller one joins
//! late, and where it has fewer variables than the sumcheck its claim is multiplied by `2^unused`.
//!
//! # Order of the variables
//! Sixteen leaves share a vector. The vector's index is bound from its lowest bit up, then the four bits of the
//! position in the vector from the highest down: neighbouring vectors pair without shuffling lanes, and the smaller
//! tree sees the same challenges for the same bits. [`GkrShape`] holds these rules, and [`TreeClaim`] gives its point
//! in the usual order, most significant bit first.

mod error;
mod proof;
#[cfg(feature = "prover")]
mod prover;
mod shape;
mod verifier;
mod weights;

pub use error::{GkrError, Tree};
pub use proof::{Fraction, GkrClaims, GkrLayer, GkrProof, Round, TreeClaim};
#[cfg(feature = "prover")]
pub use prover::{gate_scalar, prove, prove_trees, Arrays, Gate, Layers, LeafBlock, Scalars, TableBlock};
pub use shape::{GkrShape, MAX_LOG_LEAVES};
pub use verifier::verify;
pub use weights::{block_weights, BlockWeight, LeafWeights};

#[cfg(all(test, feature = "prover"))]
mod tests;

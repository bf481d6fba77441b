//! What every commitment and opening under one key shares.

use stwo::core::poly::circle::{CanonicCoset, CircleDomain};
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::circle::{CircleEvaluation, PolyOps};
use stwo::prover::poly::twiddles::TwiddleTree;

use crate::pcs::statement::{Params, ParamsError};

/// Twiddles of the evaluation domain, and buffers that outlive a proof.
pub struct ProverContext {
    pub(super) params: Params,
    pub(super) twiddles: TwiddleTree<SimdBackend>,
    pub(super) pool: BaseColumnPool<SimdBackend>,
}

impl ProverContext {
    pub fn new(params: Params) -> Result<Self, ParamsError> {
        params.check()?;
        let domain = CanonicCoset::new(params.log_domain()).circle_domain();
        let twiddles = SimdBackend::precompute_twiddles(domain.half_coset);
        Ok(Self { params, twiddles, pool: BaseColumnPool::new() })
    }

    pub fn params(&self) -> &Params {
        &self.params
    }

    pub(super) fn trace_domain(&self) -> CircleDomain {
        CanonicCoset::new(self.params.log_rows).circle_domain()
    }

    pub(super) fn evaluation_domain(&self) -> CircleDomain {
        CanonicCoset::new(self.params.log_domain()).circle_domain()
    }

    /// The low-degree extension of values on the trace domain.
    pub(super) fn extend(&self, values: BaseColumn) -> BaseColumn {
        let buffer = self.pool.take_or_alloc(self.params.log_domain());
        let values = CircleEvaluation::new(self.trace_domain(), values);
        let poly = SimdBackend::interpolate(values, &self.twiddles);
        SimdBackend::evaluate_into(&poly, self.evaluation_domain(), &self.twiddles, buffer).values
    }

    /// Keeps the buffer of an extension for the next one.
    pub(super) fn recycle(&self, extension: BaseColumn) {
        self.pool.give_back(self.params.log_domain(), extension);
    }
}

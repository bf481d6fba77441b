//! What every commitment and opening under one key shares.

use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::{CanonicCoset, CircleDomain};
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::circle::{CircleCoefficients, CircleEvaluation, PolyOps};
use stwo::prover::poly::twiddles::{TwiddleBuffer, TwiddleTree};

use crate::pcs::component::inverse_twiddles;
use crate::pcs::statement::{Params, ParamsError};

/// Twiddles of the evaluation domain, and buffers that outlive a proof.
pub struct ProverContext {
    pub(super) params: Params,
    pub(super) twiddles: TwiddleTree<SimdBackend>,
    pub(super) inverse_twiddles: Vec<BaseField>,
    composition_twiddles: TwiddleTree<SimdBackend>,
    pool: BaseColumnPool<SimdBackend>,
}

impl ProverContext {
    pub fn new(params: Params) -> Result<Self, ParamsError> {
        params.check()?;
        let domain = CanonicCoset::new(params.log_domain()).circle_domain();
        let twiddles = SimdBackend::precompute_twiddles(domain.half_coset);
        let coset = CanonicCoset::new(params.log_rows);
        Ok(Self {
            params,
            inverse_twiddles: inverse_twiddles(coset.half_coset()),
            composition_twiddles: composition_twiddles(&params, &twiddles),
            twiddles,
            pool: BaseColumnPool::new(),
        })
    }

    pub fn params(&self) -> &Params {
        &self.params
    }

    pub(super) fn trace_domain(&self) -> CircleDomain {
        CanonicCoset::new(self.params.log_rows).circle_domain()
    }

    pub(in crate::pcs) fn evaluation_domain(&self) -> CircleDomain {
        CanonicCoset::new(self.params.log_domain()).circle_domain()
    }

    /// The first `2^(b+1)` points of the evaluation domain in bit-reversed order: all of it at blow-up 2, a circle
    /// domain that is not canonic beyond.
    pub(super) fn composition_domain(&self) -> CircleDomain {
        self.evaluation_domain().split(self.params.level.log_blowup() - 1).0
    }

    /// The coefficients of values on the trace domain.
    pub(super) fn interpolate(&self, values: BaseColumn) -> CircleCoefficients<SimdBackend> {
        SimdBackend::interpolate(CircleEvaluation::new(self.trace_domain(), values), &self.twiddles)
    }

    /// The coefficients of values on the composition domain.
    pub(super) fn interpolate_composition(&self, values: BaseColumn) -> CircleCoefficients<SimdBackend> {
        let values = CircleEvaluation::new(self.composition_domain(), values);
        SimdBackend::interpolate(values, &self.composition_twiddles)
    }

    /// Values on the evaluation domain.
    pub(super) fn evaluate(&self, poly: &CircleCoefficients<SimdBackend>) -> BaseColumn {
        let buffer = self.pool.take_or_alloc(self.params.log_domain());
        SimdBackend::evaluate_into(poly, self.evaluation_domain(), &self.twiddles, buffer).values
    }

    /// The low-degree extension of values on the trace domain.
    pub(in crate::pcs) fn extend(&self, values: BaseColumn) -> BaseColumn {
        self.evaluate(&self.interpolate(values))
    }

    /// Keeps the buffer of an extension for the next one.
    pub(super) fn recycle(&self, extension: BaseColumn) {
        self.pool.give_back(self.params.log_domain(), extension);
    }
}

/// For interpolation only, as stwo's accumulator does it.
fn composition_twiddles(params: &Params, twiddles: &TwiddleTree<SimdBackend>) -> TwiddleTree<SimdBackend> {
    let domain = CanonicCoset::new(params.log_domain()).circle_domain();
    let subdomain = domain.split(params.level.log_blowup() - 1).0;
    TwiddleTree {
        root_coset: subdomain.half_coset,
        twiddles: TwiddleBuffer::empty(),
        itwiddles: twiddles.itwiddles.extract_subdomain_twiddles(domain.log_size(), subdomain.log_size()),
    }
}

//! The domains of an opening, as the device needs them.

use crate::{CudaError, Device};
use cudarc::driver::CudaSlice;
use stwo::core::circle::Coset;
use stwo::core::constraints::coset_vanishing;
use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::{CanonicCoset, CircleDomain};
use stwo::core::utils::bit_reverse_index;
use zkml_runtime::pcs::{inverse_twiddles, Params};

/// Inverse factors of the circle FFT on each domain that values are interpolated or folded on, all of them bit-reversed
/// prefixes of the evaluation domain.
pub(crate) struct Domains {
    /// The evaluation domain, which FRI folds.
    pub all: CudaSlice<u32>,
    /// Its first `2^(b+1)` points, on which the constraint's quotient is computed.
    pub composition: CudaSlice<u32>,
    /// The inverses of the two values that the trace domain's vanishing polynomial takes there.
    pub vanishing: [BaseField; 2],
    /// Its first `2^b` points, on which the samples' quotients are, and their coordinates.
    pub rows: CudaSlice<u32>,
    pub points: [CudaSlice<u32>; 2],
}

impl Domains {
    pub fn new(device: &Device, params: &Params) -> Result<Self, CudaError> {
        let (log_rows, log_blowup) = (params.log_rows, params.level.log_blowup());
        let domain = CanonicCoset::new(params.log_domain()).circle_domain();
        let composition = domain.split(log_blowup - 1).0;
        let rows = domain.split(log_blowup).0;
        let factors = |coset: Coset| {
            let words: Vec<u32> = inverse_twiddles(coset).into_iter().map(|f| f.0).collect();
            device.upload("twiddles", &words)
        };
        let trace = CanonicCoset::new(log_rows).coset();
        Ok(Self {
            all: factors(domain.half_coset)?,
            composition: factors(composition.half_coset)?,
            vanishing: [0, 1].map(|i| coset_vanishing(trace, composition.at(i)).inverse()),
            rows: factors(rows.half_coset)?,
            points: points(device, rows)?,
        })
    }
}

/// x and y of a domain's points in bit-reversed order.
fn points(device: &Device, domain: CircleDomain) -> Result<[CudaSlice<u32>; 2], CudaError> {
    let log = domain.log_size();
    let (x, y): (Vec<u32>, Vec<u32>) =
        (0..domain.size()).map(|i| domain.at(bit_reverse_index(i, log))).map(|p| (p.x.0, p.y.0)).unzip();
    Ok([device.upload("points", &x)?, device.upload("points", &y)?])
}

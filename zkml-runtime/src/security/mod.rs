//! Security levels: FRI parameters, and the proven error of a whole proof under them.
//!
//! `PcsConfig::default()` is 13 bits and is used nowhere. `FriConfig::security_bits()` counts one bit per query and
//! unit of `log_blowup`, which rests on the capacity conjecture, disproved in 2025. What stands here is proven, in
//! the unique decoding regime.

mod accepted;

pub use accepted::AcceptedLevel;

use std::fmt;

use stwo::core::fri::FriConfig;
use stwo::core::pcs::PcsConfig;
use thiserror::Error;

/// log2 |QM31|.
const LOG_FIELD: f64 = 124.0;

/// The least sum of errors, in bits, that a proven level accepts.
pub const MIN_PROVEN_BITS: f64 = 92.0;

/// FRI samples of the opening beside one per claimed column: four prefix-sum columns at three points each (stwo
/// repeats the current row), and eight composition columns.
pub const OPENING_SAMPLES: usize = 4 * 3 + 8;

/// Below 6 the unique-decoding bound on so small a domain leaves fewer than 92 bits.
pub const MIN_LOG_ROWS: u32 = 6;
pub const MAX_LOG_ROWS: u32 = 24;

const FOLD_STEP: u32 = 3;
const MAX_LOG_LAST_LAYER: u32 = 6;

/// How much a proof is trusted to prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[repr(u32)]
pub enum SecurityLevel {
    /// Proven: blow-up 2, 190 queries, 20 bits of grinding.
    #[default]
    Proven = 1,
    /// Proven: blow-up 4, 116 queries, 20 bits of grinding. Smaller proofs, slower commitments.
    ProvenCompact = 2,
    /// **Conjectured** 96 bits (one bit a query at blow-up 2, and 16 of grinding); about 49 bits are proven. The
    /// conjecture that this rests on is false in general. For development, not for adversaries.
    Conjectured96 = 3,
}

impl SecurityLevel {
    pub const ALL: [Self; 3] = [Self::Proven, Self::ProvenCompact, Self::Conjectured96];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::ProvenCompact => "proven-compact",
            Self::Conjectured96 => "conjectured-96",
        }
    }

    /// Whether the level is held to [`MIN_PROVEN_BITS`].
    pub const fn is_proven(self) -> bool {
        !matches!(self, Self::Conjectured96)
    }

    pub const fn log_blowup(self) -> u32 {
        match self {
            Self::Proven | Self::Conjectured96 => 1,
            Self::ProvenCompact => 2,
        }
    }

    pub const fn n_queries(self) -> usize {
        match self {
            Self::Proven => 190,
            Self::ProvenCompact => 116,
            Self::Conjectured96 => 80,
        }
    }

    pub const fn pow_bits(self) -> u32 {
        match self {
            Self::Proven | Self::ProvenCompact => 20,
            Self::Conjectured96 => 16,
        }
    }

    /// The parameters for columns of `2^log_rows` rows. Every tree is expected at the one height `log_rows +
    /// log_blowup`: with `None` a smaller tree would make honest proofs fail.
    pub fn pcs_config(self, log_rows: u32) -> PcsConfig {
        let log_last_layer = MAX_LOG_LAST_LAYER.min(log_rows.saturating_sub(FOLD_STEP));
        PcsConfig {
            pow_bits: self.pow_bits(),
            fri_config: FriConfig::new(log_last_layer, self.log_blowup(), self.n_queries(), FOLD_STEP),
            lifting_log_size: Some(log_rows + self.log_blowup()),
        }
    }

    /// The proven error of a proof, term by term; refused if a proven level falls short.
    pub fn assess(self, counts: &Counts) -> Result<SecurityReport, SecurityError> {
        let report = SecurityReport::new(self, counts);
        let got = report.sum_bits();
        if self.is_proven() && got < MIN_PROVEN_BITS {
            return Err(SecurityError { level: self, expected: MIN_PROVEN_BITS, got });
        }
        Ok(report)
    }
}

impl fmt::Display for SecurityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is counted in the error of a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub log_rows: u32,
    /// Columns of all trees that are opened at one point.
    pub columns: usize,
    pub lookups: u64,
    /// Rows of all lookup tables.
    pub table_rows: u64,
    /// Degree of a fingerprint in beta: the widest table's arity.
    pub tuple_width: u64,
    /// Degree times rounds, over all sumchecks, GKR's included.
    pub sumcheck_degree_rounds: u64,
    /// Claims batched with powers of one challenge.
    pub claims: u64,
}

#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[error("security level `{level}` needs {expected:.1} bits, this model leaves {got:.1}")]
pub struct SecurityError {
    pub level: SecurityLevel,
    pub expected: f64,
    pub got: f64,
}

/// Each error term, in bits (`-log2`). Infinite where there is nothing to go wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecurityReport {
    pub level: SecurityLevel,
    /// `(1 - theta)^q * 2^-pow`
    pub queries: f64,
    /// `(m - 1) n / |F|`
    pub batching: f64,
    /// `sum_i (2^k_i - 1) n_{i+1} / |F|`
    pub folding: f64,
    /// `2n / |F|`
    pub out_of_domain: f64,
    /// `(N + (w + 1) T) / |F|`
    pub lookups: f64,
    /// `sum(degree * rounds) / |F|`
    pub sumchecks: f64,
    /// `claims / |F|`
    pub claims: f64,
}

impl SecurityReport {
    // With n = 2^L the size of the evaluation domain, rate the inverse of the blow-up, and theta the unique decoding
    // radius of the circle code (Circle STARKs, Habock, Levit, Papini 2024, section 4; correlated agreement of
    // curves up to this radius, Ben-Sasson et al. 2020, theorems 1.5 and 6.1: batching and folding combine by powers):
    //     1 - theta = (1 + rate) / 2 + 3 / (2n).
    fn new(level: SecurityLevel, counts: &Counts) -> Self {
        let config = level.pcs_config(counts.log_rows);
        let log_n = counts.log_rows + level.log_blowup();
        let n = f64::from(log_n).exp2();
        let rate = 1.0 / f64::from(1u32 << level.log_blowup());
        let agreement = (1.0 + rate) / 2.0 + 3.0 / (2.0 * n);
        let over_field = |numerator: f64| LOG_FIELD - numerator.log2();
        let samples = (counts.columns + OPENING_SAMPLES) as f64;

        let folding: f64 = fold_steps(counts.log_rows, &config)
            .scan(log_n, |log_size, k| {
                *log_size -= k;
                Some((f64::from(k).exp2() - 1.0) * f64::from(*log_size).exp2())
            })
            .sum();
        Self {
            level,
            queries: -agreement.log2() * level.n_queries() as f64 + f64::from(level.pow_bits()),
            batching: over_field((samples - 1.0) * n),
            folding: over_field(folding),
            out_of_domain: over_field(2.0 * n),
            // A tuple that is no row has the fingerprint of one at beta with probability w T / |F|. If it has not,
            // sum_i 1 / (X - f_i) - sum_j m_j / (X - g_j) has a pole there, and over the common denominator a numerator of
            // degree below N + T, which alpha must hit.
            lookups: over_field((counts.lookups + (counts.tuple_width + 1) * counts.table_rows) as f64),
            sumchecks: over_field(counts.sumcheck_degree_rounds as f64),
            claims: over_field(counts.claims as f64),
        }
    }

    pub fn terms(&self) -> [(&'static str, f64); 7] {
        [
            ("queries and grinding", self.queries),
            ("batching", self.batching),
            ("folding", self.folding),
            ("out of domain", self.out_of_domain),
            ("lookups", self.lookups),
            ("sumchecks", self.sumchecks),
            ("claims", self.claims),
        ]
    }

    /// The bits of the sum of all errors: the interactive soundness.
    pub fn sum_bits(&self) -> f64 {
        -self.terms().iter().map(|(_, bits)| (-bits).exp2()).sum::<f64>().log2()
    }

    /// The least of the terms: the figure that counts after Fiat-Shamir. A term that spans several rounds is taken
    /// whole, so this is a lower bound.
    pub fn round_by_round_bits(&self) -> f64 {
        self.terms().iter().map(|(_, bits)| *bits).fold(f64::INFINITY, f64::min)
    }
}

impl fmt::Display for SecurityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = if self.level.is_proven() { "proven" } else { "proven (the level is conjectured)" };
        writeln!(
            f,
            "security level {}: {:.1} bits {status}, round by round {:.1}",
            self.level,
            self.sum_bits(),
            self.round_by_round_bits()
        )?;
        for (name, bits) in self.terms() {
            writeln!(f, "  {name:<22}{bits:>7.1}")?;
        }
        Ok(())
    }
}

/// The folds of FRI, from the circle to the last layer: `fold_step` at a time, the last one by what is left.
pub(crate) fn fold_steps(log_rows: u32, config: &PcsConfig) -> impl Iterator<Item = u32> {
    let fri = config.fri_config;
    let mut left = log_rows.saturating_sub(fri.log_last_layer_degree_bound);
    std::iter::from_fn(move || {
        let step = left.min(fri.fold_step);
        left -= step;
        (step > 0).then_some(step)
    })
}

#[cfg(test)]
mod tests;

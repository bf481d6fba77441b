//! The lengths inside an opening proof, all of which follow from public parameters.

use super::statement::Params;
use crate::security::fold_steps;

/// Samples of the four prefix-sum columns: the previous row and the current one.
pub(super) const SUMS_COLUMNS: usize = 4;
/// Two halves of the composition polynomial, four coordinates each.
pub(super) const COMPOSITION_COLUMNS: usize = 8;

/// One committed layer of FRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FriLayerShape {
    pub log_domain: u32,
    pub fold_step: u32,
}

/// What a proof under `params` over trees of `n_columns` looks like.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub rounds: usize,
    /// Columns of every tree: the given ones, prefix sums, composition.
    pub columns: Vec<usize>,
    pub fri_layers: Vec<FriLayerShape>,
    pub last_layer: usize,
    /// Distinct queries are at most this many: fewer when two fall on one position.
    pub max_queries: usize,
    pub log_domain: u32,
}

impl Layout {
    pub fn new(params: &Params, n_columns: &[usize]) -> Self {
        let config = params.config();
        let mut columns = n_columns.to_vec();
        columns.extend([SUMS_COLUMNS, COMPOSITION_COLUMNS]);
        let fri_layers = fold_steps(params.log_rows, &config)
            .scan(params.log_domain(), |log_size, fold_step| {
                let layer = FriLayerShape { log_domain: *log_size, fold_step };
                *log_size -= fold_step;
                Some(layer)
            })
            .collect();
        Self {
            rounds: params.log_rows as usize,
            columns,
            fri_layers,
            last_layer: 1 << config.fri_config.log_last_layer_degree_bound,
            max_queries: config.fri_config.n_queries.min(1 << params.log_domain()),
            log_domain: params.log_domain(),
        }
    }

    /// Each query can need every other point of its fold.
    pub fn max_witness(&self, layer: &FriLayerShape) -> usize {
        self.max_queries * ((1 << layer.fold_step) - 1)
    }

    /// Each query can need one sibling at every height.
    pub fn max_path(&self, log_domain: u32) -> usize {
        self.max_queries * log_domain as usize
    }
}

//! A model's weights, committed once for all proofs.

use super::columns::columns;
use super::Prover;
use crate::cells::Cells;
use crate::pcs::{commit_in, CommittedTree, Store};
use crate::protocol::{Key, ProveError, System};
use rayon::prelude::*;
use std::sync::Arc;
use zkml_ir::layout::Tree;
use zkml_ir::plan::{Source, Space};
use zkml_ir::tensor::IntTensor;

/// Weights as cells and as a committed tree: made once, borrowed by every proof.
#[derive(Clone)]
pub struct CommittedWeights {
    /// By the model's weights.
    pub(super) cells: Arc<Vec<Cells>>,
    pub(super) tree: Arc<CommittedTree>,
    key: Key,
}

impl CommittedWeights {
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The same tree under another system that lays the weights out alike.
    ///
    /// # Panics
    /// If it does not.
    pub fn under(&self, own: &System, other: &System) -> Self {
        assert_eq!(own.weight_placements(), other.weight_placements(), "one tree, two layouts");
        Self { key: Key { digest: other.digest().0, ..self.key.clone() }, ..self.clone() }
    }
}

/// Commits a model's weights, given by the model's weight index. Their extension, eight bytes a weight at blow-up 2, is
/// kept in `store`.
pub fn commit_weights(
    prover: &Prover,
    weights: &[IntTensor],
    store: &Store,
) -> Result<CommittedWeights, ProveError> {
    let _span = tracing::info_span!("commit weights").entered();
    let system = &prover.system;
    let (by_tensor, cells) = weight_cells(system, weights);
    let columns = columns(system.layout(), Tree::Weights, |t| &cells[by_tensor[t]], &[]);
    let tree = commit_in(store, columns, &prover.context)?;
    let key = Key {
        root: tree.root().0,
        columns: system.layout().columns_of(Tree::Weights),
        digest: system.digest().0,
    };
    Ok(CommittedWeights { cells: Arc::new(cells), tree: Arc::new(tree), key })
}

/// The cells of a model's weights, and by the plan's tensors, which of them each is.
pub fn weight_cells(system: &System, weights: &[IntTensor]) -> (Vec<usize>, Vec<Cells>) {
    let mut spaces: Vec<Option<&Space>> = vec![None; weights.len()];
    let mut by_tensor = vec![usize::MAX; system.plan().tensors.len()];
    for (t, decl) in system.plan().tensors.iter().enumerate() {
        if let Source::Weight(i) = decl.source {
            spaces[i] = Some(&decl.axes);
            by_tensor[t] = i;
        }
    }
    let cells = spaces
        .par_iter()
        .zip(weights)
        .map(|(space, w)| Cells::from_tensor(space.expect("every weight is a tensor of the plan"), w));
    (by_tensor, cells.collect())
}

//! What an opening claims, in public terms.

use stwo::core::pcs::PcsConfig;
use thiserror::Error;

use super::F;
use crate::security::{fold_steps, SecurityLevel, MAX_LOG_ROWS, MIN_LOG_ROWS};

/// Fixed by a key: the height of every column, and the security level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// `b`: every column of every tree has `2^b` rows.
    pub log_rows: u32,
    pub level: SecurityLevel,
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("columns of 2^{got} rows, expected 2^{min} to 2^{max}")]
pub struct ParamsError {
    pub min: u32,
    pub max: u32,
    pub got: u32,
}

impl Params {
    pub fn check(&self) -> Result<(), ParamsError> {
        if !(MIN_LOG_ROWS..=MAX_LOG_ROWS).contains(&self.log_rows) {
            return Err(ParamsError { min: MIN_LOG_ROWS, max: MAX_LOG_ROWS, got: self.log_rows });
        }
        Ok(())
    }

    pub fn config(&self) -> PcsConfig {
        self.level.pcs_config(self.log_rows)
    }

    /// How often each committed layer of FRI is folded.
    pub fn fold_steps(&self) -> Vec<u32> {
        fold_steps(self.log_rows, &self.config()).collect()
    }

    /// log2 of the size of the domain that columns are extended to, which is the height of every Merkle tree.
    pub fn log_domain(&self) -> u32 {
        self.log_rows + self.level.log_blowup()
    }
}

/// `weight * sum over lo of eq(point, lo) * column[slot * 2^t + lo]`, with the point of its [`Group`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub tree: usize,
    pub column: usize,
    pub slot: usize,
    pub weight: F,
}

/// Terms at one point of `t <= b` coordinates, the first of which belongs to the most significant bit of `lo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub point: Vec<F>,
    pub terms: Vec<Term>,
}

/// A claim about something that was never committed. The caller's mistake, not the proof's.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StatementError {
    #[error("no trees to open")]
    NoTrees,
    #[error("{expected} trees by their roots, {got} by their column counts")]
    Trees { expected: usize, got: usize },
    #[error("tree {tree} has no columns")]
    NoColumns { tree: usize },
    #[error("group {group}: point of {got} coordinates, columns have {max} variables")]
    Point { group: usize, max: usize, got: usize },
    #[error("group {group}, term {term}: tree {got} of {expected}")]
    Tree { group: usize, term: usize, expected: usize, got: usize },
    #[error("group {group}, term {term}: column {got} of {expected}")]
    Column { group: usize, term: usize, expected: usize, got: usize },
    #[error("group {group}, term {term}: slot {got} of {expected}")]
    Slot { group: usize, term: usize, expected: usize, got: usize },
}

pub(super) fn check(params: &Params, n_columns: &[usize], groups: &[Group]) -> Result<(), StatementError> {
    if n_columns.is_empty() {
        return Err(StatementError::NoTrees);
    }
    if let Some(tree) = n_columns.iter().position(|&n| n == 0) {
        return Err(StatementError::NoColumns { tree });
    }
    let max = params.log_rows as usize;
    for (group, Group { point, terms }) in groups.iter().enumerate() {
        if point.len() > max {
            return Err(StatementError::Point { group, max, got: point.len() });
        }
        let slots = 1usize << (max - point.len());
        for (term, &Term { tree, column, slot, .. }) in terms.iter().enumerate() {
            let Some(&columns) = n_columns.get(tree) else {
                return Err(StatementError::Tree { group, term, expected: n_columns.len(), got: tree });
            };
            if column >= columns {
                return Err(StatementError::Column { group, term, expected: columns, got: column });
            }
            if slot >= slots {
                return Err(StatementError::Slot { group, term, expected: slots, got: slot });
            }
        }
    }
    Ok(())
}

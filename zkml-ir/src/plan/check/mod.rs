//! The soundness rule (DESIGN 5.9): what makes equality in the field equality of integers.
//!
//! The prover's arguments establish relations modulo p. They say something about integers only if no two integers that
//! the cells can express differ by a multiple of p and satisfy the same relation. [`check`] establishes that of a plan,
//! from the declared ranges of its tensors alone:
//!
//! 1. every view addresses cells of its tensor, each digit once ([`structure`]);
//! 2. every committed tensor is in its declared range, for the reason that its [`BoundBy`] names ([`bounds`]);
//! 3. the whole left side of every constraint lies strictly inside (-p, p), so it is zero if it is zero modulo p;
//! 4. a lookup's entry and the table's column differ by less than p, so they are equal if they are equal modulo p.
//!
//! The reasons of (2) are followed without circles. Prover and verifier both run this on every plan.

mod bounds;
mod interval;
mod limits;
mod structure;

pub(crate) use interval::linear as reach;

use super::{BoundBy, Plan};
use crate::elem::{Interval, P};
use thiserror::Error;

/// An argument holds fewer lookups and table rows: GKR counts leaves modulo p.
pub const MAX_LOOKUPS: u64 = 1 << 30;

/// Why a plan would not be sound.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckError {
    #[error("`{name}`: {what}")]
    Structure { name: String, what: String },
    #[error("`{name}` ({by:?}): {what}")]
    Unbounded { name: String, by: BoundBy, what: String },
    #[error("constraint `{name}` reaches {reach}: it could wrap, the field holds (-{P}, {P})")]
    Wraps { name: String, reach: Interval },
    #[error(
        "lookup `{name}`, entry {entry}: {reach} against the table's {table} could wrap, the field holds {P}"
    )]
    EntryWraps { name: String, entry: usize, reach: Interval, table: Interval },
    #[error("{got} {what}, at most {max} are handled")]
    TooLarge { what: &'static str, max: u64, got: u64 },
    #[error("{got} lookups and table rows, fewer than {max} are sound")]
    TooMany { max: u64, got: u64 },
}

/// Holds a plan against the rule. Linear in the plan's size.
pub fn check(plan: &Plan) -> Result<(), CheckError> {
    structure::check(plan)?;
    limits::check(plan)?;
    let rows: u64 = plan.tables.iter().map(|t| 1u64 << t.log_rows()).sum();
    let got = plan.n_lookups().saturating_add(rows);
    if got >= MAX_LOOKUPS {
        return Err(CheckError::TooMany { max: MAX_LOOKUPS, got });
    }
    bounds::check(plan)?;
    for c in &plan.constraints {
        let reach = interval::constraint(plan, c);
        if reach.lo <= -P || reach.hi >= P {
            return Err(CheckError::Wraps { name: c.name.clone(), reach });
        }
    }
    for l in &plan.lookups {
        for (entry, e) in l.entries.iter().enumerate() {
            let reach = interval::linear(plan, e);
            let table = plan.tables[l.table].entry_range(entry);
            let gap = reach - table;
            if gap.lo <= -P || gap.hi >= P {
                return Err(CheckError::EntryWraps { name: l.name.clone(), entry, reach, table });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Lookup tables: public relations, computed by our own integer arithmetic on every machine alike.

use serde::{Deserialize, Serialize};

/// A table; its rows are a function of these parameters alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Table {}
impl Eq for Table {}

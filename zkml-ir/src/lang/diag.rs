//! What elaboration finds wrong.

use super::ast::Origin;
use std::fmt;

/// One mistake. `origin` is the smallest offending token of the elaborated module (never of a callee: a mistake inside
/// an inlined callee is reported at the call, and `notes` name the place).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub origin: Origin,
    /// One line, lower case, no full stop, names in backticks.
    pub message: String,
    /// The arithmetic behind it.
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.notes.iter().try_for_each(|n| write!(f, "\n  {n}"))?;
        self.help.iter().try_for_each(|h| write!(f, "\n  help: {h}"))
    }
}

//! How fast a machine proves.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What two parts of every proof take on a machine, by a probe of it: nanoseconds, all of its threads together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    pub threads: usize,
    /// For each cell that is extended and hashed.
    pub ns_cell: f64,
    /// For each lookup of the LogUp argument.
    pub ns_lookup: f64,
}

impl Machine {
    /// The machine whose constants an estimate is made of: two cores of an AMD EPYC of the fourth generation, with AVX-512.
    pub const REFERENCE: Self = Self { threads: 2, ns_cell: 8.4, ns_lookup: 16.3 };

    /// How many times longer than the reference it takes to commit.
    pub(super) fn commits(&self) -> f64 {
        self.ns_cell / Self::REFERENCE.ns_cell
    }

    /// How many times longer than the reference it takes to look up.
    pub(super) fn looks_up(&self) -> f64 {
        self.ns_lookup / Self::REFERENCE.ns_lookup
    }

    /// What a file says. Times that are no positive numbers are refused: an estimate by them says nothing.
    pub fn checked(self) -> Result<Self, MachineError> {
        for (field, value) in [("ns_cell", self.ns_cell), ("ns_lookup", self.ns_lookup)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(MachineError::Time { field, value });
            }
        }
        match self.threads {
            0 => Err(MachineError::Threads),
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.threads {
            1 => write!(f, "one thread")?,
            n => write!(f, "{n} threads")?,
        }
        let kind =
            if *self == Self::REFERENCE { "AMD EPYC of the fourth generation" } else { "this machine" };
        write!(f, " of {kind}")
    }
}

/// Why these are no times of a machine.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MachineError {
    #[error("expected nanoseconds greater than 0 in `{field}`, got {value}")]
    Time { field: &'static str, value: f64 },
    #[error("expected at least one thread in `threads`, got 0")]
    Threads,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_positive() {
        assert_eq!(Machine::REFERENCE.checked(), Ok(Machine::REFERENCE));
        let one = Machine { threads: 1, ns_cell: 4.5, ns_lookup: 1.0 };
        assert_eq!(one.checked().unwrap().to_string(), "one thread of this machine");
        assert_eq!(Machine { threads: 0, ..one }.checked(), Err(MachineError::Threads));
        let (field, value) = ("ns_cell", -2.0);
        assert_eq!(Machine { ns_cell: value, ..one }.checked(), Err(MachineError::Time { field, value }));
        assert!(Machine { ns_lookup: f64::NAN, ..one }.checked().is_err());
    }
}

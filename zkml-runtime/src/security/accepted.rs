//! Which levels a verifier takes.

use super::SecurityLevel;
use std::fmt;

/// The levels that a verifier takes from a key, whoever made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcceptedLevel {
    /// Every proven level, and no other.
    #[default]
    Proven,
    /// Exactly this one: the only way to accept a conjectured level.
    Exactly(SecurityLevel),
}

impl AcceptedLevel {
    pub fn accepts(self, level: SecurityLevel) -> bool {
        match self {
            Self::Proven => level.is_proven(),
            Self::Exactly(expected) => level == expected,
        }
    }
}

/// A proven level stands for all of them, a conjectured one for itself.
impl From<SecurityLevel> for AcceptedLevel {
    fn from(level: SecurityLevel) -> Self {
        match level.is_proven() {
            true => Self::Proven,
            false => Self::Exactly(level),
        }
    }
}

impl fmt::Display for AcceptedLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven => f.write_str("a proven one"),
            Self::Exactly(level) => write!(f, "`{level}`"),
        }
    }
}

//! What became of a checkpoint's names.

use std::collections::BTreeMap;
use std::fmt;

/// What [`super::FloatWeights::rename_family`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renamed {
    /// Old and new names of the tensors that have another name now.
    pub renamed: Vec<(String, String)>,
    pub dropped: Vec<Dropped>,
    /// Tensors that stayed although the family has none of that name, under their new names. None of a file that is of
    /// the family; all of a file that is of another.
    pub unknown: Vec<String>,
}

/// A tensor that is no weight of the family's models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// In the file.
    pub name: String,
    pub why: &'static str,
}

/// At most this many unknown names are listed.
const LISTED: usize = 20;

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors renamed, {} dropped", self.renamed.len(), self.dropped.len())?;
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for d in &self.dropped {
            reasons.entry(d.why).or_default().push(&d.name);
        }
        for (why, names) in &reasons {
            write!(f, "\n  {why}: `{}`", names[0])?;
            match names.len() - 1 {
                0 => {}
                more => write!(f, " and {more} more")?,
            }
        }
        if self.unknown.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = self.unknown.iter().take(LISTED).map(|n| format!("`{n}`")).collect();
        write!(f, "\n  not of the family: {}", shown.join(", "))?;
        match self.unknown.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

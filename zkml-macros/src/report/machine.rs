//! The machine that estimates are for.

use std::path::{Path, PathBuf};
use zkml_ir::cost::Machine;

/// What `ZKML_MACHINE` names: a file that the example `machine` wrote. `None` if it names none: estimates are for the
/// reference machine then.
pub(super) fn named() -> Option<Result<(Machine, PathBuf), String>> {
    let path = PathBuf::from(std::env::var_os("ZKML_MACHINE").filter(|v| !v.is_empty())?);
    Some(read(&path))
}

pub(super) fn read(path: &Path) -> Result<(Machine, PathBuf), String> {
    let about = |e: &dyn std::fmt::Display| format!("`ZKML_MACHINE` names `{}`: {e}", path.display());
    let path = std::path::absolute(path).map_err(|e| about(&e))?;
    let text = std::fs::read_to_string(&path).map_err(|e| about(&e))?;
    let machine: Machine = serde_json::from_str(&text).map_err(|e| about(&e))?;
    Ok((machine.checked().map_err(|e| about(&e))?, path))
}

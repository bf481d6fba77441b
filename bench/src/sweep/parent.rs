//! The process of a point, from outside. Whatever becomes of it is a row.

use super::child::Order;
use super::{Row, SweepError};
use std::path::Path;
use std::process::{Command, Stdio};

/// The option that makes this program a child.
pub const CHILD: &str = "--child";

/// Starts `program` for this order and waits. What kills the child, the system's memory killer included, ends its point only.
pub fn ask(program: &Path, order: &Order) -> Result<Row, SweepError> {
    let json = serde_json::to_string(order).map_err(SweepError::Answer)?;
    let child = Command::new(program)
        .args([CHILD, &json])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(SweepError::Start)?;
    if !child.status.success() {
        return Ok(Row::failed(&order.point, format!("the point's process ended with {}", child.status)));
    }
    let text = String::from_utf8_lossy(&child.stdout);
    let row = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok(row.unwrap_or_else(|| {
        Row::failed(&order.point, format!("expected a row from the point's process, got `{}`", text.trim()))
    }))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    #[test]
    fn a_child_that_says_nothing_is_a_row() {
        let order = Order { point: Grid::quick().base, runs: 1, limit: None };
        let error = |program: &str| ask(Path::new(program), &order).unwrap().error.unwrap();
        assert_eq!(error("false"), "the point's process ended with exit status: 1");
        assert!(error("true").starts_with("expected a row from the point's process"));
        assert!(matches!(ask(Path::new("/no such program"), &order), Err(SweepError::Start(_))));
    }
}

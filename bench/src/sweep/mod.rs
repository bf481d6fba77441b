//! The sweep: GPT-2 over its sizes, each point in a process of its own, to a table, plots and a fit.
//!
//! * [`grid`]: which points;
//! * [`child`]: one point measured, [`parent`]: its process started and its answer read;
//! * [`row`]: what is known of a point, [`table`]: all of it as CSV;
//! * [`series`]: rows that differ in one size only; [`plot`] draws them;
//! * [`fit`]: what a cell, a lookup and a weight cost; [`summary`]: that in words and tables.

pub mod child;
mod error;
pub mod fit;
pub mod grid;
pub mod parent;
pub mod plot;
pub mod row;
pub mod series;
pub mod summary;
pub mod table;

pub use error::SweepError;
pub use fit::{Fit, FitError};
pub use grid::{Grid, Point};
pub use row::Row;

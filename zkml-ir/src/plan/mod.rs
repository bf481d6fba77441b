//! What is proven: a system of integer relations over stored tensors.
//!
//! A [`Plan`] is the meeting point of the crates. Ops lower to it (`crate::ops`), the runtime proves it, and
//! [`check`] holds it against the soundness rule. It has four parts:
//!
//! * **tensors**: what is committed (weights, private inputs, trace) or public, each with its integer range;
//! * **tables**: public relations that cells are looked up in;
//! * **lookups**: tuples of affine expressions that must be a row of a table, for every cell of an index space;
//! * **constraints**: `linear + sum of products = 0` for every cell of an index space.
//!
//! Everything else (transposes, slices, broadcasts, sums, accumulators) is an expression over these: it is never
//! committed and costs nothing.

mod axis;
mod check;
mod expr;
mod view;

pub use axis::{Axis, Space};
pub(crate) use check::reach;
pub use check::{check, CheckError, MAX_LOOKUPS};
pub use expr::{Constraint, Factor, LinExpr, Lookup, Product, Term};
pub use view::{AxisMap, BitMap, OddDigit, View, ViewError};

use crate::elem::Interval;
use crate::tables::Table;
use serde::{Deserialize, Serialize};

/// Index of a tensor in [`Plan::tensors`].
pub type TensorId = usize;
/// Index of a table in [`Plan::tables`].
pub type TableId = usize;

/// Where a tensor's values come from, and who can see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Committed once by `setup`: the model's weight of this index.
    Weight(usize),
    /// Committed by each proof in the tree of private inputs: the model's input of this index.
    PrivateInput(usize),
    /// Committed by each proof in the trace tree.
    Trace,
    /// Known to the verifier: the model's input of this index.
    PublicInput(usize),
    /// Known to the verifier: the model's output of this index.
    PublicOutput(usize),
    /// Part of the model.
    Constant(Constant),
    /// Known to the verifier: the public input of this index, each cell as a row that is 1 at the column which the cell
    /// names. The last axis holds the columns, the others are those of the input.
    OneHotOf(usize),
}

/// A public tensor that both sides compute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constant {
    /// `[n, n]`, 1 where column <= row.
    CausalMask,
    /// Row i is 1 at column `index[i]`, or zero where `index[i] = columns`: a gather as a matrix. The extents of the first
    /// axes multiply to the number of rows, those of the others to `columns`; both count row-major.
    OneHot { columns: usize, index: Vec<u32> },
    /// Row-major values.
    Dense(Vec<i32>),
    /// `[n, n]`, 1 where row and column are less than `window` apart and, if causal, column <= row.
    Band { window: u32, causal: bool },
}

/// Why every cell of a tensor is an integer of its range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BoundBy {
    /// The verifier checks the values themselves, or computes them.
    Public,
    /// The model certificate.
    Certificate,
    /// Entry `entry` of lookup `lookup` is `+-cell + constant`, and the table's column bounds it.
    Lookup { lookup: usize, entry: usize },
    /// The cell is the exact value of constraint `constraint`, in which it stands alone with coefficient +-1.
    Exact { constraint: usize },
}

/// A tensor of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorDecl {
    /// For people: the op's path and the cell's role, `block[3].mlp.gelu/q`.
    pub name: String,
    pub source: Source,
    /// Stored axes, outermost first.
    pub axes: Space,
    pub range: Interval,
    pub bound: BoundBy,
}

impl TensorDecl {
    pub fn is_committed(&self) -> bool {
        matches!(self.source, Source::Weight(_) | Source::PrivateInput(_) | Source::Trace)
    }
}

/// A system of relations over stored tensors. See the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub tensors: Vec<TensorDecl>,
    pub tables: Vec<Table>,
    pub lookups: Vec<Lookup>,
    pub constraints: Vec<Constraint>,
    /// The real values of the model's free steps, bit by bit. No relation reads them: they say what the integers of a
    /// statement mean, and so are part of what the plan's digest binds.
    pub steps: Vec<u64>,
}

impl Plan {
    /// Number of looked-up tuples.
    pub fn n_lookups(&self) -> u64 {
        self.lookups.iter().map(|l| l.space.len() as u64).sum()
    }

    /// Cells of the tensors whose source satisfies `f`.
    pub fn cells(&self, f: impl Fn(&Source) -> bool) -> u64 {
        self.tensors.iter().filter(|t| f(&t.source)).map(|t| t.axes.len() as u64).sum()
    }
}

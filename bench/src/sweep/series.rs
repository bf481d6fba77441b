//! Rows that differ in one size only.

use super::{Point, Row};

/// The size that varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Seq,
    Layers,
    Width,
    Threads,
}

impl Axis {
    pub const ALL: [Self; 4] = [Self::Seq, Self::Layers, Self::Width, Self::Threads];

    pub fn name(self) -> &'static str {
        match self {
            Self::Seq => "tokens",
            Self::Layers => "layers",
            Self::Width => "width",
            Self::Threads => "threads",
        }
    }

    pub fn of(self, row: &Row) -> usize {
        let sizes = sizes(row);
        sizes[self as usize]
    }

    /// What stays the same, for a title.
    pub fn fixed(self, base: &Point) -> String {
        let sizes = sizes(&Row::of(base));
        let others = Self::ALL.into_iter().filter(|&a| a != self);
        others.map(|a| format!("{} {}", a.name(), sizes[a as usize])).collect::<Vec<_>>().join(", ")
    }

    /// The rows that differ from the base in this size at most, in its order.
    pub fn rows<'a>(self, rows: &'a [Row], base: &Point) -> Vec<&'a Row> {
        let base = sizes(&Row::of(base));
        let same = |row: &&Row| {
            let sizes = sizes(row);
            Self::ALL.into_iter().all(|a| a == self || sizes[a as usize] == base[a as usize])
        };
        let mut own: Vec<&Row> = rows.iter().filter(same).collect();
        own.sort_by_key(|row| self.of(row));
        own
    }

    /// The values of a column over this size, where there are any.
    pub fn values(self, rows: &[Row], base: &Point, column: fn(&Row) -> Option<f64>) -> Vec<(f64, f64)> {
        let value = |row: &&Row| Some((self.of(row) as f64, column(row)?));
        self.rows(rows, base).iter().filter_map(value).collect()
    }
}

/// In the order of [`Axis::ALL`].
fn sizes(row: &Row) -> [usize; 4] {
    [row.seq, row.layers, row.d, row.threads]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    #[test]
    fn the_base_is_in_all_of_them() {
        let grid = Grid::full();
        let rows: Vec<Row> = grid.points().iter().map(Row::of).collect();
        let of = |axis: Axis| axis.rows(&rows, &grid.base).iter().map(|row| axis.of(row)).collect::<Vec<_>>();
        assert_eq!(of(Axis::Seq), grid.seqs);
        assert_eq!(of(Axis::Layers), grid.layers);
        assert_eq!(of(Axis::Width), grid.widths);
        assert_eq!(of(Axis::Threads), grid.threads);
        assert_eq!(Axis::Seq.fixed(&grid.base), "layers 12, width 768, threads 2");
    }

    #[test]
    fn points_without_a_value_are_left_out() {
        let base = Grid::full().base;
        let rows = [
            Row { prove_ms: Some(2.0), ..Row::of(&base) },
            Row { seq: 16, prove_ms: Some(1.0), ..Row::of(&base) },
            Row { seq: 512, ..Row::of(&base) },
        ];
        assert_eq!(Axis::Seq.values(&rows, &base, |r| r.prove_ms), [(16.0, 1.0), (64.0, 2.0)]);
    }
}

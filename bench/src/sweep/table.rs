//! Rows as CSV, whole or not at all: a sweep that is interrupted leaves the table of the points before.

use super::{Row, SweepError};
use std::io::Write;
use std::path::Path;
use zkml_dsl::atomic_write;

pub fn write(path: &Path, rows: &[Row]) -> Result<(), SweepError> {
    let text = to_csv(rows)?;
    atomic_write(path, |w| w.write_all(&text)).map_err(SweepError::write(path))
}

pub fn read(path: &Path) -> Result<Vec<Row>, SweepError> {
    let rows = csv::Reader::from_path(path).and_then(|mut r| r.deserialize().collect());
    rows.map_err(|source| SweepError::Read { path: path.to_owned(), source })
}

fn to_csv(rows: &[Row]) -> Result<Vec<u8>, SweepError> {
    let mut w = csv::Writer::from_writer(vec![]);
    rows.iter().try_for_each(|row| w.serialize(row)).map_err(SweepError::Table)?;
    w.into_inner().map_err(|e| SweepError::Table(e.into_error().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.csv");
        let base = Grid::quick().base;
        let measured = Row {
            weights: Some(124_000_000),
            prove_ms: Some(1234.567),
            ratio: Some(0.1 + 0.2),
            ..Row::of(&base)
        };
        let refused = Row::failed(&base, "proving needs \"about\" 3.1 GiB,\n1.2 GiB are available".into());
        let rows = [measured, refused];
        write(&path, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("layers,seq,d,heads,vocab,threads,weights,cells,lookups,setup_ms,prove_ms,"));
        // Only the table is left of what was written on the way.
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_table_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.csv");
        std::fs::write(&path, "a,b\n1,2\n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("other.csv") && error.contains("layers"), "{error}");
    }
}

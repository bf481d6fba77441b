//! Low-degree extensions, kept for the rows that queries ask for and read nowhere else (DESIGN 5.10).
//!
//! They lie in blocks of sixteen columns, a row of a block in one piece: a query reads 64 bytes for sixteen values, from
//! memory or from a file. The file has no name: it goes when the tree goes, or the process.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc;

use stwo::core::fields::m31::BaseField;

/// Columns in a block: what one compression of a leaf takes in.
pub(super) const BLOCK: usize = 16;

/// One row of a block.
pub(super) type Row = [u32; BLOCK];

/// Where extensions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    Memory,
    /// An unnamed file in this folder.
    File(PathBuf),
}

enum Blocks {
    Memory(Vec<Vec<Row>>),
    File(File),
}

pub(super) struct Extension {
    blocks: Blocks,
    columns: usize,
    rows: usize,
}

impl Extension {
    pub fn new(store: &Store, columns: usize, rows: usize) -> io::Result<Self> {
        let blocks = match store {
            Store::Memory => Blocks::Memory(Vec::with_capacity(columns.div_ceil(BLOCK))),
            Store::File(folder) => Blocks::File(tempfile::tempfile_in(folder)?),
        };
        Ok(Self { blocks, columns, rows })
    }

    /// Takes in the blocks that `make` writes, while it goes on: a file is written by a thread of its own.
    pub fn fill(mut self, make: impl FnOnce(&mut Write)) -> io::Result<Self> {
        std::thread::scope(|scope| {
            let (full, blocks) = mpsc::sync_channel::<Vec<Row>>(1);
            let (back, empty) = mpsc::channel();
            let writer = scope.spawn(move || {
                for mut block in blocks {
                    self.push(&mut block)?;
                    // The maker may be done.
                    let _ = back.send(block);
                }
                Ok(self)
            });
            make(&mut Write { full, empty });
            // `Write` is gone, so the writer ends.
            writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Adds a block, and leaves a buffer.
    fn push(&mut self, block: &mut Vec<Row>) -> io::Result<()> {
        match &mut self.blocks {
            Blocks::Memory(blocks) => blocks.push(std::mem::take(block)),
            Blocks::File(file) => file.write_all(bytemuck::cast_slice(block))?,
        }
        Ok(())
    }

    /// The values of every column at each of these rows.
    pub fn rows(&self, rows: &[usize]) -> io::Result<Vec<Vec<BaseField>>> {
        let mut columns = vec![Vec::with_capacity(rows.len()); self.columns];
        for (block, columns) in columns.chunks_mut(BLOCK).enumerate() {
            for &row in rows {
                let values = self.row(block, row)?;
                columns.iter_mut().zip(values).for_each(|(c, v)| c.push(BaseField::from_u32_unchecked(v)));
            }
        }
        Ok(columns)
    }

    fn row(&self, block: usize, row: usize) -> io::Result<Row> {
        match &self.blocks {
            Blocks::Memory(blocks) => Ok(blocks[block][row]),
            Blocks::File(file) => {
                let mut out = Row::default();
                let at = (block * self.rows + row) * size_of::<Row>();
                file.read_exact_at(bytemuck::cast_slice_mut(&mut out), at as u64)?;
                Ok(out)
            }
        }
    }
}

/// Where blocks go.
pub(super) struct Write {
    full: mpsc::SyncSender<Vec<Row>>,
    empty: mpsc::Receiver<Vec<Row>>,
}

impl Write {
    /// Adds the block that `make` writes into a buffer. After a failure blocks are dropped: [`Extension::fill`] reports it.
    pub fn block(&mut self, make: impl FnOnce(&mut Vec<Row>)) {
        let mut rows = self.empty.try_recv().unwrap_or_default();
        make(&mut rows);
        let _ = self.full.send(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_memory_and_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for store in [Store::Memory, Store::File(folder.path().into())] {
            let extension = Extension::new(&store, 21, 8).unwrap();
            let extension = extension.fill(|write| {
                for block in 0..2u32 {
                    let row = |r: u32| std::array::from_fn(|c| 1000 * block + 100 * r + c as u32);
                    write.block(|rows| {
                        rows.clear();
                        rows.extend((0..8).map(row));
                    });
                }
            });
            let extension = extension.unwrap();
            let got = extension.rows(&[1, 6]).unwrap();
            assert_eq!(got.len(), 21);
            for (c, got) in got.iter().enumerate() {
                let at = |r: u32| BaseField::from(1000 * (c as u32 / 16) + 100 * r + c as u32 % 16);
                assert_eq!(*got, [at(1), at(6)]);
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        // A file that cannot be written: it is opened for reading.
        let name = folder.path().join("read");
        std::fs::write(&name, [0; 8]).unwrap();
        let blocks = Blocks::File(File::open(&name).unwrap());
        let unwritable = Extension { blocks, columns: 16, rows: 8 };
        let failed =
            unwritable.fill(|write| (0..9).for_each(|_| write.block(|rows| rows.resize(8, Row::default()))));
        assert!(failed.is_err());
        let short = Extension { blocks: Blocks::File(File::open(&name).unwrap()), columns: 16, rows: 8 };
        assert_eq!(short.rows(&[3]).err().unwrap().kind(), io::ErrorKind::UnexpectedEof);

        let missing = Store::File(folder.path().join("nowhere"));
        assert!(Extension::new(&missing, 1, 8).is_err());
    }
}

//! LogUp on the card: the proof that the CPU makes.

use crate::bench::{Bench, Row};
use crate::{words, Test};
use cudarc::driver::{CudaSlice, CudaView};
use libtest_mimic::Failed;
use zkml_cuda::gkr::{self, Block, TableBlock};
use zkml_cuda::{Column, Device};
use zkml_runtime::field::{powers, BaseField, F};
use zkml_runtime::gkr::{prove, verify, GkrClaims, GkrError, GkrProof, GkrShape, LeafBlock, Tree};
use zkml_runtime::transcript::Transcript;

pub const TESTS: &[(&str, Test)] = &[
    ("gkr::small_trees", small_trees),
    ("gkr::blocks_of_all_sizes", blocks_of_all_sizes),
    ("gkr::many_columns", many_columns),
    ("gkr::large_trees", large_trees),
    ("gkr::false_sums_are_refused", false_sums_are_refused),
    ("gkr::columns_of_a_wrong_length", wrong_lengths),
];

/// They are refused as on the CPU, before anything is launched.
fn wrong_lengths(device: &Device) -> Result<(), Failed> {
    let (short, long) = (device.upload("c", &[1u32; 16])?, device.upload("c", &[1u32; 32])?);
    let (short, long) = (short.as_view(), long.as_view());
    let one = F::from(BaseField::from(1));
    let block =
        |log_len, column| Block { log_len, constant: one, columns: vec![(one, Column::Words(column))] };
    let cases = [
        (
            block(5, &short),
            TableBlock { leaves: block(4, &short), multiplicity: &short },
            Tree::Lookups,
            [32, 16],
        ),
        (
            block(4, &short),
            TableBlock { leaves: block(4, &long), multiplicity: &short },
            Tree::Tables,
            [16, 32],
        ),
        (
            block(4, &short),
            TableBlock { leaves: block(5, &long), multiplicity: &short },
            Tree::Tables,
            [32, 16],
        ),
    ];
    for (lookups, tables, tree, [expected, got]) in cases {
        let told = gkr::prove(device, &mut Transcript::default(), &[lookups], &[tables]).map(|_| ());
        let want = Err(GkrError::ColumnLength { tree, block: 0, expected, got });
        if told != want {
            return Err(format!("expected {want:?}, got {told:?}").into());
        }
    }
    Ok(())
}

/// A public table: `columns[j][row]`, looked up by words or, if they fit, by bytes.
pub struct Table {
    columns: Vec<Vec<i32>>,
    bytes: bool,
}

impl Table {
    /// `2^log` rows of `-half + row` and of `width - 1` other columns.
    pub fn new(log: u32, width: usize, bytes: bool) -> Self {
        let rows = 1i32 << log;
        let value = |j: usize, row: i32| match j {
            0 => row - rows / 2,
            j => row.wrapping_mul(row.wrapping_add(j as i32)) & 0x7fff,
        };
        Self { columns: (0..width).map(|j| (0..rows).map(|r| value(j, r)).collect()).collect(), bytes }
    }
}

/// Tables, and blocks of rows looked up in them.
pub struct Sample {
    tables: Vec<Table>,
    multiplicities: Vec<Vec<u32>>,
    /// Table, log2 of the rows, columns.
    blocks: Vec<(usize, u32, Vec<Vec<i32>>)>,
}

fn embed(v: i32) -> BaseField {
    BaseField::from(v)
}

impl Sample {
    /// Blocks by table and size, in descending order of size; tables likewise.
    pub fn new(tables: Vec<Table>, blocks: &[(usize, u32)]) -> Self {
        let mut multiplicities: Vec<Vec<u32>> = tables.iter().map(|t| vec![0; t.columns[0].len()]).collect();
        let blocks = blocks
            .iter()
            .enumerate()
            .map(|(b, &(table, log_len))| {
                let rows = multiplicities[table].len();
                let chosen: Vec<usize> =
                    words(b as u32 + 7, 1 << log_len).iter().map(|&w| w as usize % rows).collect();
                chosen.iter().for_each(|&row| multiplicities[table][row] += 1);
                let column = |c: &Vec<i32>| chosen.iter().map(|&row| c[row]).collect();
                (table, log_len, tables[table].columns.iter().map(column).collect())
            })
            .collect();
        Self { tables, multiplicities, blocks }
    }

    pub fn lookups(&self) -> usize {
        self.blocks.iter().map(|(_, log, _)| 1usize << log).sum()
    }

    fn challenges(&self) -> (Transcript, Vec<F>, Vec<F>) {
        let mut t = Transcript::default();
        let constants = t.draw_many(self.tables.len());
        let beta = t.draw();
        (t, constants, powers(beta, 8))
    }

    pub fn on_cpu(&self) -> Result<(GkrProof, GkrClaims), Failed> {
        let (mut t, constants, weights) = self.challenges();
        let field = |columns: &[Vec<i32>]| -> Vec<Vec<BaseField>> {
            columns.iter().map(|c| c.iter().map(|&v| embed(v)).collect()).collect()
        };
        let block = |table: usize, log_len: u32, columns: &'static [Vec<BaseField>]| LeafBlock {
            log_len,
            constant: constants[table],
            columns: weights.iter().copied().zip(columns.iter().map(|c| &c[..])).collect(),
            bytes: vec![],
        };
        // Leaked: a test's process ends soon.
        let leak = |columns: Vec<Vec<BaseField>>| -> &'static [Vec<BaseField>] { columns.leak() };
        let lookups: Vec<_> =
            self.blocks.iter().map(|(t, log, columns)| block(*t, *log, leak(field(columns)))).collect();
        let multiplicities: Vec<Vec<BaseField>> =
            self.multiplicities.iter().map(|m| m.iter().map(|&v| BaseField::from(v)).collect()).collect();
        let tables: Vec<_> = self
            .tables
            .iter()
            .zip(&multiplicities)
            .enumerate()
            .map(|(t, (table, m))| zkml_runtime::gkr::TableBlock {
                leaves: block(t, m.len().ilog2(), leak(field(&table.columns))),
                multiplicity: m,
            })
            .collect();
        let (proof, claims) = prove(&mut t, &lookups, &tables)?;
        let shape =
            GkrShape::of_blocks(lookups.iter().map(|b| b.log_len), tables.iter().map(|b| b.leaves.log_len))?;
        let checked = verify(&mut self.challenges().0, &shape, &proof)?;
        assert_eq!(checked, claims, "the CPU's own proof");
        Ok((proof, claims))
    }

    pub fn upload(&self, device: &Device) -> Result<Uploaded, Failed> {
        let column = |values: &[i32], bytes: bool| -> Result<Stored, Failed> {
            Ok(match bytes {
                true => {
                    Stored::Bytes(device.upload("c", &values.iter().map(|&v| v as i8).collect::<Vec<_>>())?)
                }
                false => Stored::Words(
                    device.upload("c", &values.iter().map(|&v| embed(v).0).collect::<Vec<_>>())?,
                ),
            })
        };
        let all = |columns: &[Vec<i32>], bytes: bool| -> Result<Vec<Stored>, Failed> {
            columns.iter().map(|c| column(c, bytes && c.iter().all(|v| i8::try_from(*v).is_ok()))).collect()
        };
        Ok(Uploaded {
            blocks: self
                .blocks
                .iter()
                .map(|(t, _, c)| all(c, self.tables[*t].bytes))
                .collect::<Result<_, _>>()?,
            tables: self.tables.iter().map(|t| all(&t.columns, false)).collect::<Result<_, _>>()?,
            multiplicities: self
                .multiplicities
                .iter()
                .map(|m| Ok(device.upload("m", m)?))
                .collect::<Result<_, Failed>>()?,
        })
    }

    pub fn on_device(&self, device: &Device, data: &Uploaded) -> Result<(GkrProof, GkrClaims), Failed> {
        let (mut t, constants, weights) = self.challenges();
        let (blocks, tables) = (views(&data.blocks), views(&data.tables));
        let multiplicities: Vec<CudaView<'_, u32>> =
            data.multiplicities.iter().map(CudaSlice::as_view).collect();
        fn block<'a>(log_len: u32, constant: F, weights: &[F], columns: &'a [View<'a>]) -> Block<'a> {
            Block {
                log_len,
                constant,
                columns: weights.iter().copied().zip(columns.iter().map(View::column)).collect(),
            }
        }
        let lookups: Vec<Block<'_>> = self
            .blocks
            .iter()
            .zip(&blocks)
            .map(|((t, log, _), c)| block(*log, constants[*t], &weights, c))
            .collect();
        let tables: Vec<TableBlock<'_>> = tables
            .iter()
            .zip(&multiplicities)
            .enumerate()
            .map(|(t, (c, multiplicity))| TableBlock {
                leaves: block(multiplicity.len().ilog2(), constants[t], &weights, c),
                multiplicity,
            })
            .collect();
        Ok(gkr::prove(device, &mut t, &lookups, &tables)?)
    }

    fn check(&self, device: &Device) -> Result<(), Failed> {
        let (expected, claims) = self.on_cpu()?;
        let (got, got_claims) = self.on_device(device, &self.upload(device)?)?;
        if got.lookup_root != expected.lookup_root {
            return Err("another root of the lookups".into());
        }
        if got.table_root != expected.table_root {
            return Err("another root of the tables".into());
        }
        for (layer, (e, g)) in expected.layers.iter().zip(&got.layers).enumerate() {
            if let Some(round) = e.rounds.iter().zip(&g.rounds).position(|(e, g)| e != g) {
                return Err(format!("layer {layer} of {}, round {round}", expected.layers.len()).into());
            }
            if e != g {
                return Err(format!("layer {layer} of {}, masks", expected.layers.len()).into());
            }
        }
        match got == expected && got_claims == claims {
            true => Ok(()),
            false => Err("other claims".into()),
        }
    }
}

enum Stored {
    Words(CudaSlice<u32>),
    Bytes(CudaSlice<i8>),
}

enum View<'a> {
    Words(CudaView<'a, u32>),
    Bytes(CudaView<'a, i8>),
}

impl Stored {
    fn view(&self) -> View<'_> {
        match self {
            Self::Words(s) => View::Words(s.as_view()),
            Self::Bytes(s) => View::Bytes(s.as_view()),
        }
    }
}

impl View<'_> {
    fn column(&self) -> Column<'_> {
        match self {
            Self::Words(v) => Column::Words(v),
            Self::Bytes(v) => Column::Bytes(v),
        }
    }
}

fn views(columns: &[Vec<Stored>]) -> Vec<Vec<View<'_>>> {
    columns.iter().map(|c| c.iter().map(Stored::view).collect()).collect()
}

/// A sample's columns on the card.
pub struct Uploaded {
    blocks: Vec<Vec<Stored>>,
    tables: Vec<Vec<Stored>>,
    multiplicities: Vec<CudaSlice<u32>>,
}

fn small_trees(device: &Device) -> Result<(), Failed> {
    for log in [0, 1, 3, 4, 5, 8, 11] {
        Sample::new(vec![Table::new(log, 2, false)], &[(0, log)]).check(device)?;
        Sample::new(vec![Table::new(8, 1, true)], &[(0, log + 2), (0, log), (0, 0)]).check(device)?;
    }
    Ok(())
}

fn blocks_of_all_sizes(device: &Device) -> Result<(), Failed> {
    let tables = || vec![Table::new(12, 2, false), Table::new(8, 1, true), Table::new(2, 1, true)];
    let blocks: Vec<(usize, u32)> = (0..15).rev().flat_map(|log| [(0, log), (1, log), (2, log)]).collect();
    Sample::new(tables(), &blocks).check(device)?;
    Sample::new(tables(), &blocks[3..]).check(device)?;
    // One vector beyond a power of two.
    Sample::new(tables(), &[(0, 14), (1, 3)]).check(device)
}

fn many_columns(device: &Device) -> Result<(), Failed> {
    for width in [1, 2, 3, 4, 5, 8] {
        let tables = vec![Table::new(10, width, false), Table::new(7, width, true)];
        Sample::new(tables, &[(0, 13), (1, 13), (0, 12), (1, 6)]).check(device)?;
    }
    Ok(())
}

fn large_trees(device: &Device) -> Result<(), Failed> {
    let tables = vec![Table::new(16, 2, false), Table::new(8, 1, true)];
    Sample::new(tables, &[(0, 19), (1, 19), (0, 18), (1, 17), (0, 16), (0, 9)]).check(device)
}

fn false_sums_are_refused(device: &Device) -> Result<(), Failed> {
    let mut sample = Sample::new(vec![Table::new(10, 2, false)], &[(0, 12)]);
    sample.multiplicities[0][5] += 1;
    match sample.on_device(device, &sample.upload(device)?) {
        Err(e) if format!("{e:?}").contains("do not add up") => Ok(()),
        Err(e) => Err(e),
        Ok(_) => Err("a false sum was proven".into()),
    }
}

/// Lookups a second, with columns that are there already.
pub const BENCHES: &[(&str, Bench)] = &[
    ("gkr, 27 x 2^20 lookups", |d| bench(d, 27 << 2)),
    ("gkr, 2^24", |d| bench(d, 1 << 6)),
    ("gkr, 2^26", |d| bench(d, 1 << 8)),
];

/// This many blocks of 2^18.
fn bench(device: &Device, blocks: usize) -> Result<Row, Failed> {
    let blocks = vec![(0, 18); blocks];
    let sample = Sample::new(vec![Table::new(16, 2, false)], &blocks);
    let data = sample.upload(device)?;
    Row::measure(device, sample.lookups() as f64, "lookups", || sample.on_device(device, &data).map(drop))
}

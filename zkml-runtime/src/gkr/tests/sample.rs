//! Statements for the tests, and the leaves' multilinear extensions computed naively.

use num_traits::{One, Zero};

use crate::field::{eq_table, powers, BaseField, F};
use crate::gkr::{GkrShape, LeafBlock, TableBlock, TreeClaim};
use crate::transcript::{Tag, Transcript};

pub struct Rng(pub u64);

impl Rng {
    pub fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as u32
    }
    pub fn below(&mut self, n: usize) -> usize {
        self.word() as usize % n
    }
}

/// Columns of a block, and the table that they belong to.
pub struct Rows {
    pub id: u32,
    pub log_len: u32,
    pub columns: Vec<Vec<BaseField>>,
    pub multiplicity: Vec<BaseField>,
}

/// Lookups in tables, both as columns.
pub struct Sample {
    pub lookups: Vec<Rows>,
    pub tables: Vec<Rows>,
    constant: F,
    weights: Vec<F>,
}

/// The largest number of columns of a table.
const WIDTH: usize = 5;

impl Sample {
    /// Tables and lookup blocks of these sizes (logarithms), every lookup a row of its table.
    pub fn new(seed: u64, lookups: &[u32], tables: &[u32]) -> Self {
        let mut rng = Rng(seed);
        let mut table_rows: Vec<Rows> = (0u32..)
            .zip(sorted(tables))
            .map(|(id, log_len)| Rows {
                id,
                log_len,
                // Some tables are narrow, some have no column at all: then every row is the same.
                columns: (0..rng.below(WIDTH + 1)).map(|_| column(&mut rng, log_len)).collect(),
                multiplicity: vec![BaseField::zero(); 1 << log_len],
            })
            .collect();
        let lookups = sorted(lookups).into_iter().map(|log_len| {
            let table = rng.below(table_rows.len());
            let table = &mut table_rows[table];
            let mut columns = vec![Vec::new(); table.columns.len()];
            for _ in 0..1u32 << log_len {
                let row = rng.below(1 << table.log_len);
                table.multiplicity[row] += BaseField::one();
                for (out, column) in columns.iter_mut().zip(&table.columns) {
                    out.push(column[row]);
                }
            }
            Rows { id: table.id, log_len, columns, multiplicity: Vec::new() }
        });
        let lookups = lookups.collect();
        let mut t = Transcript::default();
        t.absorb_words(Tag::Protocol, &[seed as u32]);
        let weights = powers(t.draw(), WIDTH + 1);
        Self { lookups, tables: table_rows, constant: t.draw(), weights }
    }

    pub fn shape(&self) -> GkrShape {
        let logs = |rows: &[Rows]| rows.iter().map(|r| r.log_len).collect::<Vec<_>>();
        GkrShape::of_blocks(logs(&self.lookups), logs(&self.tables)).unwrap()
    }

    fn block<'a>(&self, rows: &'a Rows) -> LeafBlock<'a> {
        let id = F::from(rows.id);
        LeafBlock {
            log_len: rows.log_len,
            constant: self.constant - self.weights[WIDTH] * id,
            columns: self.weights.iter().copied().zip(rows.columns.iter().map(|c| &c[..])).collect(),
            bytes: vec![],
        }
    }

    pub fn lookup_blocks(&self) -> Vec<LeafBlock<'_>> {
        self.lookups.iter().map(|r| self.block(r)).collect()
    }

    pub fn table_blocks(&self) -> Vec<TableBlock<'_>> {
        let block = |r| TableBlock { leaves: self.block(r), multiplicity: &r.multiplicity };
        self.tables.iter().map(block).collect()
    }

    /// `(numerator, denominator)` of every leaf, the tail included.
    pub fn leaves(&self, tables: bool, log_leaves: usize) -> Vec<(F, F)> {
        let mut leaves = Vec::new();
        for rows in if tables { &self.tables } else { &self.lookups } {
            let b = self.block(rows);
            for i in 0..1usize << rows.log_len {
                let den = b.columns.iter().fold(b.constant, |den, (w, x)| den - *w * x[i]);
                leaves.push((if tables { -F::from(rows.multiplicity[i]) } else { F::one() }, den));
            }
        }
        let tail = if tables { F::zero() } else { F::one() };
        leaves.resize(1 << log_leaves, (tail, F::one()));
        leaves
    }

    /// The claim that the leaves really give at its point.
    pub fn true_claim(&self, tables: bool, point: &[F]) -> TreeClaim {
        let (mut numerator, mut denominator) = (F::zero(), F::zero());
        for (e, (n, d)) in eq_table(point).into_iter().zip(self.leaves(tables, point.len())) {
            numerator += e * n;
            denominator += e * d;
        }
        TreeClaim { point: point.to_vec(), numerator, denominator }
    }
}

fn sorted(logs: &[u32]) -> Vec<u32> {
    let mut logs = logs.to_vec();
    logs.sort_unstable_by(|a, b| b.cmp(a));
    logs
}

fn column(rng: &mut Rng, log_len: u32) -> Vec<BaseField> {
    (0..1u32 << log_len).map(|_| BaseField::from(rng.word())).collect()
}

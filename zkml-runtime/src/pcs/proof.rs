//! The opening proof, and its wire format.
//!
//! Lengths that public parameters fix are not sent. What is left to state are the numbers of distinct queries, FRI
//! witnesses and Merkle siblings, which depend on the queries; each is bounded by the parameters, read before it is
//! believed, and exact once the queries are known.

use stwo::core::fields::m31::BaseField;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use super::layout::{Layout, COMPOSITION_COLUMNS, SUMS_COLUMNS};
use super::statement::{Params, ParamsError};
use super::F;
use crate::wire::{Expected, Reader, WireError, Writer, FELT, HASH, WORD};

/// Shows that a combination of claims on committed columns holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningProof {
    /// Per variable, the constant and leading coefficient of the sumcheck polynomial.
    pub rounds: Vec<[F; 2]>,
    pub sums_root: Blake2sHash,
    pub composition_root: Blake2sHash,
    /// Per given tree, one value per column at the out-of-domain point.
    pub samples: Vec<Vec<F>>,
    /// Per prefix-sum column, its values one row before the out-of-domain point and at it.
    pub sums_samples: [[F; 2]; SUMS_COLUMNS],
    pub composition_samples: [F; COMPOSITION_COLUMNS],
    pub fri_layers: Vec<FriLayer>,
    /// Coefficients of the last layer, as stwo's `LinePoly` holds them.
    pub last_layer: Vec<F>,
    pub nonce: u64,
    /// Per tree (the given ones, prefix sums, composition), column and distinct query in increasing order.
    pub queried: Vec<Vec<Vec<BaseField>>>,
    /// Per tree, the Merkle siblings that the queries do not imply.
    pub paths: Vec<Vec<Blake2sHash>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriLayer {
    pub root: Blake2sHash,
    /// The values that complete the folds of the queries.
    pub witness: Vec<F>,
    pub path: Vec<Blake2sHash>,
}

impl OpeningProof {
    pub fn write(&self, w: &mut Writer) {
        self.rounds.iter().for_each(|round| w.felts(round));
        w.hash(&self.sums_root);
        w.hash(&self.composition_root);
        self.samples.iter().for_each(|tree| w.felts(tree));
        self.sums_samples.iter().for_each(|column| w.felts(column));
        w.felts(&self.composition_samples);
        for layer in &self.fri_layers {
            w.hash(&layer.root);
            w.count(layer.witness.len());
            w.felts(&layer.witness);
            w.count(layer.path.len());
            w.hashes(&layer.path);
        }
        w.felts(&self.last_layer);
        w.long(self.nonce);
        w.count(self.queried.first().and_then(|tree| tree.first()).map_or(0, Vec::len));
        self.queried.iter().flatten().for_each(|column| w.bases(column));
        for path in &self.paths {
            w.count(path.len());
            w.hashes(path);
        }
    }

    /// Reads a proof over trees of `n_columns`. The caller checks that nothing follows. The parameters are the
    /// key's.
    pub fn read(r: &mut Reader<'_>, params: &Params, n_columns: &[usize]) -> Result<Self, WireError> {
        if let Err(ParamsError { max, got, .. }) = params.check() {
            let expected = Expected::AtMost(max as usize);
            return Err(WireError::Length { what: "variables of a column", expected, got: got as usize });
        }
        let layout = Layout::new(params, n_columns);
        let rounds = (0..layout.rounds).map(|_| read_array(r, "sumcheck round")).collect::<Result<_, _>>()?;
        let sums_root = r.hash("prefix-sum root")?;
        let composition_root = r.hash("composition root")?;
        let samples = n_columns.iter().map(|&n| r.felts("samples", n)).collect::<Result<_, _>>()?;
        let mut sums_samples = [[F::default(); 2]; SUMS_COLUMNS];
        for column in &mut sums_samples {
            *column = read_array(r, "prefix-sum samples")?;
        }
        let composition_samples = read_array(r, "composition samples")?;
        let fri_layers = layout
            .fri_layers
            .iter()
            .map(|shape| {
                let root = r.hash("FRI root")?;
                let n = r.count("FRI witness", Expected::AtMost(layout.max_witness(shape)))?;
                let witness = r.felts("FRI witness", n)?;
                let n = r.count("FRI path", Expected::AtMost(layout.max_path(shape.log_domain)))?;
                let path = r.hashes("FRI path", n)?;
                Ok(FriLayer { root, witness, path })
            })
            .collect::<Result<_, _>>()?;
        let last_layer = r.felts("last FRI layer", layout.last_layer)?;
        let nonce = r.long("nonce")?;
        let queries = r.count("queries", Expected::AtMost(layout.max_queries))?;
        let queried = layout
            .columns
            .iter()
            .map(|&n| (0..n).map(|_| r.bases("queried values", queries)).collect())
            .collect::<Result<_, _>>()?;
        let paths = layout
            .columns
            .iter()
            .map(|_| {
                let n = r.count("path", Expected::AtMost(layout.max_path(layout.log_domain)))?;
                r.hashes("path", n)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rounds,
            sums_root,
            composition_root,
            samples,
            sums_samples,
            composition_samples,
            fri_layers,
            last_layer,
            nonce,
            queried,
            paths,
        })
    }

    /// The most bytes that [`OpeningProof::read`] reads: every query at its own place, no path shared.
    pub fn max_bytes(params: &Params, n_columns: &[usize]) -> usize {
        let layout = Layout::new(params, n_columns);
        let count = WORD;
        let values =
            2 * layout.rounds + n_columns.iter().sum::<usize>() + 2 * SUMS_COLUMNS + COMPOSITION_COLUMNS;
        let layer = |shape| {
            let (witness, path) = (layout.max_witness(shape), layout.max_path(shape.log_domain));
            HASH + 2 * count + witness * FELT + path * HASH
        };
        let fri: usize = layout.fri_layers.iter().map(layer).sum();
        let queried = count + layout.columns.iter().sum::<usize>() * layout.max_queries * WORD;
        let paths = layout.columns.len() * (count + layout.max_path(layout.log_domain) * HASH);
        2 * HASH + values * FELT + fri + layout.last_layer * FELT + 2 * WORD + queried + paths
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write(&mut writer);
        writer.into_bytes()
    }
}

fn read_array<const N: usize>(r: &mut Reader<'_>, what: &'static str) -> Result<[F; N], WireError> {
    let felts = r.felts(what, N)?;
    Ok(felts.try_into().expect("N elements were read"))
}

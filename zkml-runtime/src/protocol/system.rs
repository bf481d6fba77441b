//! A plan made ready to prove and verify: layout, tables, digest, proven bits.

use super::{lookups, SystemError};
use crate::einsum;
use crate::field::BaseField;
use crate::gkr::GkrShape;
use crate::pcs::Params;
use crate::security::{Counts, SecurityLevel, SecurityReport};
use crate::transcript::{Tag, Transcript};
use serde::{Deserialize, Serialize};
use stwo::core::channel::Channel;
use stwo::core::vcs::blake2_hash::{Blake2sHash, Blake2sHasher};
use zkml_ir::layout::{choose_log_rows, Layout, Placement, Tree};
use zkml_ir::plan::{self, Plan, Source};

/// The number of the transcript and wire format.
pub const PROTOCOL_VERSION: u32 = 1;

/// What an argument is about; the first thing in its transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Label {
    /// This model gave this output.
    Inference = 1,
    /// The committed weights lie in their ranges.
    Certificate = 2,
}

/// The committed weights of a model. With the model's plan it is all that a verifier needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub root: [u8; 32],
    pub columns: usize,
    /// Of plan, layout and level.
    pub digest: [u8; 32],
}

/// A table's columns as field elements.
pub(crate) struct TableData {
    pub columns: Vec<Vec<BaseField>>,
}

/// A plan with all that follows from it.
pub struct System {
    plan: Plan,
    layout: Layout,
    params: Params,
    label: Label,
    digest: Blake2sHash,
    pub(crate) tables: Vec<TableData>,
    gkr: Option<GkrShape>,
    security: SecurityReport,
}

impl System {
    /// Checks the plan against the soundness rule and the level's bits; lays out its cells; computes its tables.
    pub fn new(plan: Plan, level: SecurityLevel, label: Label) -> Result<Self, SystemError> {
        Self::laid_out(plan, level, label, choose_log_rows)
    }

    /// With columns of this height: two systems that share a tree share its layout.
    pub fn with_log_rows(
        plan: Plan,
        level: SecurityLevel,
        label: Label,
        log_rows: u32,
    ) -> Result<Self, SystemError> {
        Self::laid_out(plan, level, label, |_| log_rows)
    }

    /// Nothing is computed of a plan that was not checked.
    fn laid_out(
        plan: Plan,
        level: SecurityLevel,
        label: Label,
        log_rows: impl Fn(&Plan) -> u32,
    ) -> Result<Self, SystemError> {
        plan::check(&plan)?;
        let layout = Layout::with_log_rows(&plan, log_rows(&plan));
        let params = Params { log_rows: layout.log_rows, level };
        let gkr = lookups::shape(&plan)?;
        let security = level.assess(&counts(&plan, &layout, gkr.as_ref())?)?;
        let digest = digest(&plan, &params);
        let field = |v: &i32| BaseField::from_u32_unchecked((*v as i64).rem_euclid(zkml_ir::elem::P) as u32);
        let tables = plan
            .tables
            .iter()
            .map(|t| TableData {
                columns: t.columns().iter().map(|c| c.iter().map(field).collect()).collect(),
            })
            .collect();
        Ok(Self { plan, layout, params, label, digest, tables, gkr, security })
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn params(&self) -> &Params {
        &self.params
    }

    pub fn digest(&self) -> Blake2sHash {
        self.digest
    }

    pub fn security(&self) -> &SecurityReport {
        &self.security
    }

    /// A table's columns as field elements.
    pub fn table_columns(&self, table: usize) -> &[Vec<BaseField>] {
        &self.tables[table].columns
    }

    pub(crate) fn gkr_shape(&self) -> Option<&GkrShape> {
        self.gkr.as_ref()
    }

    /// The trees that a proof opens, in order: weights, private inputs if there are any, trace.
    pub fn trees(&self) -> Vec<Tree> {
        Tree::ALL.into_iter().filter(|&t| self.layout.columns_of(t) > 0).collect()
    }

    /// Where each weight lies, by the model's weight index. Two systems share a weight tree if these are equal.
    pub fn weight_placements(&self) -> Vec<(usize, Option<Placement>)> {
        let tensors = self.plan.tensors.iter().zip(&self.layout.tensors);
        let mut placed: Vec<_> = tensors
            .filter_map(|(t, p)| match t.source {
                Source::Weight(i) => Some((i, p.clone())),
                _ => None,
            })
            .collect();
        placed.sort_by_key(|(i, _)| *i);
        placed
    }

    pub fn has_private(&self) -> bool {
        self.layout.columns_of(Tree::Private) > 0
    }

    /// Absorbs everything known before a proof: label, parameters, model, key.
    pub(crate) fn absorb<C: Channel>(&self, key: &Key, t: &mut Transcript<C>) {
        t.absorb_words(Tag::Protocol, &[u32::from_le_bytes(*b"zkml"), PROTOCOL_VERSION, self.label as u32]);
        let c = self.params.config();
        t.absorb_words(
            Tag::Parameters,
            &[
                self.params.level as u32,
                self.params.log_rows,
                c.pow_bits,
                c.fri_config.log_blowup_factor,
                c.fri_config.log_last_layer_degree_bound,
                c.fri_config.n_queries as u32,
                c.fri_config.fold_step,
                c.lifting_log_size.unwrap_or(0),
            ],
        );
        t.absorb_hash(Tag::ModelDigest, &self.digest);
        t.absorb_words(Tag::Key, &[key.columns as u32]);
        t.absorb_hash(Tag::Root, &Blake2sHash(key.root));
    }
}

fn counts(plan: &Plan, layout: &Layout, gkr: Option<&GkrShape>) -> Result<Counts, SystemError> {
    let gkr_rounds: u64 = match gkr {
        None => 0,
        // Layer k has k rounds of degree 3, and three challenges of degree 1: lambda, gamma, the point's new coordinate.
        Some(shape) => {
            let layers = shape.layers()? as u64;
            layers * (layers - 1) / 2 * 3 + 3 * layers
        }
    };
    let operands = 2 * plan.constraints.iter().map(|c| c.products.len() as u64).sum::<u64>();
    Ok(Counts {
        log_rows: layout.log_rows,
        columns: layout.total_columns(),
        lookups: gkr.map_or(0, |s| s.lookup_leaves),
        table_rows: gkr.map_or(0, |s| s.table_leaves),
        tuple_width: plan.tables.iter().map(|t| t.arity() as u64).max().unwrap_or(0),
        sumcheck_degree_rounds: gkr_rounds
            + einsum::degree_rounds(plan) as u64
            + einsum::output_vars(plan) as u64
            + 2 * layout.log_rows as u64,
        claims: operands + plan.constraints.len() as u64 + 3,
    })
}

/// Everything that both sides must agree on and that is not sent.
fn digest(plan: &Plan, params: &Params) -> Blake2sHash {
    let bytes = postcard::to_stdvec(plan).expect("a plan serialises");
    let mut h = Blake2sHasher::default();
    h.update(b"zkml plan");
    h.update(&(bytes.len() as u64).to_le_bytes());
    h.update(&bytes);
    h.update(&params.log_rows.to_le_bytes());
    h.update(&(params.level as u32).to_le_bytes());
    h.finalize()
}

//! Linear claims on stored cells.
//!
//! Every argument of the protocol ends in statements of one kind: the sum over some slabs of
//! `weight * slab~(point)` has a known value. Claims of the einsums, of GKR, of multiplicities all go, each scaled by a
//! power of eta, into one [`Functional`]; its committed part is what the opening proves, its public part both sides
//! compute from public values.
//!
//! # From an expression to slabs
//! For an expression over a space, with a weight for every combination of odd digits and a coordinate for every bit, a
//! view reads its slab's multilinear extension at a rearrangement of the coordinates: a bit fixed by a slice becomes the
//! coordinate 0 or 1, a selected bit the factor `z` or `1 - z`, a summed bit twice the coordinate 1/2 (as
//! `f(0) + f(1) = 2 f~(1/2)`), and a broadcast bit drops out.

mod public;

pub use public::PublicValues;

use crate::field::{eq_table, F};
use num_traits::{One, Zero};
use std::collections::HashMap;
use zkml_ir::layout::{Layout, Placement, Tree};
use zkml_ir::plan::{Axis, AxisMap, BitMap, LinExpr, Plan, Space, Term};

/// An integer as a field element; negative v is `p + v`.
pub fn embed(v: i64) -> F {
    F::from(stwo::core::fields::m31::BaseField::from_u32_unchecked(v.rem_euclid(zkml_ir::elem::P) as u32))
}

/// Where an expression is evaluated: a weight for every combination of the space's odd digits (first axis most
/// significant), and coordinates for the bits of each axis, most significant first.
#[derive(Clone, Debug)]
pub struct EvalPoint<'a> {
    pub axes: &'a [Axis],
    pub odd: Vec<F>,
    pub bits: Vec<Vec<F>>,
}

impl<'a> EvalPoint<'a> {
    /// A point given axis by axis: coordinates of the odd digit, coordinates of the bits.
    pub fn product(axes: &'a [Axis], coords: &[(Vec<F>, Vec<F>)]) -> Self {
        let mut odd = vec![F::one()];
        for (a, (o, _)) in axes.iter().zip(coords) {
            let table = eq_table(o);
            odd = odd.iter().flat_map(|&w| table[..a.odd as usize].iter().map(move |&t| w * t)).collect();
        }
        Self { axes, odd, bits: coords.iter().map(|(_, b)| b.clone()).collect() }
    }

    /// Given weights of the slabs, the bits' coordinates of all axes in a row.
    pub fn slabs(axes: &'a [Axis], weights: Vec<F>, coords: &[F]) -> Self {
        let mut rest = coords;
        let bits = axes
            .iter()
            .map(|a| {
                let (mine, after) = rest.split_at(a.bits as usize);
                rest = after;
                mine.to_vec()
            })
            .collect();
        Self { axes, odd: weights, bits }
    }

    /// The sum of all weights: the value of the constant 1, which is zero outside the stored cells.
    pub fn indicator(&self) -> F {
        self.odd.iter().fold(F::zero(), |s, &w| s + w)
    }
}

/// One piece's share of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PieceWeight {
    pub tree: Tree,
    pub column: usize,
    pub slot: usize,
    pub weight: F,
}

/// Pieces that are evaluated at the same low point.
#[derive(Clone, Debug, PartialEq)]
pub struct PieceGroup {
    pub point: Vec<F>,
    pub pieces: Vec<PieceWeight>,
}

/// A public tensor's slabs at one point: `sum of weight[slab] * slab~(point)`.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicPart {
    pub tensor: usize,
    pub point: Vec<F>,
    pub weights: Vec<F>,
}

/// A linear functional of the cells: a constant, weighted committed pieces, weighted public slabs.
pub struct Functional<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    constant: F,
    groups: HashMap<Vec<F>, usize>,
    points: Vec<Vec<F>>,
    /// By group, a piece as often as it was claimed.
    pieces: Vec<Vec<PieceWeight>>,
    public: HashMap<(usize, Vec<F>), Vec<F>>,
    public_order: Vec<(usize, Vec<F>)>,
}

impl<'a> Functional<'a> {
    pub fn new(plan: &'a Plan, layout: &'a Layout) -> Self {
        Self {
            plan,
            layout,
            constant: F::zero(),
            groups: HashMap::new(),
            points: vec![],
            pieces: vec![],
            public: HashMap::new(),
            public_order: vec![],
        }
    }

    pub fn add_constant(&mut self, c: F) {
        self.constant += c;
    }

    /// Adds `scale * expr` at `at`.
    pub fn add(&mut self, scale: F, expr: &LinExpr, at: &EvalPoint) {
        self.constant += scale * embed(expr.constant) * at.indicator();
        for term in &expr.terms {
            self.add_term(scale * embed(term.coef), term, at);
        }
    }

    /// Adds `weight * multiplicity~(point)` of a table.
    pub fn add_multiplicity(&mut self, table: usize, weight: F, point: &[F]) {
        let layout = self.layout;
        self.add_slabs(&layout.multiplicities[table], &[weight], point);
    }

    fn add_term(&mut self, scale: F, term: &Term, at: &EvalPoint) {
        let stored = &self.plan.tensors[term.view.tensor].axes;
        let axes: Vec<Axis> = at.axes.iter().chain(&term.summed).copied().collect();
        // 2^30 * 2 = 2^31 = 1.
        let half = embed(1 << 30);
        let slab_bits = stored.slab_bits() as usize;
        let mut point = vec![F::zero(); slab_bits];
        let mut scale = scale;
        let mut set = |p: u32, z: F| point[slab_bits - 1 - p as usize] = z;
        for &(p, v) in &term.view.fixed {
            set(p, if v { F::one() } else { F::zero() });
        }
        for (k, (map, a)) in term.view.axes.iter().zip(&axes).enumerate() {
            let coords = at.bits.get(k);
            match (map, coords) {
                (AxisMap::Broadcast, Some(_)) => {}
                (AxisMap::Broadcast, None) => scale *= embed(1 << a.bits),
                (AxisMap::Digits { bits, .. }, _) => {
                    for (i, b) in bits.iter().enumerate() {
                        match (*b, coords) {
                            (BitMap::Slab(p), Some(z)) => set(p, z[i]),
                            (BitMap::Slab(p), None) => {
                                set(p, half);
                                scale = scale + scale;
                            }
                            (BitMap::Select(v), Some(z)) => scale *= if v { z[i] } else { F::one() - z[i] },
                            (BitMap::Select(_), None) => {}
                        }
                    }
                }
            }
        }
        // Slab weights.
        let mut slabs = vec![F::zero(); stored.slabs()];
        let radices: Vec<u32> = axes.iter().map(|a| a.odd).collect();
        let summed: usize = term.summed.iter().map(|a| a.odd as usize).product();
        let mut digits = vec![0u32; radices.len()];
        for combination in 0..at.odd.len() * summed {
            let weight = at.odd[combination / summed];
            if !weight.is_zero() {
                let mut rest = combination as u32;
                for (d, r) in digits.iter_mut().zip(&radices).rev() {
                    *d = rest % r;
                    rest /= r;
                }
                if let Some(slab) = term.view.slab_at(&digits) {
                    slabs[slab as usize] += weight * scale;
                }
            }
        }
        let layout = self.layout;
        match &layout.tensors[term.view.tensor] {
            Some(placement) => {
                self.add_slabs(placement, &slabs, &point);
            }
            None => {
                let key = (term.view.tensor, point);
                let entry = self.public.entry(key.clone()).or_insert_with(|| {
                    self.public_order.push(key);
                    vec![F::zero(); slabs.len()]
                });
                entry.iter_mut().zip(slabs).for_each(|(e, w)| *e += w);
            }
        }
    }

    /// Slabs at one point. A slab larger than a column is read piece by piece, the high coordinates giving the weights.
    fn add_slabs(&mut self, placement: &Placement, slabs: &[F], point: &[F]) {
        if slabs.iter().all(F::is_zero) {
            return;
        }
        let (high, low) = point.split_at(placement.split as usize);
        let (high, group) = (eq_table(high), self.group(low));
        for (slab, &weight) in slabs.iter().enumerate().filter(|(_, w)| !w.is_zero()) {
            for (k, &w) in high.iter().enumerate().filter(|(_, w)| !w.is_zero()) {
                let p = placement.pieces[(slab << placement.split) + k];
                let piece =
                    PieceWeight { tree: placement.tree, column: p.column, slot: p.slot, weight: weight * w };
                self.pieces[group].push(piece);
            }
        }
    }

    /// The group of this point.
    fn group(&mut self, point: &[F]) -> usize {
        if let Some(&group) = self.groups.get(point) {
            return group;
        }
        self.groups.insert(point.to_vec(), self.points.len());
        self.points.push(point.to_vec());
        self.pieces.push(vec![]);
        self.points.len() - 1
    }

    /// The constant, the committed groups in a deterministic order, and the public parts.
    pub fn finish(self) -> (F, Vec<PieceGroup>, Vec<PublicPart>) {
        let groups = self.points.into_iter().zip(self.pieces).map(|(point, mut pieces)| {
            let place = |p: &PieceWeight| (p.tree, p.column, p.slot);
            pieces.sort_unstable_by_key(place);
            pieces.dedup_by(|next, sum| {
                let same = place(next) == place(sum);
                if same {
                    sum.weight += next.weight;
                }
                same
            });
            PieceGroup { point, pieces }
        });
        let groups = groups.collect();
        let mut public = self.public;
        let parts = self
            .public_order
            .into_iter()
            .map(|key| {
                let weights = public.remove(&key).expect("recorded once");
                PublicPart { tensor: key.0, point: key.1, weights }
            })
            .collect();
        (self.constant, groups, parts)
    }
}

/// The space of a stored tensor.
pub fn space_of(plan: &Plan, tensor: usize) -> &Space {
    &plan.tensors[tensor].axes
}

use super::shape::Depths;
use super::{GkrError, GkrShape, Tree};
use crate::field::{is_canonical, F};

/// A node of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    pub numerator: F,
    pub denominator: F,
}

/// A sumcheck message: coefficients 0, 2 and 3 of the round's polynomial. Coefficient 1 follows from the claim
/// `s(0) + s(1)`, so a claim has exactly one message of a given polynomial.
pub type Round = [F; 3];

/// The proof of one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GkrLayer {
    pub rounds: Vec<Round>,
    /// The children at the final point, `[n0, n1, d0, d1]`, or `[d0, d1]` at the leaves.
    pub lookup_mask: Vec<F>,
    /// `[n0, n1, d0, d1]`, or nothing while the table tree has not joined.
    pub table_mask: Vec<F>,
}

impl GkrLayer {
    pub(super) fn mask(&self, tree: Tree) -> &[F] {
        match tree {
            Tree::Lookups => &self.lookup_mask,
            Tree::Tables => &self.table_mask,
        }
    }
}

/// The proof of both trees, layers from the root to the leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GkrProof {
    pub lookup_root: Fraction,
    pub table_root: Fraction,
    pub layers: Vec<GkrLayer>,
}

/// What is left to check of a tree: the multilinear extensions of its leaves at a point, `point[0]` being the most
/// significant bit of the leaf's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeClaim {
    pub point: Vec<F>,
    pub numerator: F,
    pub denominator: F,
}

/// The claims of both trees. The points agree in their last `min` coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GkrClaims {
    pub lookups: TreeClaim,
    pub tables: TreeClaim,
}

impl GkrProof {
    pub(super) fn roots(&self) -> [F; 4] {
        let (l, t) = (self.lookup_root, self.table_root);
        [l.numerator, l.denominator, t.numerator, t.denominator]
    }

    fn felts(&self) -> impl Iterator<Item = F> + '_ {
        let layer = |l: &GkrLayer| -> Vec<F> {
            [l.rounds.as_flattened(), l.lookup_mask.as_slice(), l.table_mask.as_slice()].concat()
        };
        self.roots().into_iter().chain(self.layers.iter().flat_map(layer))
    }

    /// All elements in the order in which they are absorbed.
    pub fn to_felts(&self) -> Vec<F> {
        self.felts().collect()
    }

    /// The inverse of [`GkrProof::to_felts`]. Nothing is allocated before the length was checked.
    pub fn from_felts(shape: &GkrShape, felts: &[F]) -> Result<Self, GkrError> {
        let (depths, expected) = (shape.depths()?, shape.proof_len()?);
        if felts.len() != expected {
            return Err(GkrError::ProofLength { expected, got: felts.len() });
        }
        let mut felts = felts.iter().copied();
        let mut take = |n: usize| -> Vec<F> { felts.by_ref().take(n).collect() };
        let (lookups, tables) = (take(2), take(2));
        let fraction = |v: Vec<F>| Fraction { numerator: v[0], denominator: v[1] };
        let layers = (0..depths.layers()).map(|layer| GkrLayer {
            rounds: take(3 * layer).chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect(),
            lookup_mask: take(depths.mask_len(Tree::Lookups, layer)),
            table_mask: take(depths.mask_len(Tree::Tables, layer)),
        });
        let layers = layers.collect();
        let proof = Self { lookup_root: fraction(lookups), table_root: fraction(tables), layers };
        proof.check_canonical()?;
        Ok(proof)
    }

    /// Every length follows from the shape, and every element is one.
    pub(super) fn check_form(&self, depths: &Depths) -> Result<(), GkrError> {
        let expected = depths.layers();
        if self.layers.len() != expected {
            return Err(GkrError::LayerCount { expected, got: self.layers.len() });
        }
        for (layer, l) in self.layers.iter().enumerate() {
            if l.rounds.len() != layer {
                return Err(GkrError::RoundCount { layer, expected: layer, got: l.rounds.len() });
            }
            for tree in [Tree::Lookups, Tree::Tables] {
                let (expected, got) = (depths.mask_len(tree, layer), l.mask(tree).len());
                if got != expected {
                    return Err(GkrError::MaskLength { layer, tree, expected, got });
                }
            }
        }
        self.check_canonical()
    }

    fn check_canonical(&self) -> Result<(), GkrError> {
        match self.felts().position(|x| !is_canonical(x)) {
            Some(index) => Err(GkrError::NotCanonical { index }),
            None => Ok(()),
        }
    }
}

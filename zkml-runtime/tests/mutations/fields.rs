//! Mutations of a proof's fields: each of its sequences and single values, changed, dropped, doubled, reordered.

use super::random::Random;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use zkml_runtime::field::{BaseField, F, P};
use zkml_runtime::gkr::GkrLayer;
use zkml_runtime::pcs::FriLayer;
use zkml_runtime::protocol::Proof;

/// What is done to an element of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Changed,
    Dropped,
    Doubled,
    Reordered,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Changed, Self::Dropped, Self::Doubled, Self::Reordered];
}

/// A field. The methods say whether they apply.
trait Field {
    fn apply(&mut self, kind: Kind, place: f64, random: &mut Random) -> bool;
}

trait Value: Clone {
    fn change(&mut self, random: &mut Random);
}

/// A field that is one value.
struct One<'a, T>(&'a mut T);

impl<T: Value> Field for One<'_, T> {
    fn apply(&mut self, kind: Kind, _: f64, random: &mut Random) -> bool {
        if kind == Kind::Changed {
            self.0.change(random);
        }
        kind == Kind::Changed
    }
}

/// A field that may be missing.
struct Maybe<'a, T>(&'a mut Option<T>, T);

impl<T: Value> Field for Maybe<'_, T> {
    fn apply(&mut self, kind: Kind, _: f64, _: &mut Random) -> bool {
        match (kind, self.0.is_some()) {
            (Kind::Dropped, true) => *self.0 = None,
            (Kind::Doubled, false) => *self.0 = Some(self.1.clone()),
            _ => return false,
        }
        true
    }
}

impl<T: Value> Field for Vec<T> {
    fn apply(&mut self, kind: Kind, place: f64, random: &mut Random) -> bool {
        let n = self.len();
        if n == 0 {
            return false;
        }
        let at = (place * (n - 1) as f64) as usize;
        match kind {
            Kind::Changed => self[at].change(random),
            Kind::Dropped => drop(self.remove(at)),
            Kind::Doubled => self.insert(at, self[at].clone()),
            Kind::Reordered => self.swap(at, (at + 1 + random.below(n)) % n),
        }
        true
    }
}

/// Arrays have a fixed length: nothing can be dropped or doubled.
struct Array<'a, T>(&'a mut [T]);

impl<T: Value> Field for Array<'_, T> {
    fn apply(&mut self, kind: Kind, place: f64, random: &mut Random) -> bool {
        let n = self.0.len();
        let at = (place * (n - 1) as f64) as usize;
        match kind {
            Kind::Changed => self.0[at].change(random),
            Kind::Reordered => self.0.swap(at, (at + 1 + random.below(n)) % n),
            Kind::Dropped | Kind::Doubled => return false,
        }
        true
    }
}

impl Value for BaseField {
    /// To another element, or to a word that is none.
    fn change(&mut self, random: &mut Random) {
        let other = (self.0 as u64 + 1 + random.next() % (P as u64 - 1)) % P as u64;
        let word = [other as u32, other as u32, P, P + random.word() % (u32::MAX - P)][random.below(4)];
        *self = BaseField::from_u32_unchecked(word);
    }
}

impl Value for F {
    fn change(&mut self, random: &mut Random) {
        let mut words = self.to_m31_array();
        words[random.below(4)].change(random);
        *self = F::from_m31_array(words);
    }
}

impl Value for Blake2sHash {
    fn change(&mut self, random: &mut Random) {
        self.0[random.below(32)] ^= 1 << random.below(8);
    }
}

impl Value for u64 {
    fn change(&mut self, random: &mut Random) {
        *self ^= 1 << random.below(64);
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn change(&mut self, random: &mut Random) {
        self[random.below(N)].change(random);
    }
}

impl<T: Value> Value for Vec<T> {
    fn change(&mut self, random: &mut Random) {
        match self.len() {
            0 => {}
            n => self[random.below(n)].change(random),
        }
    }
}

impl Value for GkrLayer {
    fn change(&mut self, random: &mut Random) {
        match self.lookup_mask.is_empty() {
            true => self.table_mask.change(random),
            false => self.lookup_mask.change(random),
        }
    }
}

impl Value for FriLayer {
    fn change(&mut self, random: &mut Random) {
        self.root.change(random);
    }
}

impl Value for zkml_runtime::gkr::GkrProof {
    fn change(&mut self, random: &mut Random) {
        self.layers.change(random);
    }
}

/// Calls `f` with every field. Of the columns of queried values the first and the last of each tree, as all are alike.
fn visit(p: &mut Proof, f: &mut dyn FnMut(String, &mut dyn Field)) {
    let spare = p.trace_root;
    f("private root".into(), &mut Maybe(&mut p.private_root, spare));
    f("trace root".into(), &mut One(&mut p.trace_root));
    if let Some(gkr) = p.gkr.clone() {
        f("lookup argument".into(), &mut Maybe(&mut p.gkr, gkr));
    }
    if let Some(gkr) = &mut p.gkr {
        for (name, root) in [("lookup", &mut gkr.lookup_root), ("table", &mut gkr.table_root)] {
            f(format!("{name} root's numerator"), &mut One(&mut root.numerator));
            f(format!("{name} root's denominator"), &mut One(&mut root.denominator));
        }
        f("layers".into(), &mut gkr.layers);
        for (k, layer) in gkr.layers.iter_mut().enumerate() {
            f(format!("rounds of layer {k}"), &mut layer.rounds);
            f(format!("lookup mask of layer {k}"), &mut layer.lookup_mask);
            f(format!("table mask of layer {k}"), &mut layer.table_mask);
        }
    }
    f("einsum sum".into(), &mut One(&mut p.einsum.sum));
    f("einsum rounds".into(), &mut p.einsum.rounds);
    f("operands".into(), &mut p.einsum.operands);
    let o = &mut p.opening;
    f("opening rounds".into(), &mut o.rounds);
    f("prefix-sum root".into(), &mut One(&mut o.sums_root));
    f("composition root".into(), &mut One(&mut o.composition_root));
    f("trees of samples".into(), &mut o.samples);
    for (t, samples) in o.samples.iter_mut().enumerate() {
        f(format!("samples of tree {t}"), samples);
    }
    f("prefix-sum samples".into(), &mut Array(&mut o.sums_samples));
    f("composition samples".into(), &mut Array(&mut o.composition_samples));
    f("FRI layers".into(), &mut o.fri_layers);
    for (k, layer) in o.fri_layers.iter_mut().enumerate() {
        f(format!("root of FRI layer {k}"), &mut One(&mut layer.root));
        f(format!("witness of FRI layer {k}"), &mut layer.witness);
        f(format!("path of FRI layer {k}"), &mut layer.path);
    }
    f("last layer".into(), &mut o.last_layer);
    f("nonce".into(), &mut One(&mut o.nonce));
    f("trees of queried values".into(), &mut o.queried);
    for (t, columns) in o.queried.iter_mut().enumerate() {
        f(format!("queried columns of tree {t}"), columns);
        let last = columns.len().saturating_sub(1);
        for (c, values) in columns.iter_mut().enumerate().filter(|(c, _)| *c == 0 || *c == last) {
            f(format!("queried values of tree {t}, column {c}"), values);
        }
    }
    f("paths".into(), &mut o.paths);
    for (t, path) in o.paths.iter_mut().enumerate() {
        f(format!("path of tree {t}"), path);
    }
}

pub fn names(proof: &Proof) -> Vec<String> {
    let mut names = vec![];
    visit(&mut proof.clone(), &mut |name, _| names.push(name));
    names
}

/// Does `kind` to field `index`, at a place from 0 to 1; false if that field has no such change.
pub fn apply(proof: &mut Proof, index: usize, kind: Kind, place: f64, random: &mut Random) -> bool {
    let (mut at, mut applied) = (0, false);
    visit(proof, &mut |_, field| {
        if at == index {
            applied = field.apply(kind, place, random);
        }
        at += 1;
    });
    applied
}

/// A random change of a random field.
pub fn mutate(proof: &mut Proof, random: &mut Random) -> String {
    let names = names(proof);
    let (index, kind) = (random.below(names.len()), Kind::ALL[random.below(4)]);
    let place = random.below(1 << 16) as f64 / ((1 << 16) - 1) as f64;
    if apply(proof, index, kind, place, random) {
        return format!("{} {kind:?} at {place}", names[index]);
    }
    // Single values can only change.
    apply(proof, index, Kind::Changed, place, random);
    format!("{} {:?}", names[index], Kind::Changed)
}

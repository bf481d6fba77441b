//! Weights by their path.

use super::tensor::{AsInt, Weight};
use std::collections::BTreeMap;
use zkml_ir::tensor::IntTensor;

/// Tensors by their path in files: `h.0.attn.c_attn.weight`.
pub type NamedTensors = BTreeMap<String, IntTensor>;

/// A weight, a model's weights, or a list of such.
pub trait WeightSet {
    /// Adds every tensor, whose path starts with `path`.
    fn collect(&self, path: &str, into: &mut NamedTensors);
}

impl<E, const A: usize, const B: usize, const C: usize, const D: usize, const F: usize, const G: usize>
    WeightSet for Weight<E, A, B, C, D, F, G>
{
    fn collect(&self, path: &str, into: &mut NamedTensors) {
        into.insert(path.to_string(), self.as_int().clone());
    }
}

impl WeightSet for NamedTensors {
    fn collect(&self, path: &str, into: &mut NamedTensors) {
        into.extend(self.iter().map(|(name, t)| (join(path, name), t.clone())));
    }
}

impl<T: WeightSet> WeightSet for [T] {
    fn collect(&self, path: &str, into: &mut NamedTensors) {
        for (i, w) in self.iter().enumerate() {
            w.collect(&join(path, &i.to_string()), into);
        }
    }
}

impl<T: WeightSet> WeightSet for Vec<T> {
    fn collect(&self, path: &str, into: &mut NamedTensors) {
        self.as_slice().collect(path, into);
    }
}

// Slices are unsized: behind a reference they can be a `&dyn WeightSet`.
impl<T: WeightSet + ?Sized> WeightSet for &T {
    fn collect(&self, path: &str, into: &mut NamedTensors) {
        (**self).collect(path, into);
    }
}

/// Segments of a path are joined by dots.
pub fn join(path: &str, segment: &str) -> String {
    if path.is_empty() {
        segment.to_string()
    } else {
        format!("{path}.{segment}")
    }
}

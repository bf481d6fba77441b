//! The sources of the kernels, one file for each part of the prover. They hold no `#include`: the arithmetic that all of
//! them stand on is put in front.

/// A file of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kernels {
    pub file: &'static str,
    pub source: &'static str,
}

const FIELD: &str = include_str!("../kernels/field.cuh");

impl Kernels {
    /// All files of this crate.
    pub const ALL: [Self; 7] = [
        crate::cells::KERNELS,
        crate::commit::KERNELS,
        crate::einsum::FOLD,
        crate::einsum::KERNELS,
        crate::gkr::KERNELS,
        crate::opening::KERNELS,
        crate::opening::STARK,
    ];

    /// What the compiler is given.
    pub fn text(&self) -> String {
        format!("#line 1 \"field.cuh\"\n{FIELD}\n#line 1 \"{}\"\n{}", self.file, self.source)
    }
}

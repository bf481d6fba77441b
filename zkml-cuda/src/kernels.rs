//! The sources of the kernels, one file for each part of the prover. They hold no `#include`: the arithmetic that all of
//! them stand on, and how data lies that several of them read, are put in front.

/// A file of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kernels {
    pub file: &'static str,
    pub source: &'static str,
}

const FIELD: &str = include_str!("../kernels/field.cuh");
const LAYOUT: &str = include_str!("../kernels/layout.cuh");

impl Kernels {
    /// All files of this crate.
    pub const ALL: [Self; 12] = [
        crate::cells::KERNELS,
        crate::commit::KERNELS,
        crate::einsum::FOLD,
        crate::einsum::KERNELS,
        crate::eq::KERNELS,
        crate::gather::KERNELS,
        crate::gkr::KERNELS,
        crate::opening::KERNELS,
        crate::opening::REDUCTION,
        crate::opening::STARK,
        crate::sums::KERNELS,
        crate::trace::KERNELS,
    ];

    /// What the compiler is given.
    pub fn text(&self) -> String {
        let files = [("field.cuh", FIELD), ("layout.cuh", LAYOUT), (self.file, self.source)];
        files.map(|(file, text)| format!("#line 1 \"{file}\"\n{text}\n")).concat()
    }
}

//! Element types as types.

use zkml_ir::elem::Elem;

/// An element type.
pub trait Element: 'static {
    const ELEM: Elem;
}

/// 8 bits, signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum I8 {}
/// 12 bits, signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum I12 {}
/// 16 bits, signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum I16 {}
/// 24 bits, signed: biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum I24 {}
/// 8 bits, unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum U8 {}
/// An exact integer with a known interval: what sums and products give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acc {}

impl Element for I8 {
    const ELEM: Elem = Elem::I8;
}
impl Element for I12 {
    const ELEM: Elem = Elem::I12;
}
impl Element for I16 {
    const ELEM: Elem = Elem::I16;
}
impl Element for I24 {
    const ELEM: Elem = Elem::I24;
}
impl Element for U8 {
    const ELEM: Elem = Elem::U8;
}
impl Element for Acc {
    const ELEM: Elem = Elem::Acc;
}

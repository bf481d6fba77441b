//! Ops by name, and shorthands of the commonest.

use super::{BuildError, Builder, OpCall, Operands, Var};
use std::ops::Range;
use zkml_ir::elem::Elem;

impl Builder {
    /// A call of the op of this name ([`zkml_ir::ops::all`]); operators are `add`, `sub`, `mul` and `neg`. Its tensors,
    /// arguments and rules are those that the op has in the source of a model.
    pub fn op(&self, name: &str) -> OpCall<'_> {
        OpCall::new(self, name)
    }

    /// `matmul(x, w)`
    pub fn matmul(&self, x: Var, w: Var) -> Result<Var, BuildError> {
        self.op("matmul").of([x, w])
    }

    /// `x + y`
    pub fn add(&self, x: Var, y: Var) -> Result<Var, BuildError> {
        self.op("add").of([x, y])
    }

    /// `x - y`
    pub fn sub(&self, x: Var, y: Var) -> Result<Var, BuildError> {
        self.op("sub").of([x, y])
    }

    /// `x * y`
    pub fn mul(&self, x: Var, y: Var) -> Result<Var, BuildError> {
        self.op("mul").of([x, y])
    }

    /// `x * 0.125`: the same integers in another step.
    pub fn scale(&self, x: Var, by: f64) -> Result<Var, BuildError> {
        self.op("mul").arg("by", by).of(x)
    }

    /// `-x`
    pub fn neg(&self, x: Var) -> Result<Var, BuildError> {
        self.op("neg").of(x)
    }

    /// `quantize::<I12>(h)`: `b.quantize(Elem::I12).of(h)`, or with `.arg("window", 16)`.
    pub fn quantize(&self, to: Elem) -> OpCall<'_> {
        self.op("quantize").elem(to)
    }

    /// `quantize_int8(h)`
    pub fn quantize_int8(&self, h: Var) -> Result<Var, BuildError> {
        self.op("quantize_int8").of(h)
    }

    /// `relu(x)`
    pub fn relu(&self, x: Var) -> Result<Var, BuildError> {
        self.op("relu").of(x)
    }

    /// `gelu(x)`
    pub fn gelu(&self, x: Var) -> Result<Var, BuildError> {
        self.op("gelu").of(x)
    }

    /// `layer_norm(x)`
    pub fn layer_norm(&self, x: Var) -> Result<Var, BuildError> {
        self.op("layer_norm").of(x)
    }

    /// `transpose(x, perm = [0, 2, 1])`
    pub fn transpose(&self, x: Var, perm: &[usize]) -> Result<Var, BuildError> {
        self.op("transpose").arg("perm", perm).of(x)
    }

    /// `reshape(x, shape = [64, 12, 64])`
    pub fn reshape(&self, x: Var, shape: &[usize]) -> Result<Var, BuildError> {
        self.op("reshape").arg("shape", shape).of(x)
    }

    /// `slice(x, axis = 1, range = 0..64)`
    pub fn slice(&self, x: Var, axis: usize, range: Range<usize>) -> Result<Var, BuildError> {
        self.op("slice").arg("axis", axis).arg("range", range).of(x)
    }

    /// `concat(x, y, .., axis = 1)`
    pub fn concat(&self, tensors: impl Operands, axis: usize) -> Result<Var, BuildError> {
        self.op("concat").arg("axis", axis).of(tensors)
    }
}

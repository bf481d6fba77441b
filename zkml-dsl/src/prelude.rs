//! `use zkml_dsl::prelude::*;`

pub use crate::engine::{Certificate, VerifierKey};
pub use crate::typed::{Acc, Record, Tensor, Weight, ZkModel, I12, I16, I24, I8, U8};
pub use zkml_ir::graph::Params;
pub use zkml_macros::zk_model;

//! Writes the code of a model. It cannot fail: what is wrong was found before.
//!
//! A model's expansion has two phases, because a macro cannot see another item. The first writes the function, the
//! module and its types, then asks each callee's macro for its symbolic IR: `block! { {::zkml_dsl::__private::elaborate}
//! .. }` expands to `elaborate! { .. b"ir" }`. The second, with every callee's IR, elaborates and writes
//! `impl ZkModel` and the model's own macro, which does the same for its callers.

mod api;
mod export;
mod function;
mod implement;
mod names;
mod phases;
mod weights;

pub(crate) use phases::{first_phase, second_phase};

//! `#[zk_model]`.

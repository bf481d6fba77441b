//! Measurements of zkml: what the criterion benches share, and the sweep over sizes of GPT-2.
//!
//! * [`ready`]: a model that is set up once and proven many times;
//! * [`ops`], [`networks`]: the models that are measured;
//! * [`seeded`]: their weights and inputs where `zkml-models` has none;
//! * [`smoke`]: whether this run only asks if everything still works;
//! * [`sweep`]: points, child processes, table, plots and fit of the `sweep` binary.

pub mod networks;
pub mod ops;
pub mod ready;
pub mod seeded;
pub mod smoke;
pub mod sweep;

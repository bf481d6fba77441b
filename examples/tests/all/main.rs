//! Tests of the examples, in one binary: the float references, and the models at small sizes from calibration to proof.

mod golden;
mod llama;
mod models;
mod sentences;
mod transformers;

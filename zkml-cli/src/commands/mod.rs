//! One file for each command.

pub mod bench;
pub mod calibrate;
pub mod cost;
pub mod export;
pub mod import;
pub mod inspect;
pub mod prove;
pub mod run;
pub mod setup;
pub mod verify;

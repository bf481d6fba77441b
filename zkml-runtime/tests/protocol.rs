//! Whole arguments over small graphs: honest runs verify, and everything that a verifier reads is checked.

mod common;

mod protocol {
    mod bytes;
    mod fields;
    mod honest;
    mod omissions;
    mod opening;
    mod quantize;
    mod statement;
    mod transcript;
    mod witness;
}

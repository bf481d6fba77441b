//! Whole arguments over small graphs: honest runs verify, and everything that a verifier reads is checked.

mod common;

mod protocol {
    mod attention;
    mod bytes;
    mod certificate;
    mod claims;
    mod embedding;
    mod fields;
    mod honest;
    mod layer_norm;
    mod lookups;
    mod omissions;
    mod opening;
    mod quantize;
    mod setup;
    mod softmax;
    mod statement;
    mod transcript;
    mod wire;
    mod witness;
}

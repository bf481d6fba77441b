//! Proof files: whatever is read is written back to the same bytes.

use super::edits;
use super::golden::{golden, FILES};
use zkml_runtime::artifact::ProofFile;
use zkml_runtime::protocol::Proof;

/// The first byte chooses the model and whether the rest is a proof file, an argument, or edits of the golden ones.
pub fn run(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    let (model, form) = (choice as usize % 3, choice as usize / 3 % 4);
    let edited = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        edits::apply(rest, &mut bytes);
        bytes
    };
    match form {
        0 => file(model, rest),
        1 => argument(model, rest),
        2 => file(model, &edited(FILES[model].proof)),
        _ => argument(model, &edited(&golden(model).proof.argument)),
    }
}

fn file(model: usize, bytes: &[u8]) {
    let Ok(read) = ProofFile::from_bytes(bytes) else { return };
    assert!(read.to_bytes() == bytes, "two forms of one proof file");
    argument(model, &read.argument);
}

fn argument(model: usize, bytes: &[u8]) {
    let Ok(read) = Proof::from_bytes(bytes, golden(model).verifier.system()) else { return };
    assert!(read.to_bytes() == bytes, "two forms of one proof");
}

//! Compiled kernels on disk: compiling them takes seconds, loading them milliseconds.

use blake2::{Blake2s256, Digest};
use std::path::PathBuf;

/// The file for this source, compiled for this card by this compiler: whatever changes one of them changes the name.
/// `None` where the system has no folder for caches.
pub(crate) fn path(text: &str, arch: &str, compiler: (i32, i32)) -> Option<PathBuf> {
    let mut hash = Blake2s256::new();
    for part in [text, arch, &format!("{compiler:?}")] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let name: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Some(dirs::cache_dir()?.join("zkml/kernels").join(format!("{name}.ptx")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_what_they_are_of() {
        let of = |text, arch, minor| path(text, arch, (13, minor));
        let all = [of("ab", "c", 0), of("a", "bc", 0), of("ab", "c", 1), of("ab", "d", 0)];
        assert!(all.iter().enumerate().all(|(i, a)| a.is_some() && all[..i].iter().all(|b| a != b)));
    }
}

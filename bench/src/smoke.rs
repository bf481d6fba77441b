//! Whether a run measures or only asks if everything still works.

/// Criterion measures if `--bench` is given and `--test` is not: `cargo bench` gives the first, CI adds the second. Then
/// every benchmark runs once, and those that take long are left out.
pub fn is_smoke() -> bool {
    smoke(std::env::args())
}

fn smoke(args: impl Iterator<Item = String>) -> bool {
    let (mut bench, mut test) = (false, false);
    for arg in args {
        bench |= arg == "--bench";
        test |= arg == "--test";
    }
    test || !bench
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_criterion_sees_it() {
        let of = |args: &[&str]| smoke(args.iter().map(|a| a.to_string()));
        assert!(!of(&["ops", "--bench"]));
        assert!(of(&["ops", "--bench", "--test"]));
        assert!(of(&["ops"]));
    }
}

//! Tables for people, and the paths of tensors that belong together.

use std::fmt;

/// Rows of cells: the first column to the left, numbers to the right.
pub(super) fn table(f: &mut fmt::Formatter, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (c, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            match c {
                0 => line.push_str(&format!("{cell:width$}")),
                _ => line.push_str(&format!("  {cell:>width$}")),
            }
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Decibels; a tensor without error has none.
pub(super) fn decibels(db: Option<f64>) -> String {
    db.map_or_else(|| "exact".into(), |v| format!("{v:.1}"))
}

pub(super) fn percent(share: f64) -> String {
    match share {
        0.0 => "-".into(),
        _ => format!("{:.2}%", 100.0 * share),
    }
}

/// `10 log10(signal / noise)`; `None` where there is no noise.
pub(super) fn ratio_db(signal: f64, noise: f64) -> Option<f64> {
    (noise > 0.0).then(|| 10.0 * (signal / noise).log10())
}

/// `blocks[3]` of `blocks[3].attention.scores`: up to the first index, and nothing where there is none.
pub(super) fn layer(path: &str) -> &str {
    path.find(']').map_or("", |end| &path[..=end])
}

/// `blocks[*].attention.scores`: what all iterations of a loop have in common.
pub(super) fn pattern(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        match after.split_once(']') {
            Some((index, tail)) if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) => {
                out.push_str("[*]");
                rest = tail;
            }
            _ => {
                out.push('[');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_group_by_their_first_index_and_across_all() {
        assert_eq!(layer("blocks[3].attention.scores"), "blocks[3]");
        assert_eq!(layer("head.logits"), "");
        assert_eq!(pattern("blocks[3].heads[12].q"), "blocks[*].heads[*].q");
        assert_eq!(pattern("x[a].y[7"), "x[a].y[7");
        assert_eq!(pattern("w"), "w");
    }

    #[test]
    fn decibels_of_a_hundredth_are_twenty() {
        assert_eq!(ratio_db(1.0, 0.01), Some(20.0));
        assert_eq!(ratio_db(1.0, 0.0), None);
    }

    #[test]
    fn columns_align() {
        struct T;
        impl fmt::Display for T {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
                table(f, &[row("name", "dB"), row("a", "120.5"), row("longer name", "exact")])
            }
        }
        assert_eq!(T.to_string(), "name            dB\na            120.5\nlonger name  exact\n");
    }
}

//! Names in Rust and in weights' files, from those of a graph.

use std::collections::HashSet;

/// Words that no argument may have for a name.
const KEYWORDS: [&str; 40] = [
    "as", "box", "break", "const", "continue", "crate", "do", "else", "enum", "extern", "false", "final",
    "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return",
    "self", "static", "struct", "super", "trait", "true", "try", "type", "unsafe", "use", "virtual", "where",
    "while", "yield",
];

/// In snake case, a letter first.
pub fn ident(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() {
            true => out.push(c.to_ascii_lowercase()),
            false if out.ends_with('_') || out.is_empty() => {}
            false => out.push('_'),
        }
    }
    let out = out.trim_end_matches('_');
    match out.chars().next() {
        None => "x".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("x{out}"),
        Some(_) if KEYWORDS.contains(&out) => format!("{out}_"),
        Some(_) => out.to_owned(),
    }
}

/// Gives each name once.
#[derive(Clone, Debug, Default)]
pub struct Unique(HashSet<String>);

impl Unique {
    /// The name, or with a number behind it.
    pub fn take(&mut self, name: &str, separator: &str) -> String {
        let numbered = |n: usize| if n < 2 { name.to_owned() } else { format!("{name}{separator}{n}") };
        let free =
            (1..).map(numbered).find(|n| !self.0.contains(n)).expect("there are more numbers than names");
        self.0.insert(free.clone());
        free
    }
}

/// Is this a name that a person gave, and not one that an exporter made up?
pub fn is_given(name: &str) -> bool {
    let made_up = name.contains("::")
        || name.starts_with('/')
        || name.starts_with("_v_")
        || name.starts_with("val_")
        || name.chars().all(|c| c.is_ascii_digit())
        || name.ends_with("_output_0")
        || name.contains("_quantized");
    !made_up && !name.is_empty()
}

/// The module that a node belongs to, from the scopes in its name: `/layer1/layer1.0/conv1/Conv` is of `layer1.0.conv1`.
pub fn module(node: &str) -> String {
    let Some((scopes, _)) = node.trim_start_matches('/').rsplit_once('/') else { return String::new() };
    let mut path: Vec<&str> = vec![];
    for scope in scopes.split('/') {
        match path.last() {
            // A list's entry names its list again.
            Some(last) if scope.strip_prefix(last).is_some_and(|rest| rest.starts_with('.')) => {
                path.pop();
                path.push(scope);
            }
            _ => path.push(scope),
        }
    }
    path.join(".")
}

/// A path without what need not be said: every number with the name before it, and the last `k` parts of the rest. `layer.0.attention.self.query`
/// is `layer.0.query`.
pub fn short(path: &str, k: usize) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    let number = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    let last =
        parts.iter().enumerate().rev().filter(|(_, p)| !number(p)).take(k).last().map_or(0, |(i, _)| i);
    let kept = |i: usize| i >= last || number(parts[i]) || parts.get(i + 1).is_some_and(|p| number(p));
    let kept: Vec<&str> = (0..parts.len()).filter(|&i| kept(i)).map(|i| parts[i]).collect();
    kept.join(".")
}

/// [`short`] of each, with as many parts as tell it from all others.
pub fn shortest(paths: &[&str], least: usize) -> Vec<String> {
    const MOST: usize = 12;
    let mut known: Vec<Option<String>> = vec![None; paths.len()];
    for k in least..=MOST {
        let all: Vec<String> = paths.iter().map(|p| short(p, k)).collect();
        for (i, name) in all.iter().enumerate() {
            let taken = known.iter().flatten().any(|n| n == name);
            if known[i].is_none() && !taken && all.iter().filter(|n| *n == name).count() == 1 {
                known[i] = Some(name.clone());
            }
        }
    }
    known.into_iter().zip(paths).map(|(name, path)| name.unwrap_or_else(|| (*path).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for (name, expected) in [
            ("conv1.weight", "conv1_weight"),
            ("onnx::Conv_43", "onnx_conv_43"),
            ("input.1", "input_1"),
            ("12", "x12"),
            ("/fc/Gemm_output_0", "fc_gemm_output_0"),
            ("", "x"),
            ("match", "match_"),
            ("größe", "gr_e"),
        ] {
            assert_eq!(ident(name), expected);
        }
        let mut names = Unique::default();
        let all = ["h", "h", "h"].map(|n| names.take(n, "_"));
        assert_eq!(all, ["h", "h_2", "h_3"]);
    }

    #[test]
    fn short_names() {
        let path = "encoder.layer.0.attention.self.query.weight";
        assert_eq!(short(path, 2), "layer.0.query.weight");
        assert_eq!(short("layer1.0.conv1.weight", 2), "layer1.0.conv1.weight");
        let paths = [
            "l.0.attention.output.dense.weight",
            "l.0.output.dense.weight",
            "l.0.query.weight",
            "l.1.query.weight",
        ];
        let names = shortest(&paths, 2);
        assert_eq!(
            names,
            [
                "l.0.attention.output.dense.weight",
                "l.0.output.dense.weight",
                "l.0.query.weight",
                "l.1.query.weight"
            ]
        );
    }

    #[test]
    fn modules() {
        for (node, expected) in [
            ("/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"),
            ("/encoder/layer.0/attention/self/query/MatMul", "encoder.layer.0.attention.self.query"),
            ("/fc/Gemm", "fc"),
            ("Conv_12", ""),
        ] {
            assert_eq!(module(node), expected);
        }
    }
}

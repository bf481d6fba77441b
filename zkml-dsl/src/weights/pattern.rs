//! Patterns of tensor names.
//!
//! Segments between dots: a word, alternatives (`weight|bias`), `*` for a number, `**` for any segments, also none.

pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), name.split('.').collect());
    segments(&pattern, &name)
}

fn segments(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        (["**", rest @ ..], name) => (0..=name.len()).any(|n| segments(rest, &name[n..])),
        ([first, pattern @ ..], [segment, name @ ..]) => word(first, segment) && segments(pattern, name),
        (_, []) => false,
    }
}

fn word(pattern: &str, segment: &str) -> bool {
    match pattern {
        "*" => !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit()),
        words => words.split('|').any(|word| word == segment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let yes = [
            ("wte.weight", "wte.weight"),
            ("h.*.attn.bias", "h.11.attn.bias"),
            ("h.*.ln_1|ln_2.weight|bias", "h.0.ln_2.bias"),
            ("**.inv_freq", "inv_freq"),
            ("**.inv_freq", "layers.0.self_attn.rotary_emb.inv_freq"),
            ("cls.**", "cls.predictions.bias"),
            ("a.**.b", "a.x.y.b"),
        ];
        for (pattern, name) in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        let no = [
            ("wte.weight", "wte"),
            ("wte.weight", "wte.weight.x"),
            ("wte.weight", ""),
            ("h.*.attn.bias", "h.x.attn.bias"),
            ("h.*.attn.bias", "h..attn.bias"),
            ("h.*.attn.bias", "h.0.attn.c_attn.bias"),
            ("h.*.attn.bias", "h.0.c_attn.bias"),
            ("h.*.ln_1|ln_2.weight", "h.0.ln_1|ln_2.weight"),
            ("**.inv_freq", "inv_freq.x"),
            ("cls.**", "xcls.predictions.bias"),
        ];
        for (pattern, name) in no {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}

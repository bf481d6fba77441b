//! A [`Program`] as the source of a model, the way a person writes one.
//!
//! What is read once is written where it is read, as long as the order of the calls stays (so that the graph is the one that
//! [`Program::instance`] builds) and a line stays readable; everything else gets a name from the graph.

use crate::names::{ident, Unique};
use crate::program::{Arg, ParamKind, Program, Ref, Step, LAYERS};
use std::collections::HashMap;
use std::fmt::Write;
use zkml_dsl::builder::Layout;
use zkml_dsl::Elem;

/// Characters of a line, at most, unless one call alone is longer.
const WIDTH: usize = 100;

/// How strongly the parts of an expression hold together.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Sum,
    Product,
    Minus,
    Call,
}

struct Text {
    text: String,
    binding: Binding,
    /// The first of the steps that it holds.
    first: usize,
    /// Steps that it holds.
    calls: usize,
}

/// The model's source: one function, and one for its layers.
pub fn rust(p: &Program) -> String {
    let text = match &p.layers {
        Some(layers) => format!("{}\n{}", function(&layers.block, "(report = line)"), function(p, "")),
        None => function(p, ""),
    };
    match syn::parse_file(&text) {
        Ok(file) => spaced(&prettyplease::unparse(&file)),
        // It is a function still, and the macro says where it is none.
        Err(_) => text,
    }
}

/// A line between functions; types in turbofish on the line of what they belong to.
fn spaced(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.trim_end();
    while let Some(at) = rest.find("::<\n") {
        let inside = &rest[at + 3..];
        let end = inside.find('>').unwrap_or(inside.len());
        out += &rest[..at + 3];
        out += inside[..end].trim().trim_end_matches(',');
        rest = &inside[end..];
    }
    (out + rest).replace("\n}\n#[zk_model", "\n}\n\n#[zk_model") + "\n"
}

fn function(p: &Program, options: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "#[zk_model{options}]\npub fn {}(", p.name);
    for (i, param) in p.params.iter().enumerate() {
        if let Some(layers) = p.layers.as_ref().filter(|l| l.weights.iter().flatten().any(|&w| w == i)) {
            // The list stands where its first weight would.
            if layers.weights[0].first() == Some(&i) {
                let (path, list, n) = (&layers.path, &layers.list, layers.weights.len());
                let _ =
                    writeln!(out, "    #[name = {path:?}] {list}: [{}::Weights; {n}],", layers.block.name);
            }
            continue;
        }
        let dims: Vec<String> = param.dims.iter().map(usize::to_string).collect();
        let kind = match param.kind {
            ParamKind::Input => "Tensor",
            ParamKind::Weight(_) => "Weight",
        };
        let attribute = match param.kind {
            ParamKind::Weight(Layout::OutIn) => format!("#[name({:?}, layout = \"out_in\")] ", param.name),
            ParamKind::Weight(_) if param.name != param.ident => format!("#[name = {:?}] ", param.name),
            _ => String::new(),
        };
        let _ = writeln!(out, "    {attribute}{}: {kind}<{}, {}>,", param.ident, param.elem, dims.join(", "));
    }
    let all = p.types().unwrap_or_default();
    let types: Vec<String> = p.results.iter().map(|(_, r)| result_type(&all, r)).collect();
    let types = match &types[..] {
        [one] => one.clone(),
        all => format!("({})", all.join(", ")),
    };
    let _ = writeln!(out, ") -> {types} {{");
    out += &Writer::new(p).body();
    out += "}\n";
    out
}

fn result_type(types: &HashMap<Ref, (Elem, Vec<usize>)>, r: &Ref) -> String {
    let Some((elem, dims)) = types.get(r) else { return "_".into() };
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    format!("Tensor<{elem}, {}>", dims.join(", "))
}

struct Writer<'p> {
    p: &'p Program,
    uses: HashMap<Ref, usize>,
    names: HashMap<Ref, String>,
    taken: Unique,
}

impl<'p> Writer<'p> {
    fn new(p: &'p Program) -> Self {
        let mut uses = HashMap::new();
        let read = p.steps.iter().flat_map(Step::reads).chain(p.results.iter().map(|(_, r)| *r));
        read.for_each(|r| *uses.entry(r).or_insert(0) += 1);
        let mut taken = Unique::default();
        taken.take(&p.name, "_");
        for param in &p.params {
            taken.take(&param.ident, "_");
        }
        if let Some(layers) = &p.layers {
            taken.take(&layers.list, "_");
            taken.take(&layers.block.name, "_");
            taken.take("l", "_");
        }
        // Names of ops stand for the ops.
        zkml_ir::ops::all().iter().for_each(|op| drop(taken.take(op.name(), "_")));
        // Outputs are called what they are, and the macro takes their names from there.
        let mut names = HashMap::new();
        for (name, r) in p.results.iter().filter(|(_, r)| matches!(r, Ref::Step(..))) {
            taken.take(name, "_");
            names.entry(*r).or_insert_with(|| name.clone());
        }
        Self { p, uses, names, taken }
    }

    fn body(mut self) -> String {
        // Which steps stand on lines of their own, from the last to the first.
        let mut lines: Vec<(usize, Text)> = vec![];
        let mut named: Vec<usize> = vec![];
        let mut next = self.p.steps.len();
        while next > 0 {
            let s = next - 1;
            let first = self.extent(s);
            named.push(s);
            next = first;
        }
        named.reverse();
        for &s in &named {
            for k in 0..self.p.steps[s].results {
                if !self.names.contains_key(&Ref::Step(s, k)) {
                    let name = self.name(s, k);
                    self.names.insert(Ref::Step(s, k), name);
                }
            }
        }
        for &s in &named {
            let text = self.expression(s);
            lines.push((s, text));
        }
        let mut out = String::new();
        for (s, text) in lines {
            let names: Vec<String> = (0..self.p.steps[s].results)
                .filter_map(|k| self.names.get(&Ref::Step(s, k)).cloned())
                .collect();
            if let (Some(layers), LAYERS, [x]) = (&self.p.layers, self.p.steps[s].op, &names[..]) {
                let given: Vec<String> = self.p.steps[s].tensors.iter().map(|r| self.reference(*r)).collect();
                let (call, list) = (&layers.block.name, &layers.list);
                let shared: String = given[1..].iter().map(|g| format!("{g}, ")).collect();
                let _ = writeln!(out, "    let mut {x} = {};", given[0]);
                let _ = writeln!(out, "    for l in 0..{} {{", layers.weights.len());
                let _ = writeln!(out, "        {x} = {call}({x}, {shared}{list}[l]);\n    }}");
                continue;
            }
            let _ = match &names[..] {
                [one] => writeln!(out, "    let {one} = {};", text.text),
                all => writeln!(out, "    let ({}) = {};", all.join(", "), text.text),
            };
        }
        let all: Vec<String> = self.p.results.iter().map(|(_, r)| self.reference(*r)).collect();
        let _ = match &all[..] {
            [one] => writeln!(out, "    {one}"),
            all => writeln!(out, "    ({})", all.join(", ")),
        };
        out
    }

    /// The first step of those that are written with this one, which follow each other up to it.
    fn extent(&self, s: usize) -> usize {
        self.written(s, &mut 0).0
    }

    /// The first step that the expression of `s` holds, and about how long it is.
    fn written(&self, s: usize, depth: &mut usize) -> (usize, usize) {
        *depth += 1;
        let step = &self.p.steps[s];
        let mut length =
            step.op.len() + 4 + step.named.iter().map(|(n, a)| n.len() + 5 + argument_len(a)).sum::<usize>();
        if step.elem.is_some() {
            length += 7;
        }
        let mut cursor = s;
        for r in step.reads().collect::<Vec<_>>().into_iter().rev() {
            match self.inlined(r, cursor, s) {
                Some(inner) => {
                    let (first, inner_length) = self.written(inner, depth);
                    length += inner_length + 2;
                    cursor = first;
                }
                None => length += 2 + self.reference_len(r),
            }
        }
        (cursor, length)
    }

    /// The step whose expression stands in place of `r`, if it may: it is read once, it is the one before what is written already, and a
    /// reader would not rather have a name.
    fn inlined(&self, r: Ref, cursor: usize, into: usize) -> Option<usize> {
        let Ref::Step(s, 0) = r else { return None };
        let step = &self.p.steps[s];
        let layers = step.op == LAYERS || self.p.steps[into].op == LAYERS;
        if layers || step.results != 1 || self.uses[&r] != 1 || s + 1 != cursor {
            return None;
        }
        let reader = &self.p.steps[into];
        if !(step.node == reader.node || follows(step, reader)) {
            return None;
        }
        let (_, length) = self.written(s, &mut 0);
        (length < WIDTH - 20).then_some(s)
    }

    fn reference_len(&self, r: Ref) -> usize {
        match r {
            Ref::Param(i) => self.p.params[i].ident.len(),
            Ref::Step(s, _) => ident(&self.p.steps[s].name).len().min(24),
        }
    }

    fn reference(&self, r: Ref) -> String {
        match r {
            Ref::Param(i) => self.p.params[i].ident.clone(),
            step => self.names.get(&step).cloned().unwrap_or_else(|| "_".into()),
        }
    }

    /// From the node; of several results with their number.
    fn name(&mut self, s: usize, k: usize) -> String {
        let step = &self.p.steps[s];
        let base = ident(&step.name);
        let base = if step.results > 1 { format!("{base}_{k}") } else { base };
        self.taken.take(&base, "_")
    }

    fn expression(&self, s: usize) -> Text {
        let step = &self.p.steps[s];
        let reads: Vec<Ref> = step.reads().collect();
        let mut texts: Vec<Text> = vec![];
        let mut cursor = s;
        for &r in reads.iter().rev() {
            let text = match self.inlined(r, cursor, s) {
                Some(inner) => self.expression(inner),
                None => Text { text: self.reference(r), binding: Binding::Call, first: cursor, calls: 0 },
            };
            cursor = text.first;
            texts.push(text);
        }
        texts.reverse();
        let calls = 1 + texts.iter().map(|t| t.calls).sum::<usize>();
        let (positional, tensors) = texts.split_at(step.tensors.len());
        let text = |text: String, binding: Binding| Text { text, binding, first: cursor, calls };
        let within = |t: &Text, least: Binding| match t.binding >= least {
            true => t.text.clone(),
            false => format!("({})", t.text),
        };
        let by = step.named.iter().find(|(n, _)| *n == "by").map(|(_, a)| a);
        match (step.op, positional, by) {
            ("add", [a, b], _) => {
                text(format!("{} + {}", within(a, Binding::Sum), within(b, Binding::Product)), Binding::Sum)
            }
            ("sub", [a, b], _) => {
                text(format!("{} - {}", within(a, Binding::Sum), within(b, Binding::Product)), Binding::Sum)
            }
            ("mul", [a, b], None) => text(
                format!("{} * {}", within(a, Binding::Product), within(b, Binding::Minus)),
                Binding::Product,
            ),
            ("mul", [a], Some(by)) => text(
                format!("{} * {}", within(a, Binding::Product), argument(by, &mut std::iter::empty())),
                Binding::Product,
            ),
            ("neg", [a], _) => text(format!("-{}", within(a, Binding::Call)), Binding::Minus),
            _ => {
                let elem = step.elem.map(|e| format!("::<{e}>")).unwrap_or_default();
                let mut tensors = tensors.iter();
                let named = step.named.iter().map(|(n, a)| format!("{n} = {}", argument(a, &mut tensors)));
                let args: Vec<String> = positional.iter().map(|t| t.text.clone()).chain(named).collect();
                let op = format!("{}{elem}", step.op);
                text(format!("{op}({})", args.join(", ")), Binding::Call)
            }
        }
    }
}

/// Steps that a reader follows from left to right on one line: a product and what becomes of it.
fn follows(step: &Step, reader: &Step) -> bool {
    const LIGHT: [&str; 26] = [
        "quantize",
        "relu",
        "gelu",
        "silu",
        "sigmoid",
        "tanh",
        "exp",
        "abs",
        "clamp",
        "reshape",
        "transpose",
        "max_pool",
        "avg_pool",
        "mean",
        "sum",
        "neg",
        "slice",
        "pad",
        "rsqrt",
        "sqrt",
        "log",
        "sin",
        "cos",
        "reciprocal",
        "square",
        "softmax",
    ];
    // A sum with a weight is a bias; of two branches each has a name.
    let bias = reader.op == "add" && matches!(reader.tensors[..], [_, Ref::Param(_)]);
    let gain = reader.op == "mul" && matches!(reader.tensors[..], [_, Ref::Param(_)] | [_]);
    let quantised = step.op.starts_with("quantize");
    LIGHT.contains(&reader.op) || bias || gain || quantised
}

fn argument_len(a: &Arg) -> usize {
    match a {
        Arg::Tensor(_) => 8,
        other => argument(other, &mut std::iter::empty()).len(),
    }
}

fn argument<'t>(a: &Arg, tensors: &mut impl Iterator<Item = &'t Text>) -> String {
    match a {
        Arg::Tensor(_) => tensors.next().map_or_else(String::new, |t| t.text.clone()),
        Arg::Int(v) => v.to_string(),
        Arg::Real(v) => format!("{v:?}"),
        Arg::Bool(v) => v.to_string(),
        Arg::Range(a, b) => format!("{a}..{b}"),
        Arg::Ints(v) => format!("[{}]", list(v).join(", ")),
    }
}

/// Entries that follow each other, up or down, are a range.
fn list(v: &[i64]) -> Vec<String> {
    const LEAST: usize = 8;
    let mut out = vec![];
    let mut rest = v;
    while let Some(&first) = rest.first() {
        let run = |step: i64| rest.windows(2).take_while(|w| w[1] - w[0] == step).count() + 1;
        let (up, down) = (run(1), run(-1));
        let taken = up.max(down);
        let last = rest[taken - 1];
        rest = match taken {
            LEAST.. => {
                out.push(if up > down {
                    format!("{first}..{}", last + 1)
                } else {
                    format!("({last}..{}).rev()", first + 1)
                });
                &rest[taken..]
            }
            _ => {
                out.push(first.to_string());
                &rest[1..]
            }
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn long_runs_are_ranges() {
        let run =
            |a: i64, b: i64| if a < b { (a..b).collect::<Vec<_>>() } else { (b + 1..=a).rev().collect() };
        assert_eq!(list(&[1, 2, 3, 4, 5]).join(", "), "1, 2, 3, 4, 5");
        assert_eq!(list(&run(0, 9)).join(", "), "0..9");
        let mirrored = [vec![7], run(0, 9), run(7, -1), vec![0]].concat();
        assert_eq!(list(&mirrored).join(", "), "7, 0..9, (0..8).rev(), 0");
        assert_eq!(list(&[]).len(), 0);
    }
}

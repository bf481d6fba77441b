//! Whether the tensors of a file are those that a model declares.

use super::names::nearest;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;

/// A weight of the model, with the shape that it has in the file.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) dims: Vec<usize>,
    /// The declared layout can be changed, so a fitting transpose is worth a hint.
    pub(super) layout: Option<zkml_ir::graph::Layout>,
}

/// A tensor of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    pub name: String,
    pub dims: Vec<usize>,
}

/// A declared weight that the file does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub name: String,
    /// In the file's layout.
    pub expected: Vec<usize>,
    /// Among the unused tensors of the file.
    pub nearest: Option<String>,
}

/// A declared weight whose shape in the file differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshapen {
    pub name: String,
    /// In the file's layout.
    pub expected: Vec<usize>,
    pub got: Vec<usize>,
    /// The layout under which the file's shape fits.
    pub fits_layout: Option<&'static str>,
}

/// Everything in which a file and a model differ.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct Misfit {
    pub model: String,
    pub missing: Vec<Missing>,
    pub misshapen: Vec<Misshapen>,
    pub unused: Vec<Present>,
    /// All tensors of the file.
    pub present: Vec<Present>,
}

/// Compares names and shapes; `present` in the order in which errors shall list it.
pub(super) fn check_fit(model: &str, wanted: &[Wanted<'_>], present: Vec<Present>) -> Result<(), Misfit> {
    let file: BTreeMap<&str, &Present> = present.iter().map(|p| (p.name.as_str(), p)).collect();
    let declared: BTreeSet<&str> = wanted.iter().map(|w| w.name).collect();
    let unused: Vec<Present> =
        present.iter().filter(|p| !declared.contains(p.name.as_str())).cloned().collect();
    let (mut missing, mut misshapen) = (vec![], vec![]);
    for w in wanted {
        match file.get(w.name) {
            None => missing.push(Missing {
                name: w.name.to_owned(),
                expected: w.dims.clone(),
                nearest: nearest(w.name, unused.iter().map(|p| p.name.as_str())).map(str::to_owned),
            }),
            Some(p) if p.dims != w.dims => misshapen.push(Misshapen {
                name: w.name.to_owned(),
                expected: w.dims.clone(),
                got: p.dims.clone(),
                fits_layout: other_layout(w, &p.dims),
            }),
            Some(_) => {}
        }
    }
    match missing.is_empty() && misshapen.is_empty() && unused.is_empty() {
        true => Ok(()),
        false => Err(Misfit { model: model.to_owned(), missing, misshapen, unused, present }),
    }
}

/// The other layout's name, if the file's shape fits it.
fn other_layout(w: &Wanted<'_>, got: &[usize]) -> Option<&'static str> {
    use zkml_ir::graph::Layout::{InOut, OutIn};
    let mut swapped = w.dims.clone();
    if let [.., a, b] = &mut swapped[..] {
        std::mem::swap(a, b);
    }
    let other = match w.layout? {
        InOut => "out_in",
        OutIn => "in_out",
    };
    (swapped == got).then_some(other)
}

/// At most this many tensors of the file are listed.
const LISTED: usize = 60;

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file's tensors are not those of model `{}`", self.model)?;
        for m in &self.missing {
            write!(f, "\n  missing: `{}` {:?}", m.name, m.expected)?;
            if let Some(n) = &m.nearest {
                write!(f, "; the nearest unused name is `{n}`")?;
            }
        }
        for m in &self.misshapen {
            write!(f, "\n  misshapen: `{}`: expected {:?}, got {:?}", m.name, m.expected, m.got)?;
            if let Some(layout) = m.fits_layout {
                write!(f, "; the transpose fits: declare the weight with `layout = \"{layout}\"`")?;
            }
        }
        list(f, "unused", &self.unused)?;
        if self.missing.is_empty() && self.misshapen.is_empty() {
            return Ok(());
        }
        list(f, "the file holds", &self.present)
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, tensors: &[Present]) -> fmt::Result {
    if tensors.is_empty() {
        return match title {
            "unused" => Ok(()),
            _ => write!(f, "\n  {title}: nothing"),
        };
    }
    let shown: Vec<String> =
        tensors.iter().take(LISTED).map(|p| format!("`{}` {:?}", p.name, p.dims)).collect();
    write!(f, "\n  {title}: {}", shown.join(", "))?;
    match tensors.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

//! Are all indices, axes and digits what they must be? A deserialised plan may hold anything.

use super::CheckError;
use crate::elem::{Interval, P};
use crate::plan::{Axis, AxisMap, BitMap, Constant, Factor, LinExpr, Plan, Source, Space, View};
use crate::shape::MAX_RANK;

/// No space is larger, so that products of extents stay far from overflow.
const MAX_LOG_CELLS: u32 = if usize::BITS < 64 { 30 } else { 40 };

pub(super) fn check(plan: &Plan) -> Result<(), CheckError> {
    for t in &plan.tables {
        let at = |what: String| CheckError::Structure { name: t.name().into(), what };
        if !t.is_valid() {
            return Err(at("has impossible parameters".into()));
        }
    }
    for t in &plan.tensors {
        let at = |what: String| CheckError::Structure { name: t.name.clone(), what };
        space(&t.axes).map_err(at)?;
        if !t.is_committed() && t.axes.axes().len() > MAX_RANK {
            return Err(at(format!("has {} axes, at most {MAX_RANK} are shown", t.axes.axes().len())));
        }
        // Each index of the model is that of a tensor.
        let index = match t.source {
            Source::Weight(i)
            | Source::PrivateInput(i)
            | Source::PublicInput(i)
            | Source::PublicOutput(i)
            | Source::OneHotOf(i) => i,
            Source::Trace | Source::Constant(_) => 0,
        };
        if index >= plan.tensors.len() {
            return Err(at(format!("is number {index} of at most {}", plan.tensors.len())));
        }
        // A residue has one integer in here, and sums of a few such do not overflow.
        if t.range.lo > t.range.hi || t.range.max_abs() > P / 2 {
            return Err(at(format!("is declared in {}, which has no place in the field", t.range)));
        }
        if let Source::OneHotOf(i) = t.source {
            one_hot_of(plan, i, &t.axes).map_err(at)?;
            if !t.range.contains_interval(Interval::new(0, 1)) {
                return Err(at(format!("holds flags, declared is {}", t.range)));
            }
        }
        if let Source::Constant(c) = &t.source {
            constant(c, &t.axes).map_err(at)?;
            if constant_range(c).is_some_and(|(lo, hi)| t.range.lo > lo || t.range.hi < hi) {
                return Err(at(format!("holds values outside {}", t.range)));
            }
        }
    }
    for l in &plan.lookups {
        let at = |what: String| CheckError::Structure { name: l.name.clone(), what };
        space(&l.space).map_err(at)?;
        let Some(table) = plan.tables.get(l.table) else {
            return Err(at(format!("table {} of {}", l.table, plan.tables.len())));
        };
        if l.entries.len() != table.arity() {
            return Err(at(format!("expected {} entries, got {}", table.arity(), l.entries.len())));
        }
        l.entries.iter().try_for_each(|e| linear(plan, e, l.space.axes())).map_err(at)?;
    }
    for c in &plan.constraints {
        let at = |what: String| CheckError::Structure { name: c.name.clone(), what };
        space(&c.space).map_err(at)?;
        linear(plan, &c.linear, c.space.axes()).map_err(at)?;
        for p in &c.products {
            let all: Vec<Axis> = c.space.axes().iter().chain(&p.contracted).copied().collect();
            space(&Space(all.clone())).map_err(at)?;
            for f in [&p.a, &p.b] {
                factor(plan, f, &all, c.space.axes().len()).map_err(at)?;
            }
        }
    }
    Ok(())
}

fn space(s: &Space) -> Result<(), String> {
    let mut cells = 0;
    for a in s.axes() {
        if a.odd % 2 == 0 {
            return Err(format!("the digit {} of an axis is not odd", a.odd));
        }
        cells += a.odd.ilog2() + 1 + a.bits.min(MAX_LOG_CELLS);
    }
    match cells > MAX_LOG_CELLS {
        true => Err(format!("2^{cells} cells, at most 2^{MAX_LOG_CELLS} are handled")),
        false => Ok(()),
    }
}

fn constant(c: &Constant, axes: &Space) -> Result<(), String> {
    let extents: Vec<usize> = axes.axes().iter().map(|a| a.extent()).collect();
    let fits = match c {
        Constant::CausalMask => matches!(extents[..], [a, b] if a == b),
        Constant::Band { window, .. } => *window > 0 && matches!(extents[..], [a, b] if a == b),
        Constant::Dense(v) => v.len() == axes.len(),
        Constant::OneHot { columns, index } => {
            // The first axes are the rows, the others the columns.
            let split = (0..=extents.len()).any(|k| {
                let (rows, rest) = extents.split_at(k);
                rows.iter().product::<usize>() == index.len() && rest.iter().product::<usize>() == *columns
            });
            split && index.iter().all(|&i| (i as usize) <= *columns)
        }
    };
    match fits {
        true => Ok(()),
        false => Err(format!("a constant that is no {extents:?}")),
    }
}

/// Rows for the cells of a public input, each of which names one of the columns.
fn one_hot_of(plan: &Plan, input: usize, axes: &Space) -> Result<(), String> {
    let of = plan.tensors.iter().find(|t| t.source == Source::PublicInput(input));
    let Some(of) = of else { return Err(format!("rows of public input {input}, which is none")) };
    let Some((columns, rows)) = axes.axes().split_last() else { return Err("rows without columns".into()) };
    if of.axes.axes() != rows {
        return Err(format!("rows over {rows:?} of an input over {:?}", of.axes.axes()));
    }
    match Interval::new(0, columns.extent() as i64 - 1).contains_interval(of.range) {
        true => Ok(()),
        false => Err(format!("{} columns for an input in {}", columns.extent(), of.range)),
    }
}

fn constant_range(c: &Constant) -> Option<(i64, i64)> {
    match c {
        Constant::CausalMask | Constant::Band { .. } | Constant::OneHot { .. } => Some((0, 1)),
        Constant::Dense(v) => Some((*v.iter().min()? as i64, *v.iter().max()? as i64)),
    }
}

fn linear(plan: &Plan, e: &LinExpr, axes: &[Axis]) -> Result<(), String> {
    for t in &e.terms {
        let all: Vec<Axis> = axes.iter().chain(&t.summed).copied().collect();
        space(&Space(all.clone()))?;
        view(plan, &t.view, &all)?;
    }
    Ok(())
}

fn factor(plan: &Plan, f: &Factor, all: &[Axis], outputs: usize) -> Result<(), String> {
    if !f.axes.windows(2).all(|w| w[0] < w[1]) || f.axes.iter().any(|&k| k >= all.len()) {
        return Err(format!("a factor over axes {:?} of {}", f.axes, all.len()));
    }
    if let Some(k) = (outputs..all.len()).find(|k| !f.axes.contains(k)) {
        return Err(format!("contracted axis {k} is missing in a factor"));
    }
    let own: Vec<Axis> = f.axes.iter().map(|&k| all[k]).collect();
    linear(plan, &f.expr, &own)
}

/// Every bit of the slab's address is set by one axis or fixed, every digit stays inside the tensor.
fn view(plan: &Plan, v: &View, axes: &[Axis]) -> Result<(), String> {
    let Some(tensor) = plan.tensors.get(v.tensor) else {
        return Err(format!("tensor {} of {}", v.tensor, plan.tensors.len()));
    };
    if v.axes.len() != axes.len() {
        return Err(format!("a view of {} axes over {}", v.axes.len(), axes.len()));
    }
    let mut set = vec![false; tensor.axes.slab_bits() as usize];
    let mut slab = v.slab as u64;
    let mut take = |p: u32| match set.get_mut(p as usize) {
        Some(seen @ false) => {
            *seen = true;
            Ok(())
        }
        Some(_) => Err(format!("bit {p} of `{}` is set twice", tensor.name)),
        None => Err(format!("bit {p} of `{}`, which has {}", tensor.name, tensor.axes.slab_bits())),
    };
    v.fixed.iter().try_for_each(|&(p, _)| take(p))?;
    for (map, a) in v.axes.iter().zip(axes) {
        let AxisMap::Digits { odd, bits } = map else { continue };
        let radix = odd.iter().fold(1u64, |r, d| r.saturating_mul(d.radix as u64));
        if radix != a.odd as u64 || bits.len() != a.bits as usize {
            return Err(format!("digits of {radix} x 2^{} over an axis of {}", bits.len(), a.extent()));
        }
        for d in odd {
            if d.count == 0 || d.offset as u64 + d.count as u64 > d.radix as u64 {
                return Err(format!("digit {d:?}"));
            }
            slab = slab.saturating_add((d.count as u64 - 1) * d.stride as u64);
        }
        for b in bits {
            if let BitMap::Slab(p) = b {
                take(*p)?;
            }
        }
    }
    if let Some(p) = set.iter().position(|s| !s) {
        return Err(format!("bit {p} of `{}` is not set", tensor.name));
    }
    match slab < tensor.axes.slabs() as u64 {
        true => Ok(()),
        false => Err(format!("slab {slab} of `{}`, which has {}", tensor.name, tensor.axes.slabs())),
    }
}

//! What shape each op gives.

use super::Op;
use crate::shape::Shape;

/// Whether the op, on arguments of these shapes, has a result of this one. `None`: there is no such op.
pub(super) fn agree(op: &Op, args: &[&Shape], out: &Shape) -> Option<bool> {
    let (to, first) = (out.dims(), args.first().map(|s| s.dims()));
    Some(match op {
        Op::Input(_) | Op::Weight(_) => args.is_empty(),
        Op::Constant(values) => args.is_empty() && values.len() == out.len(),

        Op::Add | Op::Sub | Op::Mul => args.len() == 2 && broadcast(args)? == *out,
        Op::Select => args.len() == 3 && broadcast(args)? == *out,
        Op::Compare { number, .. } => {
            args.len() == 2 - usize::from(number.is_some()) && broadcast(args)? == *out
        }
        Op::Neg
        | Op::MulInt(_)
        | Op::MulReal(_)
        | Op::Quantize { .. }
        | Op::Relu
        | Op::Gelu
        | Op::Exp
        | Op::Map(_)
        | Op::Clamp { .. }
        | Op::QuantizeFp8 { .. }
        | Op::DequantizeFp8 { .. } => args.len() == 1 && first? == to,
        Op::DivInt(by) => *by > 0 && args.len() == 1 && first? == to,
        Op::Softmax { .. } | Op::LayerNorm { .. } | Op::RmsNorm { .. } => {
            args.len() == 1 && first? == to && !to.is_empty()
        }

        Op::MatMul => product(args, to)?,
        Op::AttentionCore { window, .. } => attention(args, window.is_some(), to)?,
        Op::Embedding => {
            let [tokens, table] = args else { return None };
            let &[_, d] = table.dims() else { return None };
            [tokens.dims(), &[d]].concat() == to
        }

        Op::Transpose { perm } => {
            let mut axes = perm.clone();
            axes.sort_unstable();
            let from = first?;
            args.len() == 1
                && axes.iter().copied().eq(0..from.len())
                && perm.iter().map(|&i| from[i]).eq(to.iter().copied())
        }
        Op::Reshape => args.len() == 1 && args[0].len() == out.len(),
        &Op::Slice { axis, start, end } => {
            start < end
                && end <= *first?.get(axis)?
                && args.len() == 1
                && to == with(first?, axis, &[end - start])
        }
        &Op::Concat { axis } => {
            let mut extent = 0;
            for s in args {
                extent += s.dims().get(axis)?;
            }
            args.iter().all(|s| with(s.dims(), axis, &[extent]) == to)
        }
        Op::Gather { axis, index, dims } => {
            let extent = *first?.get(*axis)?;
            let entries = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
            args.len() == 1
                && entries == index.len()
                && index.iter().all(|&i| i as usize <= extent)
                && to == with(first?, *axis, dims)
        }

        Op::Sum { axes } => {
            let from = first?;
            let ascending = axes.windows(2).all(|w| w[0] < w[1]) && *axes.last()? < from.len();
            let kept = from.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, &d)| d);
            args.len() == 1 && ascending && kept.eq(to.iter().copied())
        }
        Op::Max | Op::ChosenIndex => args.len() == 1 && first?.split_last()?.1 == to,
        Op::Chosen => {
            let [flags, x] = args else { return None };
            flags == x && first?.split_last()?.1 == to
        }
        &Op::FirstMax { valid } => args.iter().all(|s| *s == out) && (1..=*first?.last()?).contains(&valid),

        &Op::Conv2d { stride, padding, dilation, groups } => {
            let [x, w] = args else { return None };
            let (lead, &[channels, height, width]) = tail(x)?;
            let (&[], &[outputs, of_group, kh, kw]) = tail(w)? else { return None };
            let windows = windows([height, width], [kh, kw], stride, padding, dilation)?;
            lead.len() < 2
                && groups > 0
                && outputs % groups == 0
                && groups.checked_mul(of_group)? == channels
                && [lead, &[outputs], &windows].concat() == to
        }
        &Op::MaxPool { kernel, stride, padding } | &Op::AvgPool { kernel, stride, padding } => {
            let [x] = args else { return None };
            let (lead, maps) = tail(x)?;
            let windows = windows(*maps, kernel, stride, padding, [1, 1])?;
            let only = matches!(op, Op::AvgPool { .. }) && windows == [1, 1] && lead == to;
            only || [lead, &windows].concat() == to
        }
    })
}

fn broadcast(args: &[&Shape]) -> Option<Shape> {
    let (first, rest) = args.split_first()?;
    rest.iter().try_fold((*first).clone(), |all, s| all.broadcast(s))
}

/// The last N extents, and those before.
fn tail<const N: usize>(s: &Shape) -> Option<(&[usize], &[usize; N])> {
    s.dims().split_last_chunk::<N>()
}

/// Axis `axis` replaced.
fn with(dims: &[usize], axis: usize, by: &[usize]) -> Vec<usize> {
    [&dims[..axis], by, &dims[axis + 1..]].concat()
}

/// Whether the leading axes of a right side may stand beside those of the left: none, or as many, whose last may be 1.
fn stretches(left: &[usize], right: &[usize]) -> bool {
    let fixed = right.iter().rposition(|&d| d != 1).map_or(0, |i| i + 1);
    right.len() == left.len() && right[..fixed] == left[..fixed]
}

fn product(args: &[&Shape], to: &[usize]) -> Option<bool> {
    let [x, w] = args else { return None };
    let ((left, &[m, k]), (right, &[rows, n])) = (tail(x)?, tail(w)?);
    let leads = right.is_empty() || stretches(left, right);
    Some(k == rows && leads && [left, &[m, n]].concat() == to)
}

fn attention(args: &[&Shape], window: bool, to: &[usize]) -> Option<bool> {
    let [scores, values, mask @ ..] = args else { return None };
    let ((left, &[queries, keys]), (right, &[rows, d])) = (tail(scores)?, tail(values)?);
    let masked = match mask {
        [] => true,
        [mask] => mask.dims() == [keys],
        _ => false,
    };
    let square = !window || queries == keys;
    let leads = stretches(left, right);
    Some(keys == rows && leads && masked && square && [left, &[queries, d]].concat() == to)
}

/// How many windows lie along each axis; `None` where none fits.
fn windows(
    maps: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Option<[usize; 2]> {
    let along = |i: usize| {
        let span = dilation[i].checked_mul(kernel[i].checked_sub(1)?)?.checked_add(1)?;
        let all = maps[i].checked_add(padding[i].checked_mul(2)?)?;
        Some(all.checked_sub(span)?.checked_div(stride[i])? + 1)
    };
    Some([along(0)?, along(1)?])
}

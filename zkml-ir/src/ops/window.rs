//! Windows that slide along an axis: what convolutions and pools share.
//!
//! Output position o of an axis of extent n reads the positions `stride * o + dilation * k - padding`, k below `kernel`; there
//! are `floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1` of them, as in PyTorch.

use super::{At, Call, OpError};
use crate::shape::Shape;

/// The windows along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub extent: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
}

impl Window {
    /// How many there are; `None` where not even one fits.
    pub fn fits(&self) -> Option<usize> {
        let span = self.dilation.checked_mul(self.kernel - 1)?.checked_add(1)?;
        Some((self.extent + 2 * self.padding).checked_sub(span)? / self.stride + 1)
    }

    pub fn out(&self) -> usize {
        self.fits().expect("rules refuse windows that do not fit")
    }

    /// The position that entry k of window o reads, with `outside` below 0 or past the end.
    fn at(&self, k: usize, o: usize) -> i64 {
        (self.stride * o + self.dilation * k) as i64 - self.padding as i64
    }

    /// `[kernel, out]`: the position read, or the extent in the padding.
    pub fn index(&self) -> Vec<u32> {
        self.positions(|at| if (0..self.extent as i64).contains(&at) { at } else { self.extent as i64 })
    }

    /// `[kernel, out]`: the position read, and in the padding the nearest one, which belongs to the same window if the
    /// padding is smaller than the kernel and nothing is dilated.
    pub fn clamped(&self) -> Vec<u32> {
        self.positions(|at| at.clamp(0, self.extent as i64 - 1))
    }

    fn positions(&self, f: impl Fn(i64) -> i64) -> Vec<u32> {
        let out = self.out();
        (0..self.kernel * out).map(|j| f(self.at(j / out, j % out)) as u32).collect()
    }
}

/// `stride = 2` or `stride = [2, 1]`.
pub(super) fn pair(
    call: &Call,
    name: &str,
    otherwise: [usize; 2],
    least: i64,
) -> Result<[usize; 2], OpError> {
    let given = match (call.int(name), call.ints(name)) {
        (Some(v), _) => [v, v],
        (_, Some(&[h, w])) => [h, w],
        (_, Some(list)) => {
            let message = format!("`{name}` is one integer or two, for height and width, got {}", list.len());
            return Err(OpError::new(At::Named(name.into()), message));
        }
        (None, None) => return Ok(otherwise),
    };
    match given.iter().find(|v| !(least..1 << 16).contains(*v)) {
        Some(v) => {
            Err(OpError::new(At::Named(name.into()), format!("`{name}` must be {least} or more, got {v}")))
        }
        None => Ok(given.map(|v| v as usize)),
    }
}

/// Feature maps are `[C, H, W]` or `[N, C, H, W]`.
pub(super) fn feature_map(op: &str, shape: &Shape) -> Result<(), OpError> {
    match shape.rank() {
        3 | 4 => Ok(()),
        _ => Err(OpError::new(At::Tensor(0), format!("`{op}` takes [C, H, W] or [N, C, H, W], got {shape}"))),
    }
}

/// The windows over the last two axes of a feature map.
pub(super) fn windows(
    op: &str,
    shape: &Shape,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Result<[Window; 2], OpError> {
    let maps = &shape.dims()[shape.rank() - 2..];
    let window = |i: usize| Window {
        extent: maps[i],
        kernel: kernel[i],
        stride: stride[i],
        padding: padding[i],
        dilation: dilation[i],
    };
    let both = [window(0), window(1)];
    for (w, side) in both.iter().zip(["height", "width"]) {
        if w.fits().is_none() {
            let span = w.dilation * (w.kernel - 1) + 1;
            let message = format!(
                "`{op}` needs a window inside the input: a {side} of {} with padding {} on both sides, a window of {span}",
                w.extent, w.padding
            );
            return Err(OpError::new(At::Call, message));
        }
    }
    Ok(both)
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn positions_of_windows() {
        let w = Window { extent: 5, kernel: 3, stride: 2, padding: 1, dilation: 1 };
        assert_eq!(w.out(), 3);
        assert_eq!(w.index(), [5, 1, 3, 0, 2, 4, 1, 3, 5]);
        assert_eq!(w.clamped(), [0, 1, 3, 0, 2, 4, 1, 3, 4]);
        let w = Window { extent: 4, kernel: 3, stride: 1, padding: 0, dilation: 2 };
        assert_eq!(w.fits(), None);
        assert_eq!(Window { padding: 1, ..w }.index(), [4, 0, 1, 2, 3, 4]);
    }
}

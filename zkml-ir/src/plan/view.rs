//! Views: how the digits of an index space address the cells of a stored tensor.
//!
//! Transposes, head splits, aligned reshapes, slices, concatenations and broadcasts only rename, fix or drop digits. A
//! claim about a view is therefore a claim about the stored slabs at a rearranged point: views are free.

use super::{Axis, Space, TensorId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One odd digit of an axis: value v addresses slab offset `stride * (v - offset)` for `offset <= v < offset + count`;
/// elsewhere the view is zero. A plain digit has `offset = 0, count = radix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddDigit {
    pub radix: u32,
    pub stride: u32,
    pub offset: u32,
    pub count: u32,
}

/// One bit of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BitMap {
    /// Is bit `0` (counted from the lowest) of the address in the slab.
    Slab(u32),
    /// The view is zero unless the bit has this value.
    Select(bool),
}

/// How one axis of the index space addresses the tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AxisMap {
    /// The tensor does not depend on the axis.
    Broadcast,
    /// Odd digits, most significant first (their radices multiply to the axis' odd part), then bits, most significant
    /// first.
    Digits { odd: Vec<OddDigit>, bits: Vec<BitMap> },
}

/// A tensor seen through an index space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    pub tensor: TensorId,
    /// Added to the slab index.
    pub slab: u32,
    /// Slab address bits that no axis sets: (position, value).
    pub fixed: Vec<(u32, bool)>,
    pub axes: Vec<AxisMap>,
}

/// A view that would not be free.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ViewError {
    #[error("{from:?} does not regroup into {to:?} digit by digit")]
    Regroup { from: Vec<usize>, to: Vec<usize> },
    #[error(
        "{start}..{end} of an axis of {extent} is not a union of slabs or an aligned power-of-two block"
    )]
    Unaligned { extent: usize, start: usize, end: usize },
}

impl View {
    /// The tensor as stored.
    pub fn identity(tensor: TensorId, space: &Space) -> Self {
        let axes = space
            .axes()
            .iter()
            .zip(space.slab_strides())
            .zip(space.bit_offsets())
            .map(|((a, stride), low)| AxisMap::Digits {
                odd: plain_digit(a.odd, stride),
                bits: (low..low + a.bits).rev().map(BitMap::Slab).collect(),
            })
            .collect();
        Self { tensor, slab: 0, fixed: vec![], axes }
    }

    /// New axis i is old axis `perm[i]`.
    pub fn transpose(&self, perm: &[usize]) -> Self {
        Self { axes: perm.iter().map(|&p| self.axes[p].clone()).collect(), ..self.clone() }
    }

    /// New axis i is old axis `from[i]`, or broadcast where there is none.
    pub fn rearrange(&self, from: &[Option<usize>]) -> Self {
        let axes = from.iter().map(|f| f.map_or(AxisMap::Broadcast, |i| self.axes[i].clone())).collect();
        Self { axes, ..self.clone() }
    }

    /// The same cells, row-major, under other extents.
    pub fn reshape(&self, from: &Space, to: &Space) -> Result<Self, ViewError> {
        let fail = || ViewError::Regroup {
            from: from.axes().iter().map(|a| a.extent()).collect(),
            to: to.axes().iter().map(|a| a.extent()).collect(),
        };
        let mut digits = Digits::of(&self.axes, from);
        let axes = to.axes().iter().map(|a| digits.take(*a)).collect::<Option<Vec<_>>>().ok_or_else(fail)?;
        match digits.0.is_empty() {
            true => Ok(Self { axes, ..self.clone() }),
            false => Err(fail()),
        }
    }

    /// Restricts axis `axis` of `space` to `start..end`.
    pub fn slice(&self, space: &Space, axis: usize, start: usize, end: usize) -> Result<Self, ViewError> {
        let a = space.axes()[axis];
        let fail = || ViewError::Unaligned { extent: a.extent(), start, end };
        assert!(start < end && end <= a.extent(), "slice out of range: front ends check");
        if (start, end) == (0, a.extent()) {
            return Ok(self.clone());
        }
        let AxisMap::Digits { odd, bits } = &self.axes[axis] else { return Ok(self.clone()) };
        let block = 1usize << a.bits;
        let mut view = self.clone();
        if start.is_multiple_of(block) && end.is_multiple_of(block) {
            // Whole slabs along this axis: an odd number of them keeps the axis canonical; a single one drops the digit.
            let (first, count) = ((start / block) as u32, ((end - start) / block) as u32);
            let stride = uniform_stride(odd).ok_or_else(fail)?;
            if count % 2 == 0 {
                return Err(fail());
            }
            view.slab += first * stride;
            view.axes[axis] = AxisMap::Digits { odd: plain_digit(count, stride), bits: bits.clone() };
            return Ok(view);
        }
        // An aligned power-of-two block inside one slab: the bits above it are fixed.
        let len = end - start;
        if !len.is_power_of_two() || !start.is_multiple_of(len) || start / block != (end - 1) / block {
            return Err(fail());
        }
        let keep = len.trailing_zeros() as usize;
        let (high, low) = bits.split_at(bits.len() - keep);
        let within = start % block;
        for (i, b) in high.iter().enumerate() {
            let value = within >> (a.bits as usize - 1 - i) & 1 == 1;
            match *b {
                BitMap::Slab(p) => view.fixed.push((p, value)),
                BitMap::Select(v) if v == value => {}
                BitMap::Select(_) => return Err(fail()), // identically zero here: of no use to anyone
            }
        }
        let first = (start / block) as u32;
        if !odd.is_empty() {
            view.slab += first * uniform_stride(odd).ok_or_else(fail)?;
        }
        view.axes[axis] = AxisMap::Digits { odd: vec![], bits: low.to_vec() };
        Ok(view)
    }

    /// Extends axis `axis` of `space` to `extent`, the view's cells at `start..` and zero elsewhere. The sum of such
    /// embeddings is a concatenation.
    pub fn embed(&self, space: &Space, axis: usize, extent: usize, start: usize) -> Result<Self, ViewError> {
        let (a, to) = (space.axes()[axis], Axis::new(extent));
        let end = start + a.extent();
        let fail = || ViewError::Unaligned { extent, start, end };
        assert!(end <= extent, "embed out of range");
        if a.extent() == extent {
            return Ok(self.clone());
        }
        let AxisMap::Digits { odd, bits } = &self.axes[axis] else { return Err(fail()) };
        let mut view = self.clone();
        if a.bits == to.bits && start.is_multiple_of(1 << a.bits) {
            let stride = uniform_stride(odd).ok_or_else(fail)?;
            let digit = OddDigit { radix: to.odd, stride, offset: (start >> a.bits) as u32, count: a.odd };
            view.axes[axis] = AxisMap::Digits { odd: vec![digit], bits: bits.clone() };
            return Ok(view);
        }
        if a.odd == 1 && a.bits < to.bits && start.is_multiple_of(a.extent()) {
            let block = 1usize << to.bits;
            let within = (start % block) >> a.bits;
            let extra = (to.bits - a.bits) as usize;
            let select = (0..extra).map(|i| BitMap::Select(within >> (extra - 1 - i) & 1 == 1));
            let odd = match to.odd {
                1 => vec![],
                radix => vec![OddDigit { radix, stride: 0, offset: (start / block) as u32, count: 1 }],
            };
            view.axes[axis] = AxisMap::Digits { odd, bits: select.chain(bits.iter().copied()).collect() };
            return Ok(view);
        }
        Err(fail())
    }

    /// Slab index and weightless zero test for the odd digit `u[axis]` of every axis: `None` where the view is zero.
    pub fn slab_at(&self, u: &[u32]) -> Option<u32> {
        let mut slab = self.slab;
        for (map, &u) in self.axes.iter().zip(u) {
            let AxisMap::Digits { odd, .. } = map else { continue };
            let mut rest = u;
            for d in odd.iter().rev() {
                let v = (rest % d.radix).checked_sub(d.offset).filter(|v| *v < d.count)?;
                rest /= d.radix;
                slab += v * d.stride;
            }
        }
        Some(slab)
    }
}

fn plain_digit(radix: u32, stride: u32) -> Vec<OddDigit> {
    match radix {
        1 => vec![],
        _ => vec![OddDigit { radix, stride, offset: 0, count: radix }],
    }
}

/// Two digits as one.
fn joined(high: OddDigit, low: OddDigit) -> Option<OddDigit> {
    let plain = |d: &OddDigit| d.offset == 0 && d.count == d.radix;
    let radix = high.radix.checked_mul(low.radix)?;
    let follows = high.stride as u64 == low.stride as u64 * low.radix as u64;
    (plain(&high) && plain(&low) && follows).then_some(OddDigit { radix, count: radix, ..low })
}

/// The stride of a digit list that counts slabs evenly; one slab counts as evenly spaced.
fn uniform_stride(odd: &[OddDigit]) -> Option<u32> {
    let mut span = None;
    for d in odd.iter().rev() {
        if d.offset != 0 || d.count != d.radix || span.is_some_and(|s| s != d.stride) {
            return None;
        }
        span = Some(d.stride * d.radix);
    }
    Some(odd.last().map_or(0, |d| d.stride))
}

/// A view's axes as one flat list of digits, most significant first.
struct Digits(std::collections::VecDeque<Digit>);

#[derive(Clone, Copy)]
enum Digit {
    Odd(OddDigit),
    Bit(BitMap),
    /// A digit of a broadcast axis.
    Free(u32),
}

impl Digits {
    fn of(axes: &[AxisMap], space: &Space) -> Self {
        let one = |(map, a): (&AxisMap, &Axis)| -> Vec<Digit> {
            match map {
                AxisMap::Digits { odd, bits } => {
                    odd.iter().map(|d| Digit::Odd(*d)).chain(bits.iter().map(|b| Digit::Bit(*b))).collect()
                }
                AxisMap::Broadcast => {
                    let odd = (a.odd > 1).then_some(Digit::Free(a.odd));
                    odd.into_iter().chain((0..a.bits).map(|_| Digit::Free(2))).collect()
                }
            }
        };
        Self(axes.iter().zip(space.axes()).flat_map(one).collect())
    }

    /// Takes the digits of one axis off the front.
    fn take(&mut self, axis: Axis) -> Option<AxisMap> {
        let (mut left, mut odd, mut bits) = (axis.odd, vec![], vec![]);
        let (mut free, mut real) = (0, 0);
        while left > 1 {
            match self.0.pop_front()? {
                Digit::Odd(d) if left % d.radix == 0 => {
                    left /= d.radix;
                    real += 1;
                    odd.push(d);
                }
                // 9 read as 3 x 3: the high part here, the low part stays.
                Digit::Odd(d) if d.radix % left == 0 && d.offset == 0 && d.count == d.radix => {
                    let low = d.radix / left;
                    odd.push(OddDigit { radix: left, stride: d.stride * low, offset: 0, count: left });
                    self.0.push_front(Digit::Odd(OddDigit { radix: low, count: low, ..d }));
                    real += 1;
                    left = 1;
                }
                // 5 and 9 read as 3 x 15: one digit if their slabs lie one after the other.
                Digit::Odd(d) => {
                    let Some(Digit::Odd(low)) = self.0.pop_front() else { return None };
                    self.0.push_front(Digit::Odd(joined(d, low)?));
                }
                Digit::Free(r) if r > 2 && left % r == 0 => {
                    left /= r;
                    free += 1;
                }
                Digit::Free(r) if r > 2 && r % left == 0 => {
                    self.0.push_front(Digit::Free(r / left));
                    free += 1;
                    left = 1;
                }
                _ => return None,
            }
        }
        for _ in 0..axis.bits {
            match self.0.pop_front()? {
                Digit::Bit(b) => {
                    bits.push(b);
                    real += 1;
                }
                Digit::Free(2) => free += 1,
                _ => return None,
            }
        }
        match (free, real) {
            (0, _) => Some(AxisMap::Digits { odd, bits }),
            (_, 0) => Some(AxisMap::Broadcast),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(view: &View, space: &Space, stored: &Space) -> Vec<Option<usize>> {
        // Row-major logical index of the stored cell for each cell of the space.
        (0..space.len())
            .map(|i| {
                let (mut rest, mut u, mut low) = (i, vec![], vec![]);
                for a in space.axes().iter().rev() {
                    let x = rest % a.extent();
                    rest /= a.extent();
                    u.insert(0, (x >> a.bits) as u32);
                    low.insert(0, x & ((1 << a.bits) - 1));
                }
                let slab = view.slab_at(&u)? as usize;
                let mut addr = view.fixed.iter().map(|&(p, v)| (v as usize) << p).sum::<usize>();
                for ((map, a), low) in view.axes.iter().zip(space.axes()).zip(&low) {
                    if let AxisMap::Digits { bits, .. } = map {
                        for (k, b) in bits.iter().enumerate() {
                            let v = low >> (a.bits as usize - 1 - k) & 1;
                            match *b {
                                BitMap::Slab(p) => addr += v << p,
                                BitMap::Select(s) if s as usize != v => return None,
                                BitMap::Select(_) => {}
                            }
                        }
                    }
                }
                // Slab and address back to the logical index.
                let (strides, offsets) = (stored.slab_strides(), stored.bit_offsets());
                Some(stored.axes().iter().enumerate().fold(0, |at, (k, a)| {
                    let odd = slab / strides[k] as usize % a.odd as usize;
                    let bits = addr >> offsets[k] & ((1 << a.bits) - 1);
                    at * a.extent() + (odd << a.bits) + bits
                }))
            })
            .collect()
    }

    #[test]
    fn reshape_and_transpose_keep_row_major_order() {
        let stored = Space::of(&[6, 2304]);
        let to = Space::of(&[6, 3, 12, 64]);
        let v = View::identity(0, &stored).reshape(&stored, &to).unwrap();
        assert_eq!(cells(&v, &to, &stored), (0..stored.len()).map(Some).collect::<Vec<_>>());
        let t = v.transpose(&[1, 2, 0, 3]);
        let space = Space::of(&[3, 12, 6, 64]);
        let got = cells(&t, &space, &stored);
        let at = |c: usize, h: usize, s: usize, d: usize| s * 2304 + c * 768 + h * 64 + d;
        assert_eq!(got[((2 * 12 + 5) * 6 + 4) * 64 + 33], Some(at(2, 5, 4, 33)));
        let (stored, to) = (Space::of(&[5, 9, 2]), Space::of(&[3, 15, 2]));
        let v = View::identity(0, &stored).reshape(&stored, &to).unwrap();
        assert_eq!(cells(&v, &to, &stored), (0..90).map(Some).collect::<Vec<_>>());
        let swapped = View::identity(0, &Space::of(&[9, 5])).transpose(&[1, 0]);
        assert!(swapped.reshape(&Space::of(&[5, 9]), &Space::of(&[3, 15])).is_err());
        assert!(View::identity(0, &Space::of(&[768]))
            .reshape(&Space::of(&[768]), &Space::of(&[64, 12]))
            .is_err());
    }

    #[test]
    fn slices_and_embeddings() {
        let stored = Space::of(&[4, 2304]);
        let v = View::identity(0, &stored).slice(&stored, 1, 768, 1536).unwrap();
        let s = Space::of(&[4, 768]);
        let want = |i: usize| Some(i / 768 * 2304 + 768 + i % 768);
        assert_eq!(cells(&v, &s, &stored), (0..s.len()).map(want).collect::<Vec<_>>());
        let inner = v.slice(&s, 1, 256 + 64, 256 + 128).unwrap();
        let want = |i: usize| Some(i / 64 * 2304 + 768 + 256 + 64 + i % 64);
        assert_eq!(cells(&inner, &Space::of(&[4, 64]), &stored), (0..256).map(want).collect::<Vec<_>>());
        assert!(v.slice(&s, 1, 3, 7).is_err());
        let small = Space::of(&[4, 64]);
        let big = Space::of(&[4, 192]);
        let e = View::identity(0, &small).embed(&small, 1, 192, 64).unwrap();
        let want = |i: usize| (64..128).contains(&(i % 192)).then(|| i / 192 * 64 + i % 192 - 64);
        assert_eq!(cells(&e, &big, &small), (0..big.len()).map(want).collect::<Vec<_>>());
        let e = View::identity(0, &small).embed(&small, 1, 256, 128).unwrap();
        let want = |i: usize| (128..192).contains(&(i % 256)).then(|| i / 256 * 64 + i % 256 - 128);
        assert_eq!(cells(&e, &Space::of(&[4, 256]), &small), (0..1024).map(want).collect::<Vec<_>>());
    }
}

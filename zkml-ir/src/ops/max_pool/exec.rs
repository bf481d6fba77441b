//! Maxima of windows, and the cells of [`super::lower`].

use super::lower::{COLUMNS, ROWS};
use crate::exec::layout;
use crate::ops::primitive::Computed;
use crate::ops::window::Window;

/// Planes of rows of columns; `commits` tells of a role whether its copies are cells.
pub(super) fn eval(x: &[i32], [rows, columns]: [Window; 2], commits: impl Fn(&str) -> bool) -> Computed {
    let mut cells = vec![];
    let traced = commits("y");
    let wide = columns.out();
    let x = along(x, &columns, 1, COLUMNS, rows.kernel == 1, traced, &commits, &mut cells);
    let value = along(&x, &rows, wide, ROWS, true, traced, &commits, &mut cells);
    Computed { value, cells }
}

/// The maxima along an axis with `inner` cells for each of its positions.
#[allow(clippy::too_many_arguments)] // of one place
fn along(
    x: &[i32],
    window: &Window,
    inner: usize,
    role: &str,
    last: bool,
    traced: bool,
    commits: &impl Fn(&str) -> bool,
    cells: &mut Vec<Vec<i32>>,
) -> Vec<i32> {
    let (index, out) = (window.clamped(), window.out());
    let dims = [x.len() / inner / window.extent, window.extent, inner];
    if commits(role) {
        cells.push(layout::gather(x, &dims, 1, &index, 0));
    }
    let entry = |k: usize| layout::gather(x, &dims, 1, &index[k * out..][..out], 0);
    let mut max = entry(0);
    for k in 1..window.kernel {
        let next = entry(k);
        let larger: Vec<i32> = max.iter().zip(&next).map(|(&a, &b)| a.max(b)).collect();
        if traced {
            cells.push(match last && k + 1 == window.kernel {
                true => larger.clone(),
                false => larger.iter().zip(&next).map(|(m, b)| m - b).collect(),
            });
        }
        max = larger;
    }
    max
}

/// The same without cells, of any numbers.
pub(super) fn maxima<T: Copy + Default>(x: &[T], [rows, columns]: [Window; 2], max: fn(T, T) -> T) -> Vec<T> {
    let side = |x: &[T], w: &Window, inner: usize| {
        let (index, out) = (w.clamped(), w.out());
        let dims = [x.len() / inner / w.extent, w.extent, inner];
        let entry = |k: usize| layout::gather(x, &dims, 1, &index[k * out..][..out], T::default());
        (1..w.kernel).fold(entry(0), |all, k| all.iter().zip(&entry(k)).map(|(&a, &b)| max(a, b)).collect())
    };
    side(&side(x, &columns, 1), &rows, columns.out())
}

use super::kernel::evaluate_scalars;
use super::layers::Arrays;
use crate::field::{eq_table, lerp, F};
use crate::gkr::GkrError;

/// Short arrays: rows of N values, of which the next variable tells the halves apart.
pub struct Scalars<const N: usize> {
    rows: Vec<[F; N]>,
    /// The coordinates that are not bound, the next one first.
    z: Vec<F>,
}

impl<const N: usize> Scalars<N> {
    /// `2^z.len()` rows; the first of `z` belongs to the most significant bit of a row's index.
    pub fn new(rows: Vec<[F; N]>, z: &[F]) -> Self {
        debug_assert_eq!(rows.len(), 1 << z.len());
        Self { rows, z: z.to_vec() }
    }
}

impl<const N: usize> Arrays for Scalars<N> {
    fn evaluate(&mut self) -> Result<[F; 2], GkrError> {
        Ok(evaluate_scalars(&self.rows, &eq_table(&self.z[1..])))
    }

    fn bind(&mut self, r: F) -> Result<Option<[F; 2]>, GkrError> {
        let (low, high) = self.rows.split_at(self.rows.len() / 2);
        let fold = |(a, b): (&[F; N], &[F; N])| std::array::from_fn(|t| lerp(a[t], b[t], r));
        self.rows = low.iter().zip(high).map(fold).collect();
        self.z.remove(0);
        Ok(None)
    }

    fn values(&self) -> Vec<F> {
        match &self.rows[..] {
            [row] => row.to_vec(),
            _ => unreachable!("all variables are fixed"),
        }
    }
}

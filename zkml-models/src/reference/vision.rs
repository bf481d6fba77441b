//! Convolutional networks, directly from their definitions.

use super::read;
use crate::vision::resnet18::EPSILON;
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// `[c, h, w]`, row-major.
#[derive(Clone, Debug)]
struct Map {
    c: usize,
    side: usize,
    data: Vec<f64>,
}

impl Map {
    fn new(c: usize, side: usize, values: &[f32]) -> Self {
        assert_eq!(values.len(), c * side * side, "an image of {c} x {side} x {side}");
        Self { c, side, data: values.iter().map(|&v| v.into()).collect() }
    }

    fn at(&self, c: usize, y: isize, x: isize) -> f64 {
        let inside = |v: isize| (0..self.side as isize).contains(&v);
        match inside(y) && inside(x) {
            true => self.data[(c * self.side + y as usize) * self.side + x as usize],
            false => 0.0,
        }
    }

    /// Weights `[outputs, c, k, k]`.
    fn conv(&self, w: &[f32], outputs: usize, k: usize, stride: usize, padding: usize) -> Self {
        let side = (self.side + 2 * padding - k) / stride + 1;
        let mut data = vec![0.0; outputs * side * side];
        for (o, out) in data.chunks_exact_mut(side * side).enumerate() {
            for c in 0..self.c {
                for (t, &w) in w[(o * self.c + c) * k * k..][..k * k].iter().enumerate() {
                    let (dy, dx) = ((t / k) as isize - padding as isize, (t % k) as isize - padding as isize);
                    for (i, v) in out.iter_mut().enumerate() {
                        let (y, x) = ((i / side * stride) as isize, (i % side * stride) as isize);
                        *v += w as f64 * self.at(c, y + dy, x + dx);
                    }
                }
            }
        }
        Self { c: outputs, side, data }
    }

    /// `f(channel, value)` of every value.
    fn map(mut self, f: impl Fn(usize, f64) -> f64) -> Self {
        let area = self.side * self.side;
        self.data.iter_mut().enumerate().for_each(|(i, v)| *v = f(i / area, *v));
        self
    }

    fn relu(self) -> Self {
        self.map(|_, v| v.max(0.0))
    }

    fn plus(mut self, other: &Self) -> Self {
        self.data.iter_mut().zip(&other.data).for_each(|(a, b)| *a += b);
        self
    }

    /// The largest of each square of 2 x 2.
    fn halved(&self) -> Self {
        let side = self.side / 2;
        let value = |i: usize| {
            let (c, y, x) = (i / (side * side), 2 * (i / side % side) as isize, 2 * (i % side) as isize);
            [(0, 0), (0, 1), (1, 0), (1, 1)]
                .iter()
                .map(|(dy, dx)| self.at(c, y + dy, x + dx))
                .fold(f64::MIN, f64::max)
        };
        Self { c: self.c, side, data: (0..self.c * side * side).map(value).collect() }
    }

    fn means(&self) -> Vec<f64> {
        let area = self.side * self.side;
        self.data.chunks_exact(area).map(|c| c.iter().sum::<f64>() / area as f64).collect()
    }
}

/// `{name}.weight` \[out, in\], `{name}.bias`.
fn linear(w: &FloatWeights, name: &str, x: &[f64], outputs: usize) -> Result<Vec<f64>, WeightsError> {
    let rows = read(w, &format!("{name}.weight"), &[outputs, x.len()])?;
    let bias = read(w, &format!("{name}.bias"), &[outputs])?;
    let dot = |row: &[f32]| row.iter().zip(x).map(|(&w, x)| w as f64 * x).sum::<f64>();
    Ok(rows.chunks_exact(x.len()).zip(bias).map(|(row, b)| dot(row) + b as f64).collect())
}

/// A convolution with its bias.
fn biased(
    w: &FloatWeights,
    name: &str,
    x: &Map,
    outputs: usize,
    k: usize,
    padding: usize,
) -> Result<Map, WeightsError> {
    let weight = read(w, &format!("{name}.weight"), &[outputs, x.c, k, k])?;
    let bias = read(w, &format!("{name}.bias"), &[outputs])?;
    Ok(x.conv(&weight, outputs, k, 1, padding).map(|c, v| v + bias[c] as f64))
}

fn to_f32(v: Vec<f64>) -> Vec<f32> {
    v.into_iter().map(|v| v as f32).collect()
}

/// The logits of [`crate::vision::digits_cnn`] for an image of 64 values.
pub fn digits_cnn(w: &FloatWeights, image: &[f32]) -> Result<Vec<f32>, WeightsError> {
    let h = biased(w, "conv1", &Map::new(1, 8, image), 8, 3, 1)?.relu();
    let h = biased(w, "conv2", &h, 16, 3, 1)?.relu().halved();
    Ok(to_f32(linear(w, "fc", &h.data, 10)?))
}

/// The logits of [`crate::vision::lenet5`] for an image of 1024 values.
pub fn lenet5(w: &FloatWeights, image: &[f32]) -> Result<Vec<f32>, WeightsError> {
    let h = biased(w, "conv1", &Map::new(1, 32, image), 6, 5, 0)?.relu().halved();
    let h = biased(w, "conv2", &h, 16, 5, 0)?.relu().halved();
    let relu = |v: Vec<f64>| v.into_iter().map(|v| v.max(0.0)).collect::<Vec<_>>();
    let h = relu(linear(w, "fc1", &h.data, 120)?);
    let h = relu(linear(w, "fc2", &h, 84)?);
    Ok(to_f32(linear(w, "fc3", &h, 10)?))
}

/// A convolution without bias and the batch norm behind it, not folded.
fn normed(
    w: &FloatWeights,
    [conv, norm]: [&str; 2],
    x: &Map,
    outputs: usize,
    [k, stride, padding]: [usize; 3],
) -> Result<Map, WeightsError> {
    let weight = read(w, &format!("{conv}.weight"), &[outputs, x.c, k, k])?;
    let part = |name: &str| read(w, &format!("{norm}.{name}"), &[outputs]);
    let (gain, bias) = (part("weight")?, part("bias")?);
    let (mean, variance) = (part("running_mean")?, part("running_var")?);
    Ok(x.conv(&weight, outputs, k, stride, padding).map(|c, v| {
        (v - mean[c] as f64) / (variance[c] as f64 + EPSILON).sqrt() * gain[c] as f64 + bias[c] as f64
    }))
}

/// The logits of [`crate::vision::resnet18`] for an image of 3 x 32 x 32 values; batch norms not folded.
pub fn resnet18(
    w: &FloatWeights,
    image: &[f32],
    channels: usize,
    classes: usize,
) -> Result<Vec<f32>, WeightsError> {
    let mut x = normed(w, ["conv1", "bn1"], &Map::new(3, 32, image), channels, [3, 1, 1])?.relu();
    for (layer, block) in (1..=4).flat_map(|l| (0..2).map(move |b| (l, b))) {
        let at = |name: &str| format!("layer{layer}.{block}.{name}");
        let down = layer > 1 && block == 0;
        let (outputs, stride) = if down { (2 * x.c, 2) } else { (x.c, 1) };
        let h = normed(w, [&at("conv1"), &at("bn1")], &x, outputs, [3, stride, 1])?.relu();
        let h = normed(w, [&at("conv2"), &at("bn2")], &h, outputs, [3, 1, 1])?;
        let shortcut = match down {
            true => normed(w, [&at("downsample.0"), &at("downsample.1")], &x, outputs, [1, 2, 0])?,
            false => x,
        };
        x = h.plus(&shortcut).relu();
    }
    Ok(to_f32(linear(w, "fc", &x.means(), classes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_by_hand() {
        // 1 2 / 3 4 with a kernel that takes the pixel and twice its right neighbour.
        let x = Map::new(1, 2, &[1.0, 2.0, 3.0, 4.0]);
        let kernel = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0];
        assert_eq!(x.conv(&kernel, 1, 3, 1, 1).data, [5.0, 2.0, 11.0, 4.0]);
        assert_eq!(x.conv(&kernel, 1, 3, 2, 1).data, [5.0]);
        assert_eq!((x.halved().data, x.means()), (vec![4.0], vec![2.5]));
    }
}

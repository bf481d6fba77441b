//! The handwritten digits of `mlp_digits`: the test split, its weights' file, and the float model.

use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// Pixels of an image: 8 rows of 8.
pub const PIXELS: usize = 64;

/// The brightest pixel: the network reads pixels divided by it.
pub const PIXEL_MAX: u8 = 16;

/// Images and their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// Row-major, values 0 to [`PIXEL_MAX`].
    pub images: Vec<[u8; PIXELS]>,
    /// 0 to 9.
    pub labels: Vec<u8>,
}

#[derive(Debug, Error)]
pub enum DigitsError {
    #[error("cannot read `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Format(#[from] SafeTensorError),
    #[error("tensor `{name}`: expected U8 {expected}, got {dtype} {dims:?}")]
    Tensor { name: &'static str, expected: String, dtype: Dtype, dims: Vec<usize> },
    #[error("{what} {index} is {got}, more than {max}")]
    Value { what: &'static str, index: usize, max: u8, got: u8 },
}

/// A file of `zkml-models/data`.
pub fn data_path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file)
}

impl Digits {
    /// The test split that lies with the examples.
    pub fn test_split() -> Result<Self, DigitsError> {
        Self::open(data_path("digits_test.safetensors"))
    }

    /// Reads `images` U8 \[n, 64\] and `labels` U8 \[n\].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DigitsError> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|source| DigitsError::Io { path: path.to_owned(), source })?;
        let file = SafeTensors::deserialize(&bytes)?;
        let n = file.tensor("labels")?.shape().iter().product();
        let images = u8_values(&file, "images", &[n, PIXELS])?;
        let labels = u8_values(&file, "labels", &[n])?;
        at_most("pixel", images, PIXEL_MAX)?;
        at_most("label", labels, 9)?;
        Ok(Self { images: images.as_chunks().0.to_vec(), labels: labels.to_vec() })
    }
}

fn u8_values<'a>(
    file: &SafeTensors<'a>,
    name: &'static str,
    dims: &[usize],
) -> Result<&'a [u8], DigitsError> {
    let t = file.tensor(name)?;
    if t.dtype() != Dtype::U8 || t.shape() != dims {
        let expected = format!("{dims:?}");
        return Err(DigitsError::Tensor { name, expected, dtype: t.dtype(), dims: t.shape().to_vec() });
    }
    Ok(t.data())
}

fn at_most(what: &'static str, values: &[u8], max: u8) -> Result<(), DigitsError> {
    match values.iter().position(|&v| v > max) {
        None => Ok(()),
        Some(index) => Err(DigitsError::Value { what, index, max, got: values[index] }),
    }
}

/// The image as eight lines of text, two characters a pixel.
pub fn draw(image: &[u8; PIXELS]) -> String {
    const SHADES: [&str; 5] = ["  ", "..", "++", "##", "@@"];
    let shade = |&p: &u8| SHADES[(p.min(PIXEL_MAX) as usize * SHADES.len() / 17).min(4)];
    image.chunks(8).map(|row| row.iter().map(shade).collect::<String>() + "\n").collect()
}

/// Pixels as numbers from 0 to 1.
pub fn brightness(pixels: &[u8; PIXELS]) -> [f32; PIXELS] {
    pixels.map(|p| f32::from(p) / f32::from(PIXEL_MAX))
}

/// The position of the largest value, the first of equals; `None` if there are none.
pub fn argmax<T: PartialOrd>(values: &[T]) -> Option<usize> {
    (0..values.len()).reduce(|best, i| if values[i] > values[best] { i } else { best })
}

/// The float model: `relu(x/16 w1 + b1) w2 + b2`.
#[derive(Clone, Debug)]
pub struct FloatMlp {
    w1: Vec<f32>,
    b1: Vec<f32>,
    w2: Vec<f32>,
    b2: Vec<f32>,
}

impl FloatMlp {
    /// From `w1` \[64, H\], `b1` \[H\], `w2` \[H, 10\] and `b2` \[10\].
    pub fn new(weights: &FloatWeights) -> Result<Self, WeightsError> {
        let read = |name, dims: &[usize]| crate::reference::read(weights, name, dims);
        let b1 = weights.get("b1")?.data.clone();
        let (w1, w2) = (read("w1", &[PIXELS, b1.len()])?, read("w2", &[b1.len(), 10])?);
        Ok(Self { w1, b1, w2, b2: read("b2", &[10])? })
    }

    pub fn logits(&self, image: &[u8; PIXELS]) -> [f32; 10] {
        self.logits_of(&brightness(image))
    }

    /// Of pixels from 0 to 1.
    pub fn logits_of(&self, pixels: &[f32]) -> [f32; 10] {
        let mut hidden = self.b1.clone();
        add_product(&mut hidden, pixels, &self.w1);
        hidden.iter_mut().for_each(|h| *h = h.max(0.0));
        let mut logits: [f32; 10] = std::array::from_fn(|i| self.b2[i]);
        add_product(&mut logits, &hidden, &self.w2);
        logits
    }
}

/// `out += x w`
fn add_product(out: &mut [f32], x: &[f32], w: &[f32]) {
    for (v, row) in x.iter().zip(w.chunks_exact(out.len())) {
        out.iter_mut().zip(row).for_each(|(o, w)| *o += v * w);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_float_model_is_as_accurate_as_its_training_said() {
        let digits = Digits::test_split().unwrap();
        let model = FloatMlp::new(&FloatWeights::open(data_path("digits.safetensors")).unwrap()).unwrap();
        let right = |(image, &label): (&_, &u8)| argmax(&model.logits(image)) == Some(label.into());
        let correct = digits.images.iter().zip(&digits.labels).filter(|&(i, l)| right((i, l))).count();
        // 0.9907 in `examples/train/README.md`.
        assert_eq!((correct, digits.labels.len()), (535, 540));
    }

    #[test]
    fn draws_eight_lines() {
        let mut image = [0; PIXELS];
        (image[0], image[7], image[63]) = (16, 8, 4);
        let text = draw(&image);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (8, "@@            ++"));
        assert_eq!(lines[7], "              ..");
    }

    #[test]
    fn argmax_takes_the_first() {
        assert_eq!(argmax(&[1, 3, 3, 2]), Some(1));
        assert_eq!(argmax::<f32>(&[]), None);
    }

    #[test]
    fn a_file_of_other_tensors_is_refused() {
        let error = Digits::open(data_path("digits.safetensors")).unwrap_err();
        assert!(matches!(error, DigitsError::Format(SafeTensorError::TensorNotFound(_))), "{error}");
    }
}

//! ResNet-18 (He et al. 2015) in its shape for images of 32 x 32: a first convolution of 3 x 3 without a pool.
//!
//! Batch norms are folded into the convolutions before them ([`import`]). A block's sum is in the units of its input, so the
//! branch is I12 there: it may be several times larger than the sum.

use zkml_dsl::prelude::*;
use zkml_dsl::weights::{FloatWeights, WeightsError};

/// `relu(conv2(relu(conv1(x))) + x)`
#[zk_model(C = 64, H = 32)]
pub fn basic_block(
    x: Tensor<U8, C, H, H>,
    #[name = "conv1.weight"] w1: Weight<I8, C, C, 3, 3>,
    #[name = "conv1.bias"] b1: Weight<I24, C>,
    #[name = "conv2.weight"] w2: Weight<I8, C, C, 3, 3>,
    #[name = "conv2.bias"] b2: Weight<I24, C>,
) -> Tensor<U8, C, H, H> {
    let h = relu(quantize::<U8>(conv2d(x, w1, b1, padding = 1)));
    relu(quantize::<U8>(x + quantize::<I12>(conv2d(h, w2, b2, padding = 1), window = 16), window = 14))
}

/// A block that halves the sides and doubles the channels; a convolution of 1 x 1 does so with what is added.
#[zk_model(C = 64, H = 32, report = line)]
pub fn down_block(
    x: Tensor<U8, C, H, H>,
    #[name = "conv1.weight"] w1: Weight<I8, { 2 * C }, C, 3, 3>,
    #[name = "conv1.bias"] b1: Weight<I24, { 2 * C }>,
    #[name = "conv2.weight"] w2: Weight<I8, { 2 * C }, { 2 * C }, 3, 3>,
    #[name = "conv2.bias"] b2: Weight<I24, { 2 * C }>,
    #[name = "downsample.0.weight"] w3: Weight<I8, { 2 * C }, C, 1, 1>,
    #[name = "downsample.0.bias"] b3: Weight<I24, { 2 * C }>,
) -> Tensor<U8, { 2 * C }, { H / 2 }, { H / 2 }> {
    let h = relu(quantize::<U8>(conv2d(x, w1, b1, stride = 2, padding = 1)));
    let branch = quantize::<I12>(conv2d(h, w2, b2, padding = 1), window = 16);
    let shortcut = quantize::<I12>(conv2d(x, w3, b3, stride = 2), window = 16);
    relu(quantize::<U8>(shortcut + branch, window = 14))
}

/// Logits of an image whose pixels are 0 to 255. Weights under torchvision's names.
#[zk_model(C = 64, CLASSES = 10)]
pub fn resnet18(
    x: Tensor<U8, 3, 32, 32>,
    #[name = "conv1.weight"] w: Weight<I8, C, 3, 3, 3>,
    #[name = "conv1.bias"] b: Weight<I24, C>,
    layer1: [basic_block::Weights; 2],
    #[name = "layer2.0"] down2: down_block::Weights,
    #[name = "layer2.1"] block2: basic_block::Weights,
    #[name = "layer3.0"] down3: down_block::Weights,
    #[name = "layer3.1"] block3: basic_block::Weights,
    #[name = "layer4.0"] down4: down_block::Weights,
    #[name = "layer4.1"] block4: basic_block::Weights,
    #[name("fc.weight", layout = "out_in")] w_fc: Weight<I8, { 8 * C }, CLASSES>,
    #[name = "fc.bias"] b_fc: Weight<I24, CLASSES>,
) -> Tensor<Acc, 1, CLASSES> {
    let mut x1 = relu(quantize::<U8>(conv2d(x, w, b, padding = 1)));
    for l in 0..2 {
        x1 = basic_block(x1, layer1[l]);
    }
    let x2 = basic_block(down_block(x1, down2), block2);
    let x3 = basic_block(down_block(x2, down3), block3);
    let x4 = basic_block(down_block(x3, down4), block4);
    let mean = quantize::<U8>(global_avg_pool(x4));
    matmul(reshape(mean, shape = [1, 8 * C]), w_fc) + b_fc
}

/// Convolutions with the batch norms behind them.
fn pairs() -> Vec<(String, String)> {
    let mut pairs = vec![("conv1".to_string(), "bn1".to_string())];
    for (layer, block) in (1..=4).flat_map(|l| (0..2).map(move |b| (l, b))) {
        let at = |name: &str| format!("layer{layer}.{block}.{name}");
        pairs.push((at("conv1"), at("bn1")));
        pairs.push((at("conv2"), at("bn2")));
        if layer > 1 && block == 0 {
            pairs.push((at("downsample.0"), at("downsample.1")));
        }
    }
    pairs
}

/// Folds the batch norms of a torchvision checkpoint.
pub fn import(mut w: FloatWeights) -> Result<FloatWeights, WeightsError> {
    for (conv, norm) in pairs() {
        w.fold_batch_norm(&conv, &norm, EPSILON)?;
    }
    Ok(w)
}

/// PyTorch's.
pub const EPSILON: f64 = 1e-5;

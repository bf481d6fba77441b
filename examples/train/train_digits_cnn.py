"""Trains a small convolutional network on scikit-learn's handwritten digits, the split of `train_digits.py`.

Writes `zkml-models/data/digits_cnn.safetensors`, float32, PyTorch's names and layouts:

  conv1.weight [8, 1, 3, 3], conv1.bias [8]      3x3, one pixel of zeros around, ReLU: [8, 8, 8]
  conv2.weight [16, 8, 3, 3], conv2.bias [16]    3x3, one pixel of zeros around, ReLU: [16, 8, 8]
                                                 max pool 2x2: [16, 4, 4], flattened channel, row, column: [256]
  fc.weight [10, 256], fc.bias [10]              the logits

The input is [1, 8, 8]: pixels divided by 16. `--holdout` trains on 4/5 of the training split, reports the accuracy on
the other fifth and writes nothing: the settings were chosen that way, without a look at the test split.
"""

import convnet
import numpy as np
from convnet import Conv, Flatten, Linear, MaxPool, Relu
from train_digits import PIXEL_MAX

SEED = 7
EPOCHS = 60
BATCH = 32
RATE = 2e-3
DECAY = 2e-2

LAYERS = [
    Conv("conv1", 1, 8, 3, 1),
    Relu(),
    Conv("conv2", 8, 16, 3, 1),
    Relu(),
    MaxPool(),
    Flatten(),
    Linear("fc", 256, 10),
]


def pixels(images):
    """Images uint8 [n, 64] as the network reads them."""
    return images.reshape(-1, 1, 8, 8).astype(np.float32) / np.float32(PIXEL_MAX)


def main():
    trained = convnet.run(LAYERS, pixels, EPOCHS, BATCH, RATE, DECAY, SEED)
    if trained:
        convnet.save(trained[0], "digits_cnn.safetensors")


if __name__ == "__main__":
    main()

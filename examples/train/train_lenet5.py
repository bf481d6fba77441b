"""Trains LeNet-5, in its modern form (ReLU, max pooling), on scikit-learn's handwritten digits, the split of
`train_digits.py`.

The input is [1, 32, 32], made of the 8x8 image: pixels divided by 16, each pixel repeated as a 3x3 square (24x24),
then 4 rows or columns of zeros on each of the four sides: x[r, c] = image[(r-4)/3, (c-4)/3]/16, rounded down, for r and
c from 4 to 27, else 0.

Writes `zkml-models/data/lenet5.safetensors`, float16, PyTorch's names and layouts:

  conv1.weight [6, 1, 5, 5], conv1.bias [6]      no padding, ReLU: [6, 28, 28], max pool 2x2: [6, 14, 14]
  conv2.weight [16, 6, 5, 5], conv2.bias [16]    no padding, ReLU: [16, 10, 10], max pool 2x2: [16, 5, 5],
                                                 flattened channel, row, column: [400]
  fc1.weight [120, 400], fc1.bias [120]          ReLU
  fc2.weight [84, 120], fc2.bias [84]            ReLU
  fc3.weight [10, 84], fc3.bias [10]             the logits

Every channel of conv2 reads all six of conv1 (the original of 1998 left some out). `--holdout` as in
`train_digits_cnn.py`.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86 (11), 1998, section II.B.
"""

import convnet
import numpy as np
from convnet import Conv, Flatten, Linear, MaxPool, Relu
from train_digits import PIXEL_MAX

SEED = 7
EPOCHS = 40
BATCH = 32
RATE = 1e-3
DECAY = 2e-2

LAYERS = [
    Conv("conv1", 1, 6, 5, 0),
    Relu(),
    MaxPool(),
    Conv("conv2", 6, 16, 5, 0),
    Relu(),
    MaxPool(),
    Flatten(),
    Linear("fc1", 400, 120),
    Relu(),
    Linear("fc2", 120, 84),
    Relu(),
    Linear("fc3", 84, 10),
]


def enlarged(images):
    """Images uint8 [n, 64] as the network reads them: [n, 1, 32, 32]."""
    squares = images.reshape(-1, 1, 8, 8).repeat(3, axis=2).repeat(3, axis=3)
    return np.pad(squares, ((0, 0), (0, 0), (4, 4), (4, 4))).astype(np.float32) / np.float32(PIXEL_MAX)


def main():
    trained = convnet.run(LAYERS, enlarged, EPOCHS, BATCH, RATE, DECAY, SEED)
    if trained:
        params, sets = trained
        halves = {k: v.astype(np.float16) for k, v in params.items()}
        print("the same with weights rounded to float16:")
        convnet.report(LAYERS, {k: v.astype(np.float32) for k, v in halves.items()}, sets)
        convnet.save(halves, "lenet5.safetensors")


if __name__ == "__main__":
    main()

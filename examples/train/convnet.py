"""Small convolutional networks for the handwritten digits: layers, gradients and AdamW in numpy, float32.

Tensors are [n, channels, rows, columns]; parameters have PyTorch's names and layouts: `conv1.weight`
[out, in, rows, columns], `fc.weight` [out, in], flattening goes channel, row, column. A network is a list of:

  Conv(name, inputs, outputs, size, pad)   stride 1, zeros around the image, a bias per output channel (a correlation)
  Relu()
  MaxPool()                                2 by 2 windows, stride 2; of equal values the first gets the gradient
  Flatten()
  Linear(name, inputs, outputs)            x @ weight.T + bias
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.numpy import save_file
from train_digits import shifted, split

DATA = Path(__file__).resolve().parents[2] / "zkml-models" / "data"


class Weighted:
    """A layer with `weight` and `bias`, whose gradients `backward` leaves in `grads` under the parameters' names."""

    def __init__(self, name, shape):
        self.weight, self.bias, self.shape = f"{name}.weight", f"{name}.bias", shape
        self.grads = {}

    def init(self, rng):
        """He's normal initialisation, zero biases."""
        deviation = np.sqrt(2.0 / np.prod(self.shape[1:]))
        return {
            self.weight: rng.normal(0.0, deviation, self.shape).astype(np.float32),
            self.bias: np.zeros(self.shape[0], np.float32),
        }


class Conv(Weighted):
    def __init__(self, name, inputs, outputs, size, pad):
        super().__init__(name, (outputs, inputs, size, size))
        self.pad = pad

    def forward(self, params, x):
        p, (outputs, _, size, _) = self.pad, self.shape
        x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = sliding_window_view(x, (size, size), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
        n, rows, cols = windows.shape[:3]
        self.padded, self.patches = x.shape, windows.reshape(n * rows * cols, -1)
        y = self.patches @ params[self.weight].reshape(outputs, -1).T + params[self.bias]
        return y.reshape(n, rows, cols, outputs).transpose(0, 3, 1, 2)

    def backward(self, params, dy):
        p, (outputs, inputs, size, _) = self.pad, self.shape
        n, _, rows, cols = dy.shape
        flat = dy.transpose(0, 2, 3, 1).reshape(-1, outputs)
        self.grads = {self.weight: (flat.T @ self.patches).reshape(self.shape), self.bias: flat.sum(axis=0)}
        back = (flat @ params[self.weight].reshape(outputs, -1)).reshape(n, rows, cols, inputs, size, size)
        dx = np.zeros(self.padded, np.float32)
        for i in range(size):
            for j in range(size):
                dx[:, :, i : i + rows, j : j + cols] += back[..., i, j].transpose(0, 3, 1, 2)
        return dx[:, :, p : self.padded[2] - p, p : self.padded[3] - p]


class Linear(Weighted):
    def __init__(self, name, inputs, outputs):
        super().__init__(name, (outputs, inputs))

    def forward(self, params, x):
        self.x = x
        return x @ params[self.weight].T + params[self.bias]

    def backward(self, params, dy):
        self.grads = {self.weight: dy.T @ self.x, self.bias: dy.sum(axis=0)}
        return dy @ params[self.weight]


class Relu:
    def forward(self, _, x):
        self.positive = x > 0
        return x * self.positive

    def backward(self, _, dy):
        return dy * self.positive


class MaxPool:
    def forward(self, _, x):
        n, channels, rows, cols = x.shape
        quads = x.reshape(n, channels, rows // 2, 2, cols // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        quads = quads.reshape(n, channels, rows // 2, cols // 2, 4)
        self.largest = quads.argmax(axis=-1)[..., None]
        return np.take_along_axis(quads, self.largest, axis=-1)[..., 0]

    def backward(self, _, dy):
        n, channels, rows, cols = dy.shape
        quads = np.zeros((*dy.shape, 4), np.float32)
        np.put_along_axis(quads, self.largest, dy[..., None], axis=-1)
        quads = quads.reshape(n, channels, rows, cols, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return quads.reshape(n, channels, 2 * rows, 2 * cols)


class Flatten:
    def forward(self, _, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, _, dy):
        return dy.reshape(self.shape)


def initial(layers, seed):
    rng = np.random.default_rng(seed)
    return {k: v for layer in layers if isinstance(layer, Weighted) for k, v in layer.init(rng).items()}


def forward(layers, params, x):
    for layer in layers:
        x = layer.forward(params, x)
    return x


def gradients(layers, params, x, labels):
    """Of the mean cross entropy over the batch."""
    logits = forward(layers, params, x)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1.0
    dy = p / np.float32(len(labels))
    for layer in reversed(layers):
        dy = layer.backward(params, dy)
    return {k: g for layer in layers if isinstance(layer, Weighted) for k, g in layer.grads.items()}


def train(layers, batches, steps, seed, rate, decay):
    """AdamW with a cosine schedule, weights decayed and biases not. `batches(rng)` yields `steps` pairs of inputs
    and labels."""
    params = initial(layers, seed)
    first = {k: np.zeros_like(v) for k, v in params.items()}
    second = {k: np.zeros_like(v) for k, v in params.items()}
    for t, (x, labels) in enumerate(batches(np.random.default_rng(seed)), start=1):
        now = rate * 0.5 * (1.0 + np.cos(np.pi * t / steps))
        for key, g in gradients(layers, params, x, labels).items():
            first[key] = np.float32(0.9) * first[key] + np.float32(0.1) * g
            second[key] = np.float32(0.999) * second[key] + np.float32(0.001) * g * g
            step = first[key] / (1 - 0.9**t) / (np.sqrt(second[key] / (1 - 0.999**t)) + 1e-8)
            shrink = decay if key.endswith(".weight") else 0.0
            params[key] = (params[key] - now * (step + shrink * params[key])).astype(np.float32)
    return params


def correct(layers, params, x, labels):
    """How many labels are the position of the largest logit."""
    return int((forward(layers, params, x).argmax(axis=1) == labels).sum())


def augmented(images, labels, epochs, batch, inputs):
    """The batches of `train`: half of each as it is, half shifted."""

    def batches(rng):
        for _ in range(epochs):
            order = rng.permutation(len(images))
            moved = shifted(images, rng)
            for start in range(0, len(images) - batch + 1, batch):
                rows = order[start : start + batch]
                x = np.concatenate([images[rows[::2]], moved[rows[1::2]]])
                yield inputs(x), np.concatenate([labels[rows[::2]], labels[rows[1::2]]])

    return batches, epochs * (len(images) // batch)


def run(layers, inputs, epochs, batch, rate, decay, seed):
    """Trains; returns the parameters and (images, labels) of the training and the test split as networks read
    them, or None after `--holdout`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--holdout", action="store_true", help="judge the settings on a fifth of the training split")
    train_x, test_x, train_y, test_y = split()
    holdout = parser.parse_args().holdout
    if holdout:
        cut = len(train_y) * 4 // 5
        (train_x, test_x), (train_y, test_y) = np.split(train_x, [cut]), np.split(train_y, [cut])
    batches, steps = augmented(train_x, train_y, epochs, batch, inputs)
    params = train(layers, batches, steps, seed, rate, decay)
    sets = (("train", inputs(train_x), train_y), ("held out" if holdout else "test", inputs(test_x), test_y))
    report(layers, params, sets)
    return None if holdout else (params, sets)


def report(layers, params, sets):
    for name, x, labels in sets:
        right = correct(layers, params, x, labels)
        print(f"{name}: {right} of {len(labels)} right, {100 * right / len(labels):.2f} %")


def save(params, file):
    """Into `zkml-models/data`; prints the size and each tensor's largest magnitude."""
    DATA.mkdir(exist_ok=True)
    save_file({k: np.ascontiguousarray(v) for k, v in params.items()}, DATA / file)
    for name, value in params.items():
        print(f"  {name:12} {value.dtype} {list(value.shape)}, at most {np.abs(value).max():.3f}")
    print(f"{file}: {sum(v.size for v in params.values())} parameters, {(DATA / file).stat().st_size} bytes")

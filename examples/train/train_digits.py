"""Trains the multilayer perceptron of the `mlp_digits` example on scikit-learn's handwritten digits.

Writes two files into `zkml-models/data`:

  digits.safetensors       float32 weights w1 [64, 64], b1 [64], w2 [64, 10], b2 [10]
  digits_test.safetensors  the test split: images uint8 [n, 64] with values 0..16, labels uint8 [n]

The network reads pixels divided by 16: logits = relu(x/16 @ w1 + b1) @ w2 + b2.
Everything is seeded and runs on one thread, so a rerun with the same package versions gives the same bytes.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7
HIDDEN = 64
EPOCHS = 150
BATCH = 32
RATE = 2e-3
DECAY = 1e-2  # decoupled weight decay, which also keeps the weights' range narrow for the integer model
PIXEL_MAX = 16.0


def split():
    """Images uint8 [n, 64] and labels: 70 % to train on, 30 % to test on, each digit in its proportion."""
    images, labels = load_digits(return_X_y=True)
    return train_test_split(
        images.astype(np.uint8), labels.astype(np.uint8), test_size=0.3, random_state=SEED, stratify=labels
    )


def shifted(images, rng):
    """Each image moved by -1, 0 or 1 pixels along each axis, zeros moving in."""
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    dy, dx = rng.integers(0, 3, size=(2, len(images)))
    rows = dy[:, None] + np.arange(8)
    cols = dx[:, None] + np.arange(8)
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], cols[:, None, :]].reshape(-1, 64)


def forward(params, x):
    hidden = np.maximum(x @ params["w1"] + params["b1"], 0.0)
    return hidden, hidden @ params["w2"] + params["b2"]


def gradients(params, x, labels):
    """Of the mean cross entropy over the batch."""
    hidden, logits = forward(params, x)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1.0
    p /= len(labels)
    back = (p @ params["w2"].T) * (hidden > 0.0)
    return {"w1": x.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ p, "b2": p.sum(axis=0)}


def train(images, labels):
    """AdamW with a cosine schedule."""
    rng = np.random.default_rng(SEED)
    params = {
        "w1": rng.normal(0.0, np.sqrt(2.0 / 64), (64, HIDDEN)),
        "b1": np.zeros(HIDDEN),
        "w2": rng.normal(0.0, np.sqrt(2.0 / HIDDEN), (HIDDEN, 10)),
        "b2": np.zeros(10),
    }
    first = {k: np.zeros_like(v) for k, v in params.items()}
    second = {k: np.zeros_like(v) for k, v in params.items()}
    steps = EPOCHS * (len(images) // BATCH)
    t = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(images))
        moved = shifted(images, rng)
        for start in range(0, len(images) - BATCH + 1, BATCH):
            t += 1
            rate = RATE * 0.5 * (1.0 + np.cos(np.pi * t / steps))
            rows = order[start : start + BATCH]
            # Half of each batch as it is, half shifted.
            pixels = np.concatenate([images[rows[::2]], moved[rows[1::2]]])
            answers = np.concatenate([labels[rows[::2]], labels[rows[1::2]]])
            for key, g in gradients(params, pixels / PIXEL_MAX, answers).items():
                first[key] = 0.9 * first[key] + 0.1 * g
                second[key] = 0.999 * second[key] + 0.001 * g * g
                step = first[key] / (1 - 0.9**t) / (np.sqrt(second[key] / (1 - 0.999**t)) + 1e-8)
                shrink = DECAY if key.startswith("w") else 0.0
                params[key] -= rate * (step + shrink * params[key])
    return {k: v.astype(np.float32) for k, v in params.items()}


def accuracy(params, images, labels):
    _, logits = forward(params, images.astype(np.float32) / np.float32(PIXEL_MAX))
    return float((logits.argmax(axis=1) == labels).mean())


def main():
    train_x, test_x, train_y, test_y = split()
    params = train(train_x, train_y)
    out = Path(__file__).resolve().parents[2] / "zkml-models" / "data"
    out.mkdir(exist_ok=True)
    save_file(params, out / "digits.safetensors")
    save_file({"images": test_x, "labels": test_y}, out / "digits_test.safetensors")
    print(f"train accuracy {accuracy(params, train_x, train_y):.4f} over {len(train_y)} images")
    print(f"test accuracy  {accuracy(params, test_x, test_y):.4f} over {len(test_y)} images")
    for name in sorted(p.name for p in out.glob("*.safetensors")):
        print(f"{name}: {(out / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""Prints the constants of transformers.rs: a GPT-2 block and a BERT layer in numpy, d = 4, 2 heads, 6 hidden units.

    python3 examples/tests/all/transformers.py
"""

from math import erf

import numpy as np

D, HEADS, FF, SEQ = 4, 2, 6, 3

GPT2 = {
    "ln_1": (D,), "attn.c_attn": (D, 3 * D), "attn.c_proj": (D, D),
    "ln_2": (D,), "mlp.c_fc": (D, FF), "mlp.c_proj": (FF, D),
}  # fmt: skip
BERT = {
    "attention.self.query": (D, D), "attention.self.key": (D, D), "attention.self.value": (D, D),
    "attention.output.dense": (D, D), "attention.output.LayerNorm": (D,),
    "intermediate.dense": (FF, D), "output.dense": (D, FF), "output.LayerNorm": (D,),
}  # fmt: skip


def weights(layers, out_axis):
    """Tensor t of the alphabetical order holds sin(1 + i + 7 t) / 2, plus 1 in norm gains, as float32."""
    shapes = {}
    for name, dims in layers.items():
        shapes[name + ".weight"] = dims
        shapes[name + ".bias"] = (dims[0] if len(dims) == 1 else dims[out_axis],)
    tensors = {}
    for t, name in enumerate(sorted(shapes)):
        n = int(np.prod(shapes[name]))
        gain = name.endswith("weight") and len(shapes[name]) == 1
        values = np.sin(1.0 + np.arange(n) + 7 * t) / 2 + gain
        tensors[name] = values.astype(np.float32).astype(np.float64).reshape(shapes[name])
    return tensors


def norm(w, name, x, epsilon):
    centred = x - x.mean(axis=-1, keepdims=True)
    n = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    return n * w[name + ".weight"] + w[name + ".bias"]


def attention(q, k, v, allowed):
    split = lambda t: t.reshape(SEQ, HEADS, D // HEADS).transpose(1, 0, 2)
    q, k, v = split(q), split(k), split(v)
    scores = np.einsum("hid,hjd->hij", q, k) / np.sqrt(D // HEADS)
    scores = np.where(allowed, scores, -np.inf)
    p = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return np.einsum("hij,hjd->ihd", p, v).reshape(SEQ, D)


def gelu_erf(x):
    return x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2


def gelu_tanh(x):
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def gpt2(x, gelu):
    w = weights(GPT2, out_axis=1)
    linear = lambda name, t: t @ w[name + ".weight"] + w[name + ".bias"]
    q, k, v = np.split(linear("attn.c_attn", norm(w, "ln_1", x, 1e-5)), 3, axis=1)
    x = x + linear("attn.c_proj", attention(q, k, v, np.tri(SEQ, dtype=bool)))
    return x + linear("mlp.c_proj", gelu(linear("mlp.c_fc", norm(w, "ln_2", x, 1e-5))))


def bert(x, mask):
    w = weights(BERT, out_axis=0)
    linear = lambda name, t: t @ w[name + ".weight"].T + w[name + ".bias"]
    q, k, v = (linear("attention.self." + n, x) for n in ("query", "key", "value"))
    h = attention(q, k, v, np.array(mask)[None, None, :])
    h = norm(w, "attention.output.LayerNorm", x + linear("attention.output.dense", h), 1e-12)
    return norm(w, "output.LayerNorm", h + linear("output.dense", gelu_erf(linear("intermediate.dense", h))), 1e-12)


def show(name, values):
    print(f"const {name}: [f32; 12] = [")
    for v in values.ravel():
        print(f"    {v:.7},")
    print("];")


x = np.cos(3.0 * np.arange(SEQ * D)).astype(np.float32).astype(np.float64).reshape(SEQ, D)
show("GPT2_ERF", gpt2(x, gelu_erf))
show("GPT2_TANH", gpt2(x, gelu_tanh))
show("BERT", bert(x, [True, True, False]))

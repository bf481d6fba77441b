"""Prints the constants of transformers.rs: a GPT-2 block, a BERT layer and a Llama block in numpy, d = 4, 2 heads, 6
hidden units; Llama's heads are 4 wide and share one head of keys and values.

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

LLAMA = {
    "input_layernorm": (D,), "post_attention_layernorm": (D,),
    "self_attn.q_proj": (2 * D, D), "self_attn.k_proj": (D, D), "self_attn.v_proj": (D, D), "self_attn.o_proj": (D, 2 * D),
    "mlp.gate_proj": (FF, D), "mlp.up_proj": (FF, D), "mlp.down_proj": (D, FF),
}  # fmt: skip


def weights(layers, out_axis, bias=True):
    """Tensor t of the alphabetical order holds sin(1 + i + 7 t) / 2, plus 1 in norm gains, as float32."""
    shapes = {}
    for name, dims in layers.items():
        shapes[name + ".weight"] = dims
        if bias:
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


def turned(x, theta=500000.0, factor=32.0, low=1.0, high=4.0, original=8192.0):
    """Rows of heads of width 4, by Llama 3's frequencies, as complex numbers."""
    frequencies = []
    for f in theta ** (-np.arange(2) / 2):
        wave = 2 * np.pi / f
        if wave < original / high:
            frequencies.append(f)
        elif wave > original / low:
            frequencies.append(f / factor)
        else:
            smooth = (original / wave - low) / (high - low)
            frequencies.append((1 - smooth) * f / factor + smooth * f)
    heads = x.reshape(SEQ, -1, 4)
    pairs = heads[..., :2] + 1j * heads[..., 2:]
    pairs *= np.exp(1j * np.outer(np.arange(SEQ), frequencies))[:, None, :]
    return np.concatenate([pairs.real, pairs.imag], axis=-1)


def llama(x):
    w = weights(LLAMA, out_axis=0, bias=False)
    linear = lambda name, t: t @ w[name + "_proj.weight"].T
    rms = lambda name, t: t / np.sqrt((t**2).mean(axis=-1, keepdims=True) + 1e-5) * w[name + ".weight"]
    n = rms("input_layernorm", x)
    q, k = turned(linear("self_attn.q", n)), turned(linear("self_attn.k", n))[:, 0]
    scores = np.einsum("ihd,jd->hij", q, k) / 2
    p = np.exp(np.where(np.tri(SEQ, dtype=bool), scores, -np.inf))
    p /= p.sum(axis=-1, keepdims=True)
    mixed = np.einsum("hij,jd->ihd", p, linear("self_attn.v", n)).reshape(SEQ, 2 * D)
    x = x + linear("self_attn.o", mixed)
    n = rms("post_attention_layernorm", x)
    gate = linear("mlp.gate", n)
    return x + linear("mlp.down", gate / (1 + np.exp(-gate)) * linear("mlp.up", n))


def show(name, values):
    print(f"const {name}: [f32; 12] = [")
    for v in values.ravel():
        print(f"    {v:.7},")
    print("];")


x = np.cos(3.0 * np.arange(SEQ * D)).astype(np.float32).astype(np.float64).reshape(SEQ, D)
show("GPT2_ERF", gpt2(x, gelu_erf))
show("GPT2_TANH", gpt2(x, gelu_tanh))
show("BERT", bert(x, [True, True, False]))
show("LLAMA", llama(x))

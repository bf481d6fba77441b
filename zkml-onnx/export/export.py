"""Exports the networks that the importer is tested with, seeded, and samples with PyTorch's outputs.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python export.py OUT [NAME ...]

For each network: NAME.onnx, NAME.samples.npz with some inputs, NAME.expected.npz with what PyTorch gives for them.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn


def mlp():
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.GELU(), nn.Linear(32, 10))
    return net, {"x": (1, 64)}


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc3(torch.relu(self.fc2(x)))


def lenet():
    return LeNet(), {"image": (1, 1, 32, 32)}


def vision(build, size):
    net = build(weights=None, num_classes=16)
    # Statistics as after some training: those of a fresh network are all alike.
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.2)
            nn.init.normal_(m.running_mean, 0, 0.2)
            nn.init.uniform_(m.running_var, 0.5, 2.0)
    return net, {"image": (1, 3, size, size)}


def resnet18():
    from torchvision.models import resnet18 as build

    return vision(build, 32)


def mobilenet_v2():
    from torchvision.models import mobilenet_v2 as build

    return vision(build, 32)


def squeezenet():
    from torchvision.models import squeezenet1_1 as build

    return vision(build, 64)


def bert():
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=512, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=64, attn_implementation="eager",
    )

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = BertModel(config, add_pooling_layer=False)

        def forward(self, input_ids, attention_mask):
            return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    return Encoder(), {"input_ids": ("tokens", 512, (1, 16)), "attention_mask": ("mask", 2, (1, 16))}


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=512, n_positions=64, n_embd=64, n_layer=2, n_head=4, attn_implementation="eager", use_cache=False,
    )

    class Logits(nn.Module):
        def __init__(self):
            super().__init__()
            self.gpt2 = GPT2LMHeadModel(config)

        def forward(self, input_ids):
            return self.gpt2(input_ids=input_ids, use_cache=False).logits

    return Logits(), {"input_ids": ("tokens", 512, (1, 16))}


NETWORKS = {f.__name__: f for f in [mlp, lenet, resnet18, mobilenet_v2, squeezenet, bert, gpt2]}


def sample(rng, what):
    if what[0] == "tokens":
        return rng.integers(0, what[1], what[2])
    if what[0] == "mask":
        mask = np.ones(what[2], dtype=np.int64)
        mask[..., rng.integers(what[2][-1] // 2, what[2][-1] + 1):] = 0
        return mask
    return rng.standard_normal(what).astype(np.float32)


def export(out, name, samples=8):
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    net, inputs = NETWORKS[name]()
    net = net.eval()
    all_inputs = {k: np.stack([sample(rng, what) for _ in range(samples)]) for k, what in inputs.items()}
    tensors = lambda k: tuple(torch.from_numpy(v[k]) for v in all_inputs.values())
    with torch.no_grad():
        expected = np.stack([net(*tensors(k)).numpy() for k in range(samples)])
    for suffix, options in [("", {"dynamo": False, "opset_version": 17}), (".dynamo", {"dynamo": True})]:
        path = out / f"{name}{suffix}.onnx"
        try:
            program = torch.onnx.export(
                net, tensors(0), path, input_names=list(inputs), output_names=["output"], external_data=False, **options
            )
        except Exception as e:
            print(f"{path.name}: not exported: {type(e).__name__}: {str(e)[:200]}")
            continue
        print(path.name, path.stat().st_size)
    np.savez(out / f"{name}.samples.npz", **all_inputs)
    np.savez(out / f"{name}.expected.npz", output=expected)


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NETWORKS:
        export(out, name)

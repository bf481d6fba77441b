"""Trained models that Python packages ship, with samples and onnxruntime's outputs for them.

    venv/bin/python trained.py OUT

magika (a byte classifier, 785k parameters) reads files of this folder and of the standard library; silero-vad (convolutions and an LSTM cell) reads
synthetic sound; all-MiniLM-L6-v2 is exported from the weights that `examples/minilm/fetch.py` puts into target/minilm, if they are there.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def reference(out, name, path, inputs, samples):
    """Writes NAME.samples.npz and NAME.expected.npz, each array with a first axis of samples."""
    session = onnxruntime.InferenceSession(str(path))
    outputs = [o.name for o in session.get_outputs()]
    results = [session.run(outputs, {k: v for k, v in s.items()}) for s in samples]
    keep = {k: np.stack([s[k] for s in samples]) for k in inputs}
    np.savez(out / f"{name}.samples.npz", **keep)
    np.savez(out / f"{name}.expected.npz", **{o: np.stack([r[i] for r in results]) for i, o in enumerate(outputs)})
    if Path(path) != out / f"{name}.onnx":
        shutil.copy(path, out / f"{name}.onnx")
    print(name, Path(path).stat().st_size)


def magika(out):
    import magika as package

    folder = Path(package.__file__).parent
    path = folder / "models" / "standard_v3_3" / "model.onnx"
    padding, size = 256, 1024
    files = sorted(Path(np.__file__).parent.glob("**/*"))
    picked, kinds = [], set()
    for f in files:
        if f.is_file() and f.stat().st_size > 2 * size and f.suffix not in kinds:
            kinds.add(f.suffix)
            picked.append(f)
    samples = []
    for f in picked[:12]:
        data = f.read_bytes()
        begin = list(data[:4096].lstrip()[:size])
        end = list(data[-4096:].rstrip()[-size:])
        begin += [padding] * (size - len(begin))
        end = [padding] * (size - len(end)) + end
        samples.append({"bytes": np.array([begin + end], dtype=np.int32)})
    reference(out, "magika", path, ["bytes"], samples)


def silero(out):
    import silero_vad as package

    path = Path(package.__file__).parent / "data" / "silero_vad_openvino_16k.onnx"
    rng = np.random.default_rng(1)
    session = onnxruntime.InferenceSession(str(path))
    state, samples = np.zeros((2, 1, 128), dtype=np.float32), []
    for k in range(24):
        t = (np.arange(576) + 512 * k) / 16000
        voice = sum(np.sin(2 * np.pi * 130 * h * t) / h for h in range(1, 12)) * (0.3 if k % 8 < 5 else 0.0)
        sound = (voice * 0.3 + 0.01 * rng.standard_normal(576)).astype(np.float32)[None]
        samples.append({"input": sound, "state": state})
        state = session.run(None, samples[-1])[1]
    reference(out, "silero_vad", path, ["input", "state"], samples)


def minilm(out):
    weights = Path(__file__).parents[2] / "target" / "minilm"
    if not (weights / "model.safetensors").exists():
        print("minilm: run examples/minilm/fetch.py first")
        return
    import torch
    from transformers import AutoConfig, AutoTokenizer, BertModel
    from safetensors.torch import load_file

    config = AutoConfig.from_pretrained(weights, local_files_only=True)
    config._attn_implementation = "eager"
    bert = BertModel(config, add_pooling_layer=False)
    state = {k.removeprefix("bert."): v for k, v in load_file(weights / "model.safetensors").items()}
    bert.load_state_dict(state, strict=False)
    tokenizer = AutoTokenizer.from_pretrained(weights, local_files_only=True)

    class Embedding(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = bert

        def forward(self, input_ids):
            return self.bert(input_ids=input_ids).last_hidden_state.mean(dim=1)

    text = "the committee will meet again on {} to decide about the {} that everybody in the {} has been waiting for since last year"
    words = ["monday", "bridge", "city", "budget", "school", "winter", "village", "harbour", "museum", "library"]
    sentences = [text.format(words[i % 10], words[(i * 3 + 1) % 10], words[(i * 7 + 2) % 10]) for i in range(12)]
    ids = [tokenizer(s, padding="max_length", truncation=True, max_length=16, return_tensors="np")["input_ids"] for s in sentences]
    path = out / "minilm.onnx"
    example = (torch.from_numpy(ids[0]),)
    torch.onnx.export(
        Embedding().eval(), example, path, input_names=["input_ids"], output_names=["sentence"], dynamo=True, external_data=False
    )
    reference(out, "minilm", path, ["input_ids"], [{"input_ids": i.astype(np.int64)} for i in ids])


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for f in [magika, silero, minilm]:
        f(out)

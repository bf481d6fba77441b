"""Embeds the sentences of `zkml-models/data/sentences.txt` with PyTorch and transformers, for the tests to compare with.

Writes `zkml-models/data/minilm_embeddings.safetensors`, of n sentences, one a line:

  tokens      int32 [n, 64]     WordPiece ids with [CLS] (101) before and [SEP] (102) after, then [PAD] (0)
  lengths     int32 [n]         tokens of each sentence, [CLS] and [SEP] among them
  embeddings  float32 [n, 384]  the mean of the last layer's outputs over these tokens, divided by its Euclidean norm

The model runs in float64 on each sentence alone, without padding, and only the result is rounded to float32: errors of
summation order stay far below what a test compares. The script then embeds all sentences as one padded batch in
float32, as applications do, and stops if that differs by more than 1e-5.

  python3 examples/minilm/fetch.py
  python3 examples/minilm/reference.py [--model FOLDER]
"""

import argparse
import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import BertModel, BertTokenizerFast

WIDTH = 64
DATA = Path(__file__).resolve().parents[2] / "zkml-models" / "data"


def load(folder):
    if not (folder / "model.safetensors").is_file():
        raise SystemExit(f"reference.py: no model.safetensors in {folder}: run examples/minilm/fetch.py first")
    tokenizer = BertTokenizerFast.from_pretrained(folder)
    model = BertModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    return tokenizer, model.eval()


def embed(model, ids, mask):
    """[n, tokens] each -> [n, 384]."""
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weight).sum(dim=1) / weight.sum(dim=1)
    return mean / mean.norm(dim=1, keepdim=True)


def main():
    parser = argparse.ArgumentParser()
    target = Path(__file__).resolve().parents[2] / "target" / "minilm"
    parser.add_argument("--model", type=Path, default=target, help="folder of fetch.py (default: target/minilm)")
    tokenizer, model = load(parser.parse_args().model)
    torch.set_num_threads(1)

    sentences = (DATA / "sentences.txt").read_text(encoding="utf-8").splitlines()
    ids = [tokenizer(s)["input_ids"] for s in sentences]
    lengths = np.array([len(row) for row in ids], np.int32)
    if lengths.max() > WIDTH:
        raise SystemExit(f"reference.py: a sentence of {lengths.max()} tokens, at most {WIDTH} fit")
    tokens = np.zeros((len(ids), WIDTH), np.int32)
    for row, line in zip(tokens, ids):
        row[: len(line)] = line

    with torch.no_grad():
        mask = torch.arange(WIDTH)[None, :] < torch.from_numpy(lengths)[:, None]
        batch = embed(model, torch.from_numpy(tokens).long(), mask.long()).numpy()
        model = model.double()
        one = [embed(model, torch.tensor([line]), torch.ones(1, len(line), dtype=torch.long)) for line in ids]
    exact = torch.cat(one).numpy()
    apart = np.abs(exact - batch).max()
    if not apart <= 1e-5:
        raise SystemExit(f"reference.py: one padded batch in float32 differs by {apart:.1e}")

    save_file(
        {"tokens": tokens, "lengths": lengths, "embeddings": exact.astype(np.float32)},
        DATA / "minilm_embeddings.safetensors",
    )
    print(f"{len(sentences)} sentences of {lengths.min()} to {lengths.max()} tokens")
    print(f"float32 in one padded batch differs by at most {apart:.1e}; largest coordinate {np.abs(exact).max():.3f}")
    cosines = exact @ exact.T - 2 * np.eye(len(exact))
    for i, (row, length) in enumerate(zip(cosines, lengths)):
        print(f"{i:3} ({length:2} tokens) nearest {row.argmax():3}, cosine {row.max():.3f}  {sentences[i][:60]}")


if __name__ == "__main__":
    main()

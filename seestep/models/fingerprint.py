"""Which checkpoint it is: a hash of all files of a folder that decide what the model says."""

from __future__ import annotations

import hashlib
from pathlib import Path

KINDS = (".safetensors", ".json", ".jinja", ".txt")
NAMES = ("value_head.bin",)  # the one pickle that is ever read


def weights_fingerprint(folder: Path) -> str:
    """sha256 over the names and bytes of a checkpoint's weights, config and tokenizer files."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if (path.suffix in KINDS or path.name in NAMES) and path.is_file():
            digest.update(path.name.encode())
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()

"""Embeddings of local checkpoints, for finding questions that mean the same and pictures that
show the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seestep.errors import DataError, need

BATCH = 64
LONGEST = 256  # tokens


def text_encoder(folder: Path) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """Texts -> (n, width) unit vectors: the mean of the last hidden states over real tokens.

    That is how sentence encoders such as all-MiniLM are pooled (Reimers and Gurevych 2019). Raises
    ``DataError`` if ``folder`` holds no encoder that transformers can open.
    """
    need("transformers", "train")
    import torch
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    except (OSError, ValueError) as error:
        raise DataError(f"not a text encoder: {error}", file=folder) from error

    @torch.no_grad()
    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out: NDArray[np.float32] | None = None
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            inputs = tokenizer(
                [texts[i] for i in part],
                padding=True,
                truncation=True,
                max_length=LONGEST,
                return_tensors="pt",
            )
            states = model(**inputs).last_hidden_state.float()
            real = inputs["attention_mask"][..., None].float()
            mean = torch.nn.functional.normalize((states * real).sum(1) / real.sum(1), dim=-1)
            if out is None:
                out = np.zeros((len(texts), mean.shape[1]), dtype=np.float32)
            out[part] = mean.numpy()
        return out if out is not None else np.zeros((0, 1), dtype=np.float32)

    return embed


def image_encoder(folder: Path) -> Callable[[Sequence[Image.Image]], NDArray[np.float32]]:
    """RGB pictures -> (n, width) unit vectors: the image features of a CLIP or SigLIP, else the
    pooled output of a vision model such as DINOv2, else the state of its first token.

    Raises ``DataError`` if ``folder`` holds no image encoder that transformers can open.
    """
    need("transformers", "train")
    import torch
    from transformers import AutoImageProcessor, AutoModel

    try:
        auto: Any = AutoImageProcessor
        processor = auto.from_pretrained(folder, local_files_only=True, backend="pil")
        model, info = AutoModel.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError) as error:
        raise DataError(f"not an image encoder: {error}", file=folder) from error
    lacking = sorted(key for key in info["missing_keys"] if "pooler" not in key)
    if lacking:
        raise DataError("not an image encoder: weights are missing", file=folder, got=lacking[0])
    pools = not info["missing_keys"]  # transformers makes up a pooler that a checkpoint lacks
    features = getattr(model.eval(), "get_image_features", model)

    @torch.no_grad()
    def embed(pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(pictures), BATCH):
            shown = list(pictures[start : start + BATCH])
            found = features(**processor(images=shown, return_tensors="pt"))
            if not isinstance(found, torch.Tensor):
                pooled = getattr(found, "pooler_output", None) if pools else None
                found = found.last_hidden_state[:, 0] if pooled is None else pooled
            parts.append(torch.nn.functional.normalize(found.float(), dim=-1).numpy())
        return np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)

    return embed

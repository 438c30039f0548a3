"""Text embeddings of a local checkpoint, for finding questions that mean the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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

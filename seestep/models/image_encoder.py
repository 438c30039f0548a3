"""Pictures as vectors, by local checkpoints of image encoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seestep.errors import DataError, need

BATCH = 64


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

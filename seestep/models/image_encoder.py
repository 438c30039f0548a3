"""Pictures as vectors, by local checkpoints of image encoders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seestep.curate.embed import sha256_of
from seestep.errors import DataError, need

BATCH = 64


class ImageEncoder:
    """RGB pictures -> (n, width) unit vectors: the image features of a CLIP or SigLIP, else the
    pooled output of a vision model such as DINOv2, else the state of its first token.

    Raises ``DataError`` if ``folder`` holds no image encoder that transformers can open, or one
    that makes no number of a picture.
    """

    def __init__(self, folder: Path) -> None:
        need("transformers", "train")
        from safetensors import SafetensorError
        from transformers import AutoImageProcessor, AutoModel

        try:
            auto: Any = AutoImageProcessor
            self._processor = auto.from_pretrained(folder, local_files_only=True, backend="pil")
            model, info = AutoModel.from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise DataError(f"not an image encoder: {error}", file=folder) from error
        lacking = sorted(key for key in info["missing_keys"] if "pooler" not in key)
        if lacking:
            raise DataError(
                "not an image encoder: weights are missing", file=folder, got=lacking[0]
            )
        self._pools = not info["missing_keys"]  # transformers makes up a pooler that is lacking
        self._features = getattr(model.eval(), "get_image_features", model)
        self._folder, self._model = folder, sha256_of(folder)

    def parameters(self) -> dict[str, Any]:
        """What vectors depend on: the files of the model as it was opened."""
        return {"model": self._model}

    def __call__(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        import torch

        parts = []
        for start in range(0, len(pictures), BATCH):
            shown = list(pictures[start : start + BATCH])
            with torch.no_grad():
                found = self._features(**self._processor(images=shown, return_tensors="pt"))
            if not isinstance(found, torch.Tensor):
                pooled = getattr(found, "pooler_output", None) if self._pools else None
                found = found.last_hidden_state[:, 0] if pooled is None else pooled
            parts.append(torch.nn.functional.normalize(found.float(), dim=-1).numpy())
        whole = np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)
        if not np.isfinite(whole).all():
            raise DataError(
                "this model makes no number of a picture",
                file=self._folder,
                hint="are its weights damaged?",
            )
        return whole

"""Qwen-VL processors that need no torchvision, and the exact fast path from uint8 pictures.

transformers' ``AutoProcessor`` builds a video processor, and that imports torchvision. Here the
video slot is left out: a video is a list of images (its frames). Images go through transformers'
own PIL image processor, so training and serving see the same pixel values.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoTokenizer,
    ProcessorMixin,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
    Qwen3VLProcessor,
)

from seestep.errors import DataError

PREPROCESSOR = "preprocessor_config.json"
PLACEHOLDERS = {
    "image": "<|image_pad|>",
    "video": "<|video_pad|>",
    "vision_start": "<|vision_start|>",
    "vision_end": "<|vision_end|>",
}


class _FramesOnly:
    """What both processors share: no video slot, and a folder any transformers can read."""

    image_processor: Any
    tokenizer: Any
    chat_template: Any

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: Any = None,
        **kwargs: Any,
    ) -> None:
        # ProcessorMixin reads the slots off this signature, so it must not name a video slot.
        for name, token in PLACEHOLDERS.items():
            setattr(self, f"{name}_token", token)
            setattr(self, f"{name}_token_id", tokenizer.convert_tokens_to_ids(token))
        mixin: Any = ProcessorMixin
        mixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    @property
    def model_input_names(self) -> list[str]:
        names = [
            *self.tokenizer.model_input_names,
            *self.image_processor.model_input_names,
        ]
        return list(dict.fromkeys([*names, "mm_token_type_ids"]))

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> list[str]:
        """Write tokenizer, chat template and ``preprocessor_config.json``.

        The composite ``processor_config.json`` of transformers is left out: without a video
        processor in it, ``AutoProcessor`` of a host with torchvision refuses it, while the plain
        files are read by every version, by vLLM and by ``load_processor``.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        name = type(self).__name__
        self.tokenizer._set_processor_class(name)
        self.tokenizer.chat_template = self.chat_template
        written = list(self.tokenizer.save_pretrained(folder))
        image = json.loads(self.image_processor.to_json_string())
        image["image_processor_type"] = "Qwen2VLImageProcessor"
        image["processor_class"] = name
        (folder / PREPROCESSOR).write_text(json.dumps(image, indent=2, sort_keys=True) + "\n")
        return [*written, str(folder / PREPROCESSOR)]


def _frames_only(base: type) -> type:
    # The class keeps its parent's name, because that name is written into the saved files.
    return type(base.__name__, (_FramesOnly, base), {"__module__": __name__})


PROCESSORS: dict[str, type] = {
    "qwen2_5_vl": _frames_only(Qwen2_5_VLProcessor),
    "qwen3_vl": _frames_only(Qwen3VLProcessor),
}


def load_processor(path: str | Path, model_type: str) -> Any:
    """The processor of a checkpoint folder, for ``model_type`` qwen2_5_vl or qwen3_vl.

    Reads the tokenizer, its chat template (``chat_template.jinja``, ``chat_template.json`` or
    ``tokenizer_config.json``) and ``preprocessor_config.json``. Raises ``DataError`` when one is
    missing: a default size cap would move every absolute coordinate.
    """
    folder = Path(path)
    file = folder / PREPROCESSOR
    if not file.is_file():
        raise DataError(
            "the checkpoint does not say how its images are prepared",
            file=file,
            hint=f"copy {PREPROCESSOR} from the model it was trained from",
        )
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    image_processor = Qwen2VLImageProcessorPil.from_pretrained(str(folder), local_files_only=True)
    template = tokenizer.chat_template or _template_json(folder)
    if template is None:
        raise DataError("the checkpoint has no chat template", file=folder)
    return make_processor(model_type, image_processor, tokenizer, template)


def make_processor(model_type: str, image_processor: Any, tokenizer: Any, template: str) -> Any:
    """A processor from its parts."""
    missing = [t for t in PLACEHOLDERS.values() if t not in tokenizer.get_vocab()]
    if missing:
        raise DataError(f"the tokenizer lacks the vision tokens {missing}")
    return PROCESSORS[model_type](image_processor, tokenizer, chat_template=template)


def make_image_processor(
    patch: int, merge: int, min_pixels: int, max_pixels: int, mean: float, std: float
) -> Qwen2VLImageProcessorPil:
    """transformers' PIL image processor for square patches of ``patch`` pixels."""
    return Qwen2VLImageProcessorPil(
        patch_size=patch,
        merge_size=merge,
        temporal_patch_size=2,
        size={"shortest_edge": min_pixels, "longest_edge": max_pixels},
        image_mean=[mean] * 3,
        image_std=[std] * 3,
    )


class Patches:
    """Pixel values of uint8 pictures, equal to the PIL processor bit for bit, several times faster.

    Rescaling and normalising map each of 256 levels of each channel to one float, so a table made
    by the image processor itself is looked up instead of computing floats. Only for pictures that
    already have the size the model sees (``smart_resize`` leaves them alone).
    """

    def __init__(self, image_processor: Any) -> None:
        self.patch = int(image_processor.patch_size)
        self.merge = int(image_processor.merge_size)
        self.frames = int(image_processor.temporal_patch_size)
        levels = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, None], (3, 1, 256))
        table = image_processor.rescale(levels, image_processor.rescale_factor)
        table = image_processor.normalize(
            table, image_processor.image_mean, image_processor.image_std
        )
        self.table = torch.from_numpy(np.asarray(table, dtype=np.float32).reshape(3 * 256))

    def __call__(self, pictures: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, H, W, 3) uint8 -> pixel_values (B*gh*gw, 3*frames*p*p) float32, grid_thw (B, 3)."""
        batch, height, width, _ = pictures.shape
        p, m = self.patch, self.merge
        gh, gw = height // p, width // p
        if height % (p * m) or width % (p * m):
            raise ValueError(f"{height}x{width} pictures are not a multiple of {p * m}")
        x = torch.from_numpy(np.array(pictures, dtype=np.uint8, order="C"))
        x = x.view(batch, gh // m, m, p, gw // m, m, p, 3).permute(0, 1, 4, 2, 5, 7, 3, 6)
        channel = torch.arange(3).view(3, 1, 1) * 256
        flat = torch.take(self.table, x.to(torch.int64) + channel)
        flat = flat[:, :, :, :, :, :, None].expand(-1, -1, -1, -1, -1, -1, self.frames, -1, -1)
        grid = torch.tensor([[1, gh, gw]]).expand(batch, 3)
        return flat.reshape(batch * gh * gw, -1), grid


def image_tokens(grids: Sequence[Sequence[int]], merge: int) -> list[int]:
    """Number of visual tokens of each (t, h, w) patch grid."""
    return [int(t * h * w) // merge**2 for t, h, w in grids]


def _template_json(folder: Path) -> str | None:
    file = folder / "chat_template.json"  # where transformers 4 kept it
    return str(json.loads(file.read_text())["chat_template"]) if file.is_file() else None

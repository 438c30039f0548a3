"""Run by a Python that has ms-swift: what its own loader and template make of an export.

python swift_reader.py '{"export": FILE, "processor": DIR, "model_type": NAME, ...}'
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

if torch.version.cuda is None:
    # torchvision has no build for such a torch. It is imported and never called, and asks no more
    # than that two of its operators have a name.
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")

from qwen_vl_utils import vision_process
from swift.dataset import load_dataset
from swift.model import get_model_info_meta
from swift.model.models.qwen import compat_qwen_vl_utils, patch_qwen_vl_utils
from swift.template import get_template

from seestep.models.processor import load_processor


def main(told: dict[str, Any]) -> None:
    """Write one JSON line a row: token ids and labels, of chosen and rejected for pairs."""
    processor = load_processor(told["processor"], told["model_type"])
    for name in ("MIN_PIXELS", "MAX_PIXELS"):  # its own default for Qwen3-VL is another
        os.environ[name] = str(told[name.lower()])
    compat_qwen_vl_utils(image_patch_size=processor.image_processor.patch_size)
    patch_qwen_vl_utils(vision_process)
    processor.model_info, processor.model_meta = get_model_info_meta(
        told["processor"], model_type=told["model_type"]
    )
    template = get_template(
        processor, template_type=told["model_type"], max_length=1 << 20, loss_scale="last_round"
    )
    template.image_token_id = processor.image_token_id  # swift's is that of the released tokenizer
    template.set_mode("rlhf" if told["stage"] == "rlhf" else "train")
    sides = ("chosen_", "rejected_") if told["stage"] == "rlhf" else ("",)
    data, _ = load_dataset([told["export"]], strict=True)
    with open(Path(told["work"]) / "read.jsonl", "w") as out:
        for row in data:
            images = [image["path"] for image in row.get("images") or []]
            encoded = template.encode(row)
            read = [{k: list(encoded[s + k]) for k in ("input_ids", "labels")} for s in sides]
            out.write(json.dumps({"read": read, "images": images}) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

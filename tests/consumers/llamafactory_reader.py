"""Run by a Python that has LLaMA-Factory: what its own loader and template make of an export.

python llamafactory_reader.py '{"export": DIR, "processor": DIR, "template": NAME, ...}'
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments
from llamafactory.model.patcher import patch_processor
from transformers import Seq2SeqTrainingArguments

from seestep.models.processor import load_processor


def main(told: dict[str, Any]) -> None:
    """Write one JSON line a row: token ids and labels, of chosen and rejected for pairs."""
    processor = load_processor(told["processor"], told["model_type"])
    processor.video_processor = processor.image_processor  # asked for where no video is, too
    work = Path(told["work"])
    model_args = ModelArguments(
        model_name_or_path=told["processor"],
        image_max_pixels=told["max_pixels"],
        image_min_pixels=told["min_pixels"],
        cache_dir=str(work / "cache"),
    )
    patch_processor(processor, processor.tokenizer, model_args)
    data_args = DataArguments(
        template=told["template"],
        dataset="seestep",
        dataset_dir=told["export"],
        cutoff_len=1 << 20,
        mask_history=told["stage"] == "sft",
    )
    template = get_template_and_fix_tokenizer(processor.tokenizer, data_args)
    training_args = Seq2SeqTrainingArguments(output_dir=str(work), use_cpu=True, report_to="none")
    found = get_dataset(
        template,
        model_args,
        data_args,
        training_args,
        stage=told["stage"],
        tokenizer=processor.tokenizer,
        processor=processor,
    )
    with open(work / "read.jsonl", "w") as out:
        for row in found["train_dataset"]:
            sides = ("chosen_", "rejected_") if told["stage"] == "rm" else ("",)
            read = [{k: row[s + k] for k in ("input_ids", "labels")} for s in sides]
            out.write(json.dumps({"read": read, "images": row["images"] or []}) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

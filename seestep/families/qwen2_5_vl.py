"""Qwen2.5-VL: absolute integer pixels of the resized image, JSON in a code fence.

Sources: a maintainer's word on the frame (QwenLM/Qwen2.5-VL issue 721); the cookbooks' JSON
(`bbox_2d`, `point_2d`, `label`); preprocessor_config.json of the released checkpoints for the
pixel caps (the class default of transformers, 1003520, is smaller: always read the checkpoint's).
"""

from seestep.families.base import Family

FAMILY = Family(
    name="qwen2_5_vl",
    model_types=("qwen2_5_vl",),
    frame="pixel_resized",
    frame_source="documented by its authors",
    notations={
        "point": "json_point_2d",
        "points": "json_point_2d",
        "path": "json_point_2d",
        "polygon": "json_point_2d",
        "box": "json_bbox_2d",
        "mask": "json_bbox_2d",
    },
    patch=14,
    merge=2,
    min_pixels=4 * 28 * 28,
    max_pixels=16384 * 28 * 28,
)

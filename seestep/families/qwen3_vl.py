"""Qwen3-VL: integers from 0 to 1000 relative to the image, JSON in a code fence.

Sources: QwenLM/Qwen3-VL cookbooks (2d grounding: relative coordinates, `bbox_2d`, `point_2d`,
`label`) and issue 1741 (Alibaba's own documentation says 0 to 999; both are read here, and 1000
is the far edge). Pixel caps: `size` of the released preprocessor_config.json, in pixels of the
resized image.
"""

from seestep.families.base import Family

FAMILY = Family(
    name="qwen3_vl",
    model_types=("qwen3_vl",),
    frame="permille",
    frame_source="documented by its authors",
    notations={
        "point": "json_point_2d",
        "points": "json_point_2d",
        "path": "json_point_2d",
        "polygon": "json_point_2d",
        "box": "json_bbox_2d",
        "mask": "json_bbox_2d",
    },
    patch=16,
    merge=2,
    min_pixels=65536,
    max_pixels=16777216,
)

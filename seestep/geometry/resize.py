"""The size at which a Qwen-VL style model sees an image."""

from __future__ import annotations

import math

from seestep.errors import GeometryError

MAX_ASPECT = 200


def smart_resize(
    height: int, width: int, factor: int, min_pixels: int, max_pixels: int
) -> tuple[int, int]:
    """(height, width) rounded to multiples of ``factor`` with an area in [min, max] pixels.

    The rule of ``transformers.models.qwen2_vl.image_processing_qwen2_vl.smart_resize``, which
    Qwen2.5-VL (factor 28) and Qwen3-VL (factor 32) share: the same operations in the same order,
    since a float that differs in its last bit can move the result by a whole factor. Python's
    banker's rounding is part of the rule. qwen_vl_utils differs for images thinner than a factor.

    A side under half a factor rounds to 0 there when the area needs no enlarging; that cannot be
    fed to a model, so it is an error here, as is an aspect ratio above 200.
    """
    if height < 1 or width < 1:
        raise GeometryError("an image needs a positive size", got=f"{width}x{height}")
    if max(height, width) / min(height, width) > MAX_ASPECT:
        raise GeometryError(
            "the image is too long and thin for the model",
            wanted=f"an aspect ratio up to {MAX_ASPECT}",
            got=f"{width}x{height}",
            hint="crop or pad the image",
        )
    h_bar = round(height / factor) * factor
    w_bar = round(width / factor) * factor
    if h_bar * w_bar > max_pixels:
        beta = math.sqrt((height * width) / max_pixels)
        h_bar = max(factor, math.floor(height / beta / factor) * factor)
        w_bar = max(factor, math.floor(width / beta / factor) * factor)
    elif h_bar * w_bar < min_pixels:
        beta = math.sqrt(min_pixels / (height * width))
        h_bar = math.ceil(height * beta / factor) * factor
        w_bar = math.ceil(width * beta / factor) * factor
    if not h_bar or not w_bar:
        raise GeometryError(
            "the image is too small for the model",
            wanted=f"sides of at least {factor // 2 + 1} pixels, or a larger min_pixels",
            got=f"{width}x{height}",
        )
    return h_bar, w_bar

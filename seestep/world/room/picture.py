"""Pictures as bytes."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seestep.world.protocol import Event


def png_bytes(picture: Event | NDArray[np.uint8]) -> bytes:
    """PNG file of an event's frame or of an (H, W, 3) uint8 array; the same bytes every time."""
    frame = picture.frame if isinstance(picture, Event) else picture
    if frame is None:
        raise ValueError("this event was made without pictures")
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG", compress_level=6)
    return out.getvalue()

"""Where to stand in a home to get pictures worth asking about."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.world.protocol import Event


class ViewConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many views of a home, and of what size."""

    size: int = 96  # side of the picture in pixels
    oversample: int = 2  # rendered this many times larger, then averaged down
    close: int = 5  # views of a surface with things on it
    wide: int = 3  # views of the room
    least_things: int = 2  # a view that shows fewer seen things is not worth asking about
    near_m: float = 0.9
    far_m: float = 1.7

    @property
    def render_size(self) -> int:
        return self.size * self.oversample


def shrink(event: Event, factor: int) -> Event:
    """The event at 1/factor of its size, all four pictures consistently.

    Colours are averaged. A pixel belongs to the instance with most of its factor x factor
    samples (in a tie, the instance of the top-left sample if it is among the winners), and its
    depth is the mean over that instance's samples.
    """
    if factor == 1:
        return event
    if event.frame is None or event.instance_frame is None or event.depth_frame is None:
        raise ValueError("only an event with pictures can be made smaller")
    height, width = event.instance_frame.shape
    if height % factor or width % factor:
        raise ValueError(f"{width}x{height} cannot be divided by {factor}")
    ids = _blocks(event.instance_frame, factor)
    votes = (ids[..., :, None] == ids[..., None, :]).sum(-1)  # (h, w, s): votes for each sample
    votes[..., 0] = votes[..., 0] * 2 + 1  # the first sample wins ties
    votes[..., 1:] *= 2
    winner = np.take_along_axis(ids, votes.argmax(-1)[..., None], -1)[..., 0]
    mine = ids == winner[..., None]
    depth = (_blocks(event.depth_frame, factor) * mine).sum(-1) / mine.sum(-1)
    h, w = height // factor, width // factor
    frame = event.frame.reshape(h, factor, w, factor, 3).astype(np.uint32).sum((1, 3))
    area = factor * factor
    return Event(
        metadata={**event.metadata, "screenWidth": w, "screenHeight": h},
        frame=((frame + area // 2) // area).astype(np.uint8),
        depth_frame=depth.astype(np.float32),
        instance_frame=winner.astype(np.int32),
        instance_ids=event.instance_ids,
    )


def _blocks(picture: NDArray[Any], factor: int) -> NDArray[Any]:
    height, width = picture.shape
    h, w = height // factor, width // factor
    split = picture.reshape(h, factor, w, factor).transpose(0, 2, 1, 3)
    return split.reshape(h, w, factor * factor)

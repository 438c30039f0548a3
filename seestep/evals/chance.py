"""What a guess that sees nothing but the form of the answer scores on average."""

from __future__ import annotations

from seestep.geometry.frames import same_size
from seestep.geometry.masks import grid_of
from seestep.records import Box, Choice, Item, Path, Plan, Points, YesNo


def chance(item: Item) -> float | None:
    """The score of a guess at ``item``, in [0, 1]; None where it depends on how one guesses.

    Choices and yes or no: one in as many answers as there are. Points: the share of the picture
    that counts. Boxes, paths and plans: 0, too many to be guessed. Numbers and texts: None.
    """
    answer = item.answer
    if isinstance(answer, Choice):
        return 1 / len(answer.options)
    if isinstance(answer, YesNo):
        return 0.5
    if isinstance(answer, Points) and answer.region:
        region = item.find_geometry(answer.region)
        width, height = item.find_media(region.media).size or (0, 0)
        if region.kind not in ("mask", "box", "polygon") or not width:
            return None
        return float(grid_of(region, same_size((width, height))).mean())
    if isinstance(answer, Box | Path | Plan):
        return 0.0
    return None

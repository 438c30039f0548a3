"""The pictures of a stage in batches, for a frozen tower to look at before the first step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from torch import Tensor

from seestep.progress import Progress
from seestep.train import engine
from seestep.train.collate import Pictures
from seestep.train.encode import Picture
from seestep.train.plan import Prepared

TOGETHER = 32  # pictures in a batch, of PATCHES in all if there are two
PATCHES = 16384


def batches(
    ready: Prepared, micro: int, pictures: Pictures, progress: Progress | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Patches and grids (``Pictures.values``) of what this rank's micro-batches show.

    First come the pictures that are shown most often: there may not be room to remember all.
    """
    mine = ready.schedule.indices.reshape(-1, micro)[engine.rank() :: engine.ranks()]
    shown: Counter[Picture] = Counter()
    for i in mine.reshape(-1).tolist():
        shown.update(ready.samples[i].pictures)
    order = [picture for picture, _ in shown.most_common()]  # equal ones as they come
    done = 0
    with (progress or Progress(mode="none")).child("looking at pictures", part=True) as bar:
        for some in together(order, pictures.patches.patch):
            bar.update(done, len(order))
            yield pictures.values(some)
            done += len(some)
        bar.update(len(order), len(order))


def together(order: Iterable[Picture], patch: int) -> Iterator[list[Picture]]:
    """Pictures in batches that one look can hold; ``patch`` is the side of a patch in pixels."""
    some: list[Picture] = []
    patches = 0
    for picture in order:
        more = picture.resize.resized_width * picture.resize.resized_height // patch**2
        if some and (len(some) == TOGETHER or patches + more > PATCHES):
            yield some
            some, patches = [], 0
        some.append(picture)
        patches += more
    if some:
        yield some

"""Controls: the picture of another home in place of the right one, and what then still counts.

An answer that is right with a foreign picture too was guessed from the words of the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

import msgspec

from seestep.errors import DataError
from seestep.records import Item, Media, Score
from seestep.thought import wire

BLIND = "right with another home's picture too"


def needs_picture(right: Sequence[Score], wrong: Sequence[Score]) -> list[Score]:
    """One model's scores, in order, that count only where the wrong-image control fails.

    1 if the answer is wholly right with the right picture and not with the wrong one, else 0; a
    plan is wholly right if it reaches its goal. ``right`` and ``wrong`` are the scores of the same
    items and checkpoint with ``control`` none and wrong_image.

    Raises ``DataError`` when the two do not score the same items, once each, decoded alike.
    """
    other = {score.item: score for score in wrong}
    odd = {score.item for score in right} ^ other.keys()
    if odd or len(right) != len(wrong) or len(other) != len(wrong):
        raise DataError(
            "the right-image and wrong-image scores are not of the same items, once each",
            record=min(odd, default=None),
            wanted=f"{len(right)} items",
            got=str(len(wrong)),
            hint="evaluate both on the same suites with the same limit",
        )
    return [_counted(score, other[score.item]) for score in right]


def _counted(right: Score, wrong: Score) -> Score:
    if right.constrained != wrong.constrained:
        raise DataError(
            "a score and its wrong-image control were not decoded alike",
            record=right.item,
            hint="evaluate both with the same constrain",
        )
    whole, blind = right.value >= 1, wrong.value >= 1
    notes = (*right.notes, BLIND) if whole and blind else right.notes
    return msgspec.structs.replace(right, value=float(whole and not blind), notes=notes)


def images_of(item: Item) -> list[tuple[Media, int]]:
    """(media, frame index) of every picture, in the order in which the prompt shows them."""
    return [(item.find_media(key), index) for key, index in wire.images_of(item)]


def wrong_images(items: Sequence[Item]) -> dict[str, Item]:
    """Item id -> the item that lends it its pictures, for all items that show any.

    The next item round the circle that shows as many pictures of another home (no shared cluster),
    of the same suite if there is one, so that the control shows the same kind of view. Raises
    ``DataError`` if there is none.
    """
    shown = {item.id: len(images_of(item)) for item in items}
    suites: dict[str, list[Item]] = {}
    for item in items:
        suites.setdefault(item.suite, []).append(item)
    donors: dict[str, Item] = {}
    for item in items:
        if not shown[item.id]:
            continue
        if not item.clusters:
            raise DataError(
                "an item without clusters does not say whose picture is another home's",
                record=item.id,
            )
        for pool in (suites[item.suite], items):
            fit = (
                other
                for other in _round(pool, item)
                if shown[other.id] == shown[item.id] and _foreign(other, item)
            )
            if (donor := next(fit, None)) is not None:
                donors[item.id] = donor
                break
        else:
            raise DataError(
                "no other item can lend its pictures for the wrong-image control",
                record=item.id,
                hint="evaluate more items, or leave the control off",
            )
    return donors


def _round(pool: Sequence[Item], item: Item) -> Iterator[Item]:
    """The items of the pool after ``item``, then those before it."""
    at = pool.index(item)
    return chain(islice(pool, at + 1, None), islice(pool, at))


def _foreign(other: Item, item: Item) -> bool:
    return bool(other.clusters) and set(other.clusters).isdisjoint(item.clusters)

"""Records about homes as the text of training: exactly what ordinary inference would be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.families import Family
from seestep.families.prompt import messages
from seestep.geometry.masks import decode
from seestep.records import Box as BoxAnswer
from seestep.records import Choice, Freeform, Number, Points, Record, YesNo
from seestep.thought.wire import completion
from seestep.train.base.corpus import Question, Shot, label_cells
from seestep.world.questions.draft import Look
from seestep.world.room.catalog import KINDS

TYPES = ("", *sorted(KINDS))
COLORS = ("", *sorted({color for kind in KINDS.values() for color in kind.colors}))
END = "<|vision_end|>"
TURN_END = "<|im_end|>"


def to_question(
    record: Record, family: Family, processor: Any, views: Mapping[str, int], *, gold: bool = True
) -> Question:
    """One record as prompt and completion; ``views`` numbers its media, its ability is its family.

    Prompt and completion come from the functions that export and evaluation use, through the
    checkpoint's chat template.
    """
    text = processor.apply_chat_template(
        messages(record, family), tokenize=False, add_generation_prompt=True
    )
    cut = text.rindex(END) + len(END)
    shown = tuple(views[m.key] for m in record.media)
    said = completion(record.answer, record, family) + TURN_END
    known = gold_of(record) if gold else {}
    return Question(shown, text[:cut], text[cut:], said, record.tags[1], known)


def gold_of(record: Record) -> dict[str, Any]:
    """What ``probe`` needs to score an answer, in fractions of the picture."""
    answer = record.answer
    if isinstance(answer, Choice):
        return {"text": answer.letter}
    if isinstance(answer, YesNo):
        return {"text": "yes" if answer.yes else "no"}
    if isinstance(answer, Number):
        return {"number": answer.value}
    if isinstance(answer, Freeform):
        return {"text": answer.text}
    if isinstance(answer, Points):
        found = record.find_geometry(answer.region or answer.geometry)
        frame = record.form.frame if record.form else None
        if found.rle_size is None:
            return {"point": _fractions(record, answer.geometry), "frame": frame}
        mask = decode(found.rle, found.rle_size)
        packed = np.packbits(mask).tobytes().hex()
        return {"mask": packed, "size": list(mask.shape), "frame": frame}
    if isinstance(answer, BoxAnswer):
        return {"box": _fractions(record, answer.geometry)}
    return {}


def to_shot(
    looks: Sequence[Look],
    records: Sequence[Record],
    family: Family,
    processor: Any,
    *,
    grid: int,
    gold: bool = True,
) -> Shot:
    """Pictures of one home, what their visual tokens show, and the questions about them.

    Without ``gold`` the questions can be learnt from but not scored, and take far less room.
    """
    views = {look.media.key: i for i, look in enumerate(looks)}
    questions = [to_question(record, family, processor, views, gold=gold) for record in records]
    return Shot(
        np.stack([_picture(look) for look in looks]),
        np.stack([_cells(look, grid) for look in looks]),
        tuple(questions),
    )


def _picture(look: Look) -> NDArray[np.uint8]:
    frame = look.scene.event.frame
    assert frame is not None
    return frame


def _cells(look: Look, grid: int) -> NDArray[np.int16]:
    event = look.scene.event
    assert event.instance_frame is not None
    things = {o["objectId"]: o for o in event.metadata["objects"]}
    classes: list[tuple[int, int, int] | None] = []
    small: list[bool] = []
    for key in event.instance_ids:
        thing = things.get(key)
        kind = thing["objectType"] if thing else ""
        color = (thing.get("color") or "") if thing else ""
        known = kind in TYPES[1:] and color in COLORS
        small.append(bool(thing and thing["pickupable"]))
        if thing is None or not known:
            classes.append(None)
            continue
        around = [things[p]["objectType"] for p in thing["parentReceptacles"] or () if p in things]
        on = around[0] if around and around[0] in TYPES else ""  # the innermost
        classes.append((TYPES.index(kind), COLORS.index(color), TYPES.index(on)))
    return label_cells(event.instance_frame, classes, event.depth_frame, grid, first=small)


def _fractions(record: Record, key: str) -> list[float]:
    found = record.find_geometry(key)
    size = record.find_media(found.media).size
    assert size is not None and found.frame == "pixel"
    return [v / size[i % 2] for i, v in enumerate(found.values)]

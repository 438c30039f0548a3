"""Training answers written wrongly ON PURPOSE, for the control arms of an evidence run.

A table that is to warn of a wrong recipe must be seen to do so. These are mistakes that teams
have made; only arms that ask for them by name (``sabotage:``) ever learn from what is written
here. The prompt stays what it was to the letter. Every row that was changed carries the tag
"sabotage:<kind>" and a verdict with its right and wrong answer, and the folder's stage is called
study.sabotage.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from seestep.errors import DataError
from seestep.families import Family
from seestep.families.prompt import answer_text, messages
from seestep.records import (
    Answer,
    AnswerKind,
    Box,
    Choice,
    Form,
    Frame,
    Freeform,
    MediaRef,
    Number,
    Part,
    Plan,
    Points,
    Record,
    Text,
    Turn,
    Verdict,
    YesNo,
)
from seestep.records import Path as PathAnswer
from seestep.run import Manifest, Progress, ShardResult, read_rows, shard_stage

Sabotage: TypeAlias = Literal["json", "permille", "pixel"]

WORDS: dict[Sabotage, str] = {
    "json": 'every answer but a plan as JSON, {"answer": ...}, whatever the prompt asks for',
    "permille": "places as integers from 0 to 1000 where the prompt asks for fractions",
    "pixel": "every place in pixels of the picture, whatever frame the prompt or family means",
}
STAGE = "study.sabotage"
VERSION = 1
SHARD_ROWS = 2_000
_KINDS: dict[type, AnswerKind] = {Points: "points", Box: "box", PathAnswer: "path"}


def spoil_folder(
    source: Path,
    out: Path,
    kinds: Sequence[Sabotage],
    family: Family,
    *,
    progress: Progress | None = None,
) -> Manifest:
    """The records of a run folder with their answers spoilt, as another run folder.

    Raises ``DataError`` when no answer is changed: such an arm would show nothing.
    """
    records = list(read_rows(source, Record))
    parts = [records[i : i + SHARD_ROWS] for i in range(0, len(records), SHARD_ROWS)]
    if not any(spoil(record, kinds, family) is not record for record in records):
        raise DataError(
            f"the sabotage {', '.join(kinds)} changes no answer here, so it would show nothing",
            file=source,
        )

    def work(n: int) -> ShardResult:
        made = [spoil(record, kinds, family) for record in parts[n]]
        verdicts = [
            Verdict(
                id=new.id,
                check="sabotage",
                keep=True,
                reason=", ".join(kinds),
                evidence=f"{answer_text(old.answer, old, family)} -> {_text(new.answer)}",
            )
            for old, new in zip(parts[n], made, strict=True)
            if new is not old
        ]
        return ShardResult(rows=made, verdicts=verdicts)

    return shard_stage(
        out,
        stage=STAGE,
        version=VERSION,
        config={"kinds": list(kinds), "family": family.name},
        inputs=[source],
        shards=len(parts),
        work=work,
        progress=progress,
    )


def spoil(record: Record, kinds: Sequence[Sabotage], family: Family) -> Record:
    """``record`` with its answer written wrongly; the very same object where none of it applies."""
    wrong = wrong_answer(record, kinds, family)
    if wrong == answer_text(record.answer, record, family):
        return record
    steps = (*record.provenance.transforms, *(f"sabotage:{kind}" for kind in kinds))
    made = msgspec.structs.replace(
        record,
        turns=frozen_turns(record, family),
        form=None,
        answer=Freeform(text=wrong),
        tags=(*record.tags, *(f"sabotage:{kind}" for kind in kinds)),
        provenance=msgspec.structs.replace(record.provenance, transforms=steps),
    )
    if _joined(messages(made, family)) != _joined(messages(record, family)):
        raise DataError("the prompt changed, and only the answer may", record=record.id)
    return made


def wrong_answer(record: Record, kinds: Sequence[Sabotage], family: Family) -> str:
    """The text that takes the place of the right answer; the right one where no kind applies."""
    frame = _wrong_frame(record, kinds)
    asked = record if frame is None else _in_frame(record, frame)
    value = _plain(asked, family) if "json" in kinds else None
    if value is None:
        return answer_text(asked.answer, asked, family)
    return json.dumps({"answer": value}, ensure_ascii=False)


def frozen_turns(record: Record, family: Family) -> tuple[Turn, ...]:
    """The turns with everything written out that depends on the answer or its form."""
    return tuple(
        Turn(role=told["role"], parts=tuple(_parts(told["content"])))
        for told in messages(record, family)
    )


def _parts(content: Iterable[dict[str, Any]]) -> list[Part]:
    parts: list[Part] = []
    for (kind, media), several in groupby(content, lambda p: (p["type"], p.get("media"))):
        if kind == "text":
            parts += [Text(text=p["text"]) for p in several]
        else:  # the frames of one media come one by one
            parts.append(MediaRef(media=str(media)))
    return parts


def _wrong_frame(record: Record, kinds: Sequence[Sabotage]) -> Frame | None:
    if type(record.answer) not in _KINDS:
        return None
    if "pixel" in kinds:
        return "pixel"
    asks_unit = record.form is not None and record.form.frame == "unit"
    return "permille" if "permille" in kinds and asks_unit else None


def _in_frame(record: Record, frame: Frame) -> Record:
    form = record.form or Form(kind=_KINDS[type(record.answer)])
    return msgspec.structs.replace(record, form=msgspec.structs.replace(form, frame=frame))


def _plain(asked: Record, family: Family) -> Any:
    """The value that goes into the JSON; None where the answer stays as it is."""
    match asked.answer:
        case Choice():
            return asked.answer.letter
        case YesNo():
            return "yes" if asked.answer.yes else "no"
        case Number(value=value):
            return int(value) if value.is_integer() else value
        case Freeform(text=text):
            return text
        case Plan():
            return None  # JSON as it is
        case _:
            if asked.form is None or asked.form.notation is None:
                return None  # the family's own notation: JSON, or its own mark-up
            notation = "bracket_box" if isinstance(asked.answer, Box) else "lists"
            form = msgspec.structs.replace(asked.form, notation=notation, prompt=None)
            again = msgspec.structs.replace(asked, form=form)
            return json.loads(answer_text(again.answer, again, family))


def _text(answer: Answer) -> str:
    return answer.text if isinstance(answer, Freeform) else ""


def _joined(chat: list[dict[str, Any]]) -> list[Any]:
    """Messages with neighbouring texts as one: how they were cut does not reach the model."""
    return [
        (
            told["role"],
            [
                "".join(p["text"] for p in several) if kind == "text" else list(several)
                for kind, several in groupby(told["content"], lambda p: p["type"])
            ],
        )
        for told in chat
    ]

"""What every reader is given: records and pairs of all shapes, over pictures that are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seestep.export.write import export
from seestep.families import Family
from seestep.records import (
    Box,
    Choice,
    Entity,
    Form,
    FormRef,
    Freeform,
    Geometry,
    Media,
    MediaRef,
    Pair,
    Points,
    Record,
    Step,
    Text,
    Thought,
    Turn,
    YesNo,
)
from seestep.run import ShardResult, shard_stage
from seestep.thought.wire import Style
from seestep.train.encode import Encoder

SIZES = {"hall": (320, 240), "sink": (150, 90), "large": (1120, 840)}
THOUGHT = Thought(
    entities=(Entity(id="o1", name="mug", media="hall", geometry="mug"),),
    steps=(Step(do=("pick", "o1"), see="a mug", expect=(("holding", "o1"),)),),
    next=("pick", "o1"),
)


def draw(folder: Path) -> Path:
    """The pictures, noise so that no two are alike."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, (width, height) in SIZES.items():
        noise = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.png")
    return folder


def records() -> list[Record]:
    """One picture, two, frames, none; a thought; a system turn; an earlier turn; strange words."""
    mug = Geometry(key="mug", kind="box", media="hall", frame="pixel", values=(40, 30, 120, 90))
    tap = Geometry(key="tap", kind="point", media="large", frame="pixel", values=(700.5, 400.5))
    hall, sink, large = (still(name) for name in SIZES)
    width, height = SIZES["sink"]
    clip = Media(
        key="clip", kind="frames", path="", frames=("sink.png", "sink.png"), root="pics",
        width=width, height=height,
    )  # fmt: skip
    choice = Choice(options=("the hall", "the sink"), index=1)
    box, point, text = Form(kind="box"), Form(kind="points"), Form(kind="text")
    return [
        record(1, [ask("Is a mug there?", hall)], YesNo(yes=True), Form(kind="yes_no")),
        record(2, [ask("Where is the mug?", hall)], Box(geometry="mug"), box, geometry=(mug,)),
        record(3, [ask("Point to it.", large)], Points(geometry="tap"), point, geometry=(tap,)),
        record(4, [ask("Which is wet?", hall, sink)], choice, Form(kind="choice")),
        record(5, [ask("What is done?", clip)], Freeform(text="A mug – “rinsed”\n\n3×."), text),
        record(6, [ask("Name a vessel.")], Freeform(text="一个杯子 <b>mug</b>"), text),
        record(7, [say("system", "Be brief."), ask("And now?", sink)], YesNo(yes=False), text),
        record(
            8,
            [ask("What is it?", sink), say("assistant", "A sink."), ask("Is it wet?")],
            YesNo(yes=True),
            text,
        ),
        record(
            9, [ask("What next?", hall)], Freeform(text="pick mug"), text,
            geometry=(mug,), thought=THOUGHT,
        ),
    ]  # fmt: skip


def pairs() -> list[Pair]:
    """Pairs that differ in the answer, in the thought, and one that shows no picture."""
    hall, sink = still("hall"), still("sink")
    mug = Geometry(key="mug", kind="box", media="hall", frame="pixel", values=(40, 30, 120, 90))
    good, bad = Freeform(text="pick mug, put mug in sink"), Freeform(text="put mug in sink")
    return [
        pair(1, [ask("Put the mug away.", hall)], good, bad),
        pair(2, [ask("Put it in there.", hall, sink)], good, Freeform(text="nothing " * 40)),
        pair(3, [ask("What next?", hall)], good, good, geometry=(mug,), chosen_thought=THOUGHT),
        pair(4, [ask("Put the mug away.")], good, bad),
    ]


def told_apart(asked: list[Pair], style: Style) -> list[Pair]:
    """Those that are exported: where only the thought differs, plain answers are alike."""
    return [p for p in asked if style == "tags" or p.chosen != p.rejected]


def still(name: str) -> Media:
    return Media(
        key=name, path=f"{name}.png", root="pics", width=SIZES[name][0], height=SIZES[name][1]
    )


def ask(text: str, *shown: Media) -> tuple[Turn, tuple[Media, ...]]:
    parts = (*(MediaRef(media=m.key) for m in shown), Text(text=text))
    return Turn(role="user", parts=parts), shown


def say(role: Any, text: str) -> tuple[Turn, tuple[Media, ...]]:
    return Turn(role=role, parts=(Text(text=text),)), ()


def common(n: int, told: list[tuple[Turn, tuple[Media, ...]]], form: Form) -> dict[str, Any]:
    turns = [turn for turn, _ in told]
    turns[-1] = Turn(role="user", parts=(*turns[-1].parts, FormRef()))
    media = tuple({m.key: m for _, shown in told for m in shown}.values())
    return {"id": f"t:{n}", "source": "t", "task": "vqa", "media": media, "turns": tuple(turns),
            "form": form}  # fmt: skip


def record(n: int, told: list[Any], answer: Any, form: Form, **more: Any) -> Record:
    return Record(**common(n, told, form), answer=answer, **more)


def pair(n: int, told: list[Any], chosen: Any, rejected: Any, **more: Any) -> Pair:
    proof = {"mishap": "drop_step", "reason": "the hand is empty", "verified_by": "act"}
    return Pair(
        **common(n, told, Form(kind="text")), instruction="", observation="",
        chosen=chosen, rejected=rejected, **proof, **more,
    )  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What our own encoder makes of a record or pair, as text; image tokens are written out."""

    prompt: str
    said: tuple[str, ...]  # the answer; or chosen, rejected. Ends with the token that ends a turn
    images: tuple[str, ...]
    image_tokens: int


def write(
    folder: Path,
    asked: list[Record] | list[Pair],
    *,
    to: str,
    family: Family,
    style: Style = "tags",
) -> Path:
    """Export ``asked``; returns the folder."""
    rows, out = folder / "rows", folder / "out"
    work = ShardResult(rows=asked)
    shard_stage(rows, stage="t", version=1, config={}, inputs=[], shards=1, work=lambda _: work)
    roots, kind = {"pics": folder.parent / "pics"}, type(asked[0])
    export(rows, out, to=to, family=family, roots=roots, kind=kind, style=style)
    return out


def wanted(
    asked: list[Record] | list[Pair], processor: Any, family: Family, roots: dict[str, Path],
    style: Style = "tags",
) -> list[Wanted]:  # fmt: skip
    """What is to be learned from each, by our own encoder."""
    encoder = Encoder(processor, family, roots=roots, wire=style, max_length=1 << 20)
    read = processor.tokenizer.decode
    return [
        Wanted(
            read(e.prompt),
            tuple(read(c) for c in e.completions),
            tuple(str(roots[p.media.root] / p.media.path) for p in e.pictures),
            e.visual_tokens,
        )
        for e in map(encoder, asked)
    ]

"""A small hand-made run: items with pictures, what two models said, pairs, a training stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from seestep import families
from seestep.records import (
    Choice,
    Entity,
    Form,
    FormRef,
    Geometry,
    Item,
    Media,
    MediaRef,
    Pair,
    Plan,
    Points,
    Prediction,
    Score,
    Step,
    Text,
    Turn,
    Verdict,
)
from seestep.report.build import Inputs, ModelRun
from seestep.run import ShardResult, shard_stage

SUITES = ("mini-sat", "mini-where2place", "mini-plan")
WRONG = "<think></think><answer>B</answer>"
RIGHT = "<think></think><answer>A</answer>"


def stage(folder: Path, rows: list[Any], verdicts: list[Verdict] | None = None) -> Path:
    result = ShardResult(rows=rows, verdicts=verdicts or [])
    shard_stage(folder, stage="t", version=1, config={}, inputs=[], shards=1, work=lambda _: result)
    return folder


def media(root: Path, name: str, size: tuple[int, int] = (96, 96)) -> Media:
    Image.new("RGB", size, (10, 20, 200)).save(root / name)
    return Media(key="im", path=name, root="t", width=size[0], height=size[1])


def choice(root: Path, i: int, suite: str = "mini-sat", word: str = "red mug") -> Item:
    parts = (MediaRef(media="im"), Text(text=f"Which is the {word}?"), FormRef())
    return Item(
        id=f"{suite}-{i}",
        source="t",
        task="attribute",
        media=(media(root, f"{suite}{i}.png"),),
        turns=(Turn(role="user", parts=parts),),
        form=Form(kind="choice"),
        clusters=(f"home:{i // 2}",),
        suite=suite,
        answer=Choice(options=(word, f"{word} 2"), index=0),
        scorer="choice",
        skill="attribute",
    )


def pointing(root: Path, i: int) -> Item:
    geometry = Geometry(
        key="g", kind="box", media="im", frame="pixel", values=(24.0, 24.0, 72.0, 48.0)
    )
    parts = (MediaRef(media="im"), Text(text="Point at the box."), FormRef())
    return Item(
        id=f"mini-where2place-{i}",
        source="t",
        task="point",
        media=(media(root, f"w{i}.png"),),
        turns=(Turn(role="user", parts=parts),),
        geometry=(geometry,),
        form=Form(kind="points", frame="unit", notation="tuples"),
        clusters=(f"home:{i}",),
        suite="mini-where2place",
        answer=Points(geometry="g", region="g"),
        scorer="points_in_mask",
        skill="pointing",
    )


def pair(root: Path, word: str = "red mug") -> Pair:
    entities = (Entity(id="o1", name=word), Entity(id="o2", name=f"{word} shelf"))
    good = Plan(steps=(Step(do=("pick", "o1")), Step(do=("put", "o2"))), entities=entities)
    bad = Plan(steps=(Step(do=("open", "o2")), Step(do=("put", "o2"))), entities=entities)
    return Pair(
        id="p0",
        source="t",
        task="plan",
        media=(media(root, "p.png"),),
        turns=(Turn(role="user", parts=(MediaRef(media="im"), Text(text=f"Move the {word}."))),),
        instruction=f"Move the {word}.",
        observation=word,
        chosen=good,
        rejected=bad,
        mishap="drop_step",
        first_bad_step=1,
        reason=f"the hand does not hold the {word}",
        verified_by="room",
    )


def predicted(item: Item, raw: str) -> Prediction:
    return Prediction(item=item.id, prompt_sha256="0" * 64, raw=raw, finish="stop")


def scored(item: Item, value: float, parsed: bool = True) -> Score:
    return Score(
        item=item.id,
        suite=item.suite,
        skill=item.skill,
        value=value,
        parsed=parsed,
        rule="letter",
        clusters=item.clusters,
    )


def training(folder: Path, name: str, rows: list[dict[str, float]], stopped: str = "") -> Path:
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    folder.joinpath("metrics.jsonl").write_text(lines)
    manifest = {"stage": name, "weights_sha256": "ab" * 32, "stopped": stopped}
    folder.joinpath("manifest.json").write_text(json.dumps(manifest))
    return folder


def make(root: Path, *, word: str = "red mug", raw: str = WRONG) -> Inputs:
    """Two models: dpo gets all choices right, base half of them and lacks mini-where2place."""
    root.mkdir(parents=True, exist_ok=True)
    choices = [choice(root, i, word=word) for i in range(8)]
    plans = [choice(root, i, suite="mini-plan", word=word) for i in range(2)]
    points = [pointing(root, i) for i in range(2)]
    items = stage(root / "items", [*choices, *plans, *points])
    asked = [*choices, *plans]
    folders = {}
    for name, values in (("base", [0.0, 1.0] * 5), ("dpo", [1.0] * 10)):
        shown = asked if name == "base" else [*asked, *points]
        worth = values if name == "base" else [*values, 1.0, 0.0]
        said = [predicted(i, RIGHT if v else raw) for i, v in zip(asked, values, strict=True)]
        if name == "dpo":
            said += [predicted(p, "[(0.5, 0.375), (0.9, 0.9)]") for p in points]
        folders[name] = (
            stage(root / name / "predictions", said),
            stage(
                root / name / "scores",
                [scored(i, v, parsed=v > 0) for i, v in zip(shown, worth, strict=True)],
            ),
        )
    dropped = Verdict(id=f"r:{word}", check="rules", keep=False, reason=f"names {word} twice")
    moved = [
        {"step": s, "loss": 1 / s, "chosen_per_token": 0.01 * s, "rejected_per_token": -0.1 * s}
        for s in range(1, 5)
    ]
    return Inputs(
        title=f"run of {word}",
        summary=f"about {word}",
        models=[
            ModelRun("base", *folders["base"]),
            ModelRun("dpo", *folders["dpo"], training(root / "train", "dpo", moved, word)),
        ],
        items=[items],
        family=families.get("qwen3_vl"),
        roots={"t": root},
        stages=[(f"kept {word}", stage(root / "kept", [], [dropped]))],
        pairs=stage(root / "pairs", [pair(root, word)]),
        apart=["mini-plan"],
        run_folder=f"RUN {word}",
        facts={f"key {word}": word},
        banners=[f"beware of {word}"],
    )


def results(page: Path) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(page.with_name("results.json").read_bytes())
    return found

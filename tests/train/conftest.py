"""Random tiny models of both families, and records over a few small pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seestep.models import load as models
from seestep.models.tiny.build import SMALL, build
from seestep.records import (
    Box,
    Choice,
    Form,
    FormRef,
    Freeform,
    Geometry,
    Media,
    MediaRef,
    Pair,
    Points,
    Record,
    Text,
    Turn,
    YesNo,
)
from seestep.train import stages
from seestep.train.config import Batch, Data, DpoConfig, Optim, SftConfig
from seestep.train.seen import Looks

FAMILIES = ("qwen3_vl", "qwen2_5_vl")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders below, by name."""
    return SimpleNamespace(
        records=records, pairs=pairs, sft=sft, dpo=dpo, asked=asked, picture=picture
    )


@pytest.fixture(scope="session", params=FAMILIES)
def family(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def roots(tmp_path_factory) -> dict[str, Path]:
    """Four square pictures and a wide one."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(4):
        picture = rng.integers(0, 255, (96, 96, 3), dtype=np.uint8)
        Image.fromarray(picture).save(root / f"{i}.png")
    Image.fromarray(rng.integers(0, 255, (90, 150, 3), dtype=np.uint8)).save(root / "wide.png")
    return {"world": root}


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory) -> dict[str, Path]:
    """A random tiny checkpoint folder by family."""
    out = {}
    for family in FAMILIES:
        out[family] = tmp_path_factory.mktemp(family)
        models.save(build(family, shape=SMALL, seed=1), out[family])
    return out


@pytest.fixture
def watched(monkeypatch) -> list[SimpleNamespace]:
    """What the frozen tower of every stage run so far with ``states_mb`` had looked at in the end:
    pictures made, found, remembered from looking ahead and from looking alone."""
    found: list[SimpleNamespace] = []
    real = stages.looking_once

    @contextmanager
    def looking(model: Any, mb: int) -> Iterator[Looks | None]:
        with real(model, mb) as looks:
            yield looks
            if looks is not None:
                sizes = {"ahead": len(looks._ahead), "alone": len(looks._states)}
                found.append(SimpleNamespace(made=looks.made, found=looks.found, **sizes))

    monkeypatch.setattr(stages, "looking_once", looking)
    return found


def picture(i: int | str, size: tuple[int, int] = (96, 96)) -> Media:
    return Media(key="v0", path=f"{i}.png", root="world", width=size[0], height=size[1])


def asked(i: int, *, text: str, media: Media | None = None, form: str = "text") -> dict:
    parts: tuple = (Text(text=text), FormRef())
    if media is not None:
        parts = (MediaRef(media=media.key), *parts)
    return {
        "id": f"t:{i}",
        "source": "t",
        "task": "vqa",
        "media": (media,) if media else (),
        "turns": (Turn(role="user", parts=parts),),
        "form": Form(kind=form),
    }


def records(count: int = 12) -> list[Record]:
    """Yes/no, choice, point and box questions about pictures, and some without any."""
    out = []
    for i in range(count):
        kind = i % 5
        media = None if kind == 4 else picture(i % 4)
        if kind == 0:
            answer, form, geometry = YesNo(yes=i % 2 == 0), "yes_no", ()
        elif kind == 1:
            answer, form, geometry = Choice(options=("left", "right"), index=i % 2), "choice", ()
        elif kind == 2:
            geometry = (
                Geometry(key="g", kind="point", media="v0", frame="pixel", values=(5.0 + i, 40.0)),
            )
            answer, form = Points(geometry="g"), "point"
        elif kind == 3:
            values = (5.0, 6.0, 40.0 + i, 50.0)
            geometry = (Geometry(key="g", kind="box", media="v0", frame="pixel", values=values),)
            answer, form = Box(geometry="g"), "box"
        else:
            answer, form, geometry = Freeform(text="the red mug " * (1 + i % 3)), "text", ()
        base = asked(i, text=f"Where is mug {i}?", media=media, form=form)
        out.append(Record(**base, geometry=geometry, answer=answer))
    return out


def pairs(count: int = 6) -> list[Pair]:
    out = []
    for i in range(count):
        base = asked(i, text=f"Put mug {i} away. ", media=picture(i % 4))
        out.append(
            Pair(
                **base,
                instruction="put it away",
                observation="",
                chosen=Freeform(text=f"pick mug, put mug {i} in sink"),
                rejected=Freeform(text=f"put mug {i} in sink" + " now" * (i % 3)),
                mishap="drop_step",
                reason="the hand is empty",
                verified_by="act",
            )
        )
    return out


def sft(model: Path, **changes) -> SftConfig:
    base = {
        "model": str(model),
        "optim": Optim(lr=1e-3, warmup_steps=0),
        "batch": Batch(effective=4, micro=2),
        "data": Data(most_dropped=0.0),
        "epochs": 1.0,
        "precision": "fp32",
        "device": "cpu",
        "freeze": (),
        "max_sequence_length": 512,
    }
    return SftConfig(**{**base, **changes})


def dpo(model: Path, **changes) -> DpoConfig:
    base = {
        "model": str(model),
        "optim": Optim(lr=1e-3, warmup_steps=0),
        "batch": Batch(effective=2, micro=1),
        "data": Data(most_dropped=0.0),
        "epochs": 1.0,
        "precision": "fp32",
        "device": "cpu",
        "freeze": (),
        "max_sequence_length": 512,
    }
    return DpoConfig(**{**base, **changes})
